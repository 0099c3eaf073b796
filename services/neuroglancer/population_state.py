"""The cells of a population's two sets as rows for :func:`table_state`."""

from __future__ import annotations

import numpy as np
import pandas as pd

from services.cells import cells
from services.populations.population import Pair
from services.tables.groups import Groups

SETS = Groups("set", {"presynaptic": "#e08a3c", "postsynaptic": "#3f8fd0", "both": "#a970d8"})
VOXEL_NM = (1.0, 1.0, 1.0)
"""The positions of the rows are in nm."""


def cell_rows(pair: Pair) -> pd.DataFrame:
    """A row for each cell of either set. The rows alternate between the sets, so that a limited number of them has
    cells of each.

    Columns: pt_root_id (Int64), pt_position_x, _y, _z (Float64: the soma, in nm; null where there is not exactly one)
    and set (string).
    """
    either = np.union1d(pair.pre.ids, pair.post.ids)
    before, after = np.isin(either, pair.pre.ids), np.isin(either, pair.post.ids)
    which = np.select([before & after, before], ["both", "presynaptic"], "postsynaptic")
    somata = cells.somas(pair.release).drop_duplicates("root_id", keep=False).set_index("root_id")
    points = somata[["x_nm", "y_nm", "z_nm"]].reindex(either)
    rows = pd.DataFrame({"pt_root_id": pd.array(either, dtype="Int64"), "set": pd.Series(which, dtype="string")})
    for axis in "xyz":
        rows[f"pt_position_{axis}"] = points[f"{axis}_nm"].astype("Float64").array
    turn = rows.groupby("set").cumcount()
    return rows.assign(turn=turn).sort_values(["turn", "set"], ignore_index=True).drop(columns="turn")
