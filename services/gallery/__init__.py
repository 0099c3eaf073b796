"""The gallery: published figures as live views, each a TOML file in `gallery/`.

Public names:

- `files`: Figure, figures
- `numbers`: SHARES, compare
"""
