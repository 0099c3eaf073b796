"""Queries over Parquet with DuckDB, in the materialization engine's words."""
