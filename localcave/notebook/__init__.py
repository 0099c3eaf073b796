"""Public notebooks made to run here: their server, datastack, token, versions and ids replaced by those of a folder.

Public names:

- `command`: add_command
"""
