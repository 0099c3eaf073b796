"""A real datastack, through caveclient, to a datastack folder.

Public names:

- `taking`: Request, take
"""
