"""Neuroglancer states and links for tables, cells and populations, and the bundled viewer. Only this room imports
nglui.

Public names:

- `bundled_viewer`: create_blueprint
- `links`: BUNDLED, Link, cell_link, population_link, table_link, viewers
"""
