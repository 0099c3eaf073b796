"""A datastack as a folder: its format, written, summarised, and the schemas of its tables."""
