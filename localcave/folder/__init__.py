"""A datastack as a folder: its format, written, summarised, and the schemas of its tables.

Public names:

- `schemas`: schemas
- `summary`: damage, describe, render, sha256_of
- `writer`: DatastackWriter, FORMAT, MANIFEST, SERVER, example_states, live_path, read_manifest,
  segmentation_path, skeleton_path, table_path, view_path, write_parquet
"""
