"""A real datastack, through caveclient, to a datastack folder.

Public names:

- `command`: add_command
"""
