"""What was answered once: frames and values, held in memory and shared through a folder or Redis; and what was derived
from them, within the same bound.

Public names:

- `derived`: Derived, NOT_KEPT, ready
- `shared`: Cache, STALE_S
"""
