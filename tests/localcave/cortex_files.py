"""Reads a demo cortex as a stranger would: from its files, with pandas.

Frames are `Any`: the published stubs of pandas know too few of its index types.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from localcave.folder import writer

NEWEST, OLDER, EXPIRED = 1621, 1507, 1412
VERSIONS = (EXPIRED, OLDER, NEWEST)
SYNAPSES, NUCLEI, TYPES = "synapses_pni_2", "nucleus_detection_v0", "aibs_metamodel_celltypes_v661"
PROOFREADING = "proofreading_status_and_strategy"
EXCITATORY = ["23P", "4P", "5P-IT", "5P-ET", "5P-NP", "6P-IT", "6P-CT"]
INHIBITORY = ["BC", "BPC", "MC", "NGC"]
GLIA = ["astrocyte", "oligo", "OPC", "microglia", "pericyte"]


@cache
def read_rows(folder: Path, version: int, table: str) -> Any:
    """All rows of a table at a version, those of an overlay in place of the base's; index is the id."""
    stored = writer.read_manifest(folder)["tables"][str(version)][table]["storage"]
    base = stored["base_version"]
    if base is None:
        return pq.read_table(writer.table_path(folder, version, table)).to_pandas().set_index("id")
    rows = read_rows(folder, base, table).copy()
    changed = pq.read_table(writer.table_path(folder, version, table, overlay=True)).to_pandas().set_index("id")
    rows.loc[changed.index] = changed
    return rows


def read_view(folder: Path, version: int, view: str) -> Any:
    """All rows of a view."""
    return pq.read_table(writer.view_path(folder, version, view)).to_pandas()


def read_segmentation(folder: Path, name: str) -> Any:
    """Supervoxels or history."""
    return pq.read_table(writer.segmentation_path(folder, f"{name}.parquet")).to_pandas()


def read_time(version: int, folder: Path) -> Any:
    """When a version was made."""
    entry = next(v for v in writer.read_manifest(folder)["versions"] if v["version"] == version)
    return pd.Timestamp(entry["time_stamp"], tz="UTC")


def read_single_types(folder: Path, version: int = NEWEST) -> Any:
    """Type by root id of cells that have exactly one row in the type table."""
    types = read_rows(folder, version, TYPES)
    root = read_rows(folder, version, NUCLEI)["pt_root_id"].reindex(types["target_id"]).to_numpy()
    typed = pd.DataFrame({"root": root, "type": types["cell_type"].to_numpy()})
    return typed[typed["root"] > 0].drop_duplicates("root", keep=False).set_index("root")["type"]
