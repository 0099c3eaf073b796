"""Tables of your own (CSV, Parquet, Feather) to a datastack folder."""
