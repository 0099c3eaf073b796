"""Small files, and the TOML that says how to read them, for the tests of the importer."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq

HEAD = """
[datastack]
name = "mine"
description = "my own"
resolution_nm = [4, 4, 40]
[version]
number = 7
timestamp = 2025-01-13T10:10:01Z
"""
NUCLEI = """
[files]
cells = "cells.csv"
[tables.nuclei]
file = "cells"
schema = "nucleus_detection"
[tables.nuclei.columns]
id = "id"
pt_position = { from = ["x", "y", "z"], unit = "nm" }
pt_root_id = "root"
volume = "volume"
"""
CELLS: dict[str, Any] = {
    "id": [11, 12, 13],
    "x": [400.0, 800.0, 1200.0],
    "y": [40.0, 44.0, 48.0],
    "z": [4000, 4040, 4080],
    "root": [864691135771609595, 864691135771609596, 0],
    "volume": [300.5, "", 12.25],
    "kind": ["23P", "", "BC"],
    "flag": ["t", "False", None],
}

REFERENCE = (
    NUCLEI
    + """
[tables.types]
file = "cells"
schema = "cell_type_reference"
reference_table = "nuclei"
notice = "made up"
where = { kind = { empty = false } }
[tables.types.columns]
target_id = "id"
cell_type = "kind"
classification_system = { from = "kind", map = { 23P = "excitatory", BC = "inhibitory" } }
valid = { from = "kind", in = ["BC"] }
"""
)


SYNAPSES = """
[files]
synapses = "synapses.tsv"
[tables.syn]
file = "synapses"
schema = "synapse"
[tables.syn.columns]
pre_pt_position = { from = ["x", "x", "x"], unit = "um" }
post_pt_position = { from = ["x", "x", "x"], unit = "um" }
ctr_pt_position = { from = ["x", "x", "x"], unit = "um" }
pre_pt_root_id = "pre"
post_pt_root_id = "post"
post_pt_supervoxel_id = "sv"
"""


Make = Callable[..., Path]


def write_file(path: Path, columns: dict[str, Any] | str) -> None:
    """A CSV from lists as the csv module writes it, a Parquet or Feather file from Arrow columns, or text as it is."""
    if isinstance(columns, str):
        path.write_text(columns)
    elif path.suffix == ".parquet":
        pq.write_table(pa.table(columns), path)
    elif path.suffix == ".feather":
        pyarrow.feather.write_feather(pa.table(columns), path)
    else:
        with path.open("w", newline="") as file:
            writer = csv.writer(file, delimiter="\t" if path.suffix == ".tsv" else ",")
            writer.writerow(columns)
            writer.writerows(zip(*columns.values(), strict=True))
