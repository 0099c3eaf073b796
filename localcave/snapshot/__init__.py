"""A real datastack, through caveclient, to a datastack folder.

Public names:

- `run`: Condition, Request
- `taking`: Snapshot, SnapshotReport
"""
