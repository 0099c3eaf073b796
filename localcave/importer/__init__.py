"""Tables of your own (CSV, Parquet, Feather) to a datastack folder.

Public names:

- `importing`: import_datastack
"""
