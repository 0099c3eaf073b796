"""CAVE, and nothing but CAVE: the only caveclient, with its failures as sentences and its answers kept.

:class:`~services.cave.client.Cave` is the door; of several servers, :class:`~services.cave.servers.Servers`.

Public names:

- `client`: Cave
- `context`: cave, outside, outside_address
- `queries`: Filters, NO_FILTERS, Source, arguments_at
- `release`: Release
- `rows`: UNUSED
- `servers`: open_cave
- `synapse_shape`: CENTRE, SynapseShape, TRANSMITTERS, VALID_NT
- `versions`: find, resolve
"""
