"""The routes that answer caveclient and Neuroglancer.

Public names:

- `app`: serve
- `reset`: add_command
"""
