"""Queries over Parquet with DuckDB, in the materialization engine's words.

Public names:

- `query`: COMPARISONS, DROPPED_FROM_JOINS, DROPPED_FROM_TABLES, Query, Table, find_in_any
- `query_values`: iterated
- `store`: AXES, Column, Datastack, Source, Store, columns_in, identifier, quote, voxel_size_nm
- `wire`: answer, as_arrow, count_table, encoded, gzipped, notice
"""
