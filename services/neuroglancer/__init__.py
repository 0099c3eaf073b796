"""Neuroglancer states and links of tables and cells; the only nglui."""
