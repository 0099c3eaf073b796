"""CAVE in a box: a server that caveclient cannot tell from CAVE, over Parquet files.

It knows nothing of the web application beside it and can be used on its own.
"""
