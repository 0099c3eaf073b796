"""Siblings of the demo cortex: small synthetic datastacks in the shape of other public ones.

Each is what `localcave import` makes of tables that are drawn here and of the TOML beside this file, so they differ
from the cortex as those datastacks do: in schemas, names of tables, axes and voxels.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from localcave.importer.importing import import_datastack
from localcave.siblings import fly, v1dd

__all__ = ["SIBLINGS", "make"]

SIBLINGS: Mapping[str, Callable[[np.random.Generator], Mapping[str, pa.Table]]] = {
    "flywire": fly.draw,
    "v1dd": v1dd.draw,
}
"""What draws the tables of each sibling, by the datastack that it is like."""


def make(like: str, folder: Path, seed: int = 1) -> None:
    """Make the sibling that is like the datastack `like` in `folder`, replacing the datastack that was there.

    The same seed gives the same files. Raises InputError when the folder cannot be used.
    """
    with tempfile.TemporaryDirectory() as drawings:
        for name, table in SIBLINGS[like](np.random.default_rng(seed)).items():
            pq.write_table(table, Path(drawings) / f"{name}.parquet")
        import_datastack(Path(__file__).with_name(f"{like}.toml"), folder, data=Path(drawings))
