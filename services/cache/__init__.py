"""The cache of CAVE's answers, in memory and shared through a folder or Redis, and of results derived from them, within
one bound of memory.

Public names:

- `derived`: Derived, NOT_KEPT, ready
- `shared`: Cache, STALE_S
"""
