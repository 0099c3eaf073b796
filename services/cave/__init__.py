"""CAVE, and nothing but CAVE: the only caveclient, with its failures as sentences and its answers kept.

:class:`~services.cave.client.Cave` is the door.
"""
