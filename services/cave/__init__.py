"""CAVE and nothing but CAVE: the only room that imports caveclient; answers are cached, failures become sentences.

:class:`~services.cave.client.Cave` is the way in; for several servers, :class:`~services.cave.servers.Servers`.

Public names:

- `client`: Cave
- `context`: cave, door, outside, outside_address
- `failures`: SERVER_HEADER
- `queries`: Filters, NO_FILTERS, Source, arguments_at
- `release`: LIVE_TTL_S, Release
- `rows`: SENT_AT_ONCE, UNUSED
- `servers`: open_cave
- `skeletons`: MOST_ASKED
- `synapse_shape`: CENTRE, SCORES, SynapseShape, TRANSMITTERS, VALID_NT, WITHOUT_CENTRE
- `versions`: find, resolve
"""
