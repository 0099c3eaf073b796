"""Neuroglancer states and links of tables and cells; the only nglui.

Public names:

- `bundled_viewer`: create_blueprint
- `links`: BUNDLED, Link, cell_link, population_link, table_link, viewers
"""
