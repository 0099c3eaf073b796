"""The routes that answer caveclient and Neuroglancer.

Public names:

- `app`: serve
- `names`: NAME
- `reset`: add_command
"""
