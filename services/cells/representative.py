"""Representative points: a position inside each cell, for cells whose soma is not known."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
import pandas as pd

from services.cave.release import Release
from services.cells import cell_types, role_tables
from services.core import space
from services.core.errors import BadInput
from services.core.profiles import Volume

POINTS = "points"
"""The name in `PartnerOptions.more` that adds the points of partners."""
_NM = ["x_nm", "y_nm", "z_nm"]


def columns(volume: Volume) -> tuple[str, ...]:
    """The columns that :func:`with_points` adds: point_x_um and so on, named after the axes of the volume."""
    return tuple(f"point_{axis}" for axis in volume.axes)


def of_cells(release: Release, roots: Collection[int]) -> pd.DataFrame:
    """The representative points of some root ids, indexed by `root_id` (int64): x_nm, y_nm, z_nm (float64). Of several
    points of a cell the one with the lowest id is taken; a cell without a point has no row. Empty where the version has
    no table of points."""
    table = role_tables.table_of(release, "representative_points")
    rows = pd.DataFrame() if table is None else cell_types.rows_of_cells(release, table, roots)
    if table is None or rows.empty:
        return pd.DataFrame(columns=_NM, index=pd.Index([], dtype="int64", name="root_id"), dtype="float64")
    first = rows.dropna(subset=["pt_root_id", "pt_position_x"]).drop_duplicates("pt_root_id")
    points_nm = space.voxels_to_nm(space.points(first), release.table_info(table).voxel_resolution_nm)
    return pd.DataFrame(points_nm, columns=_NM, index=pd.Index(first["pt_root_id"].astype("int64"), name="root_id"))


def point_nm(release: Release, root_id: int) -> tuple[float, float, float] | None:
    """The representative point of one cell in nm; None where none is known."""
    points = of_cells(release, [root_id])
    if points.empty:
        return None
    x, y, z = points.iloc[0].tolist()
    return x, y, z


def with_points(release: Release, partners: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """A partner frame with :func:`columns` (float64, um; NaN where no point is known), and a sentence that counts the
    partners with a point. Raises BadInput where the table with the role of representative points has none."""
    if message := role_tables.fault(release, "representative_points"):
        raise BadInput(message, "Leave out the points.")
    points_nm = of_cells(release, partners["root_id"].tolist()).reindex(partners["root_id"]).to_numpy(np.float64)
    positions_um = space.nm_to_um(points_nm, release.volume)
    added = {name: positions_um[:, at] for at, name in enumerate(columns(release.volume))}
    number, table = int(np.isfinite(positions_um[:, 0]).sum()), role_tables.table_of(release, "representative_points")
    return partners.assign(**added), f"{number:,} of {len(partners):,} partners have a point in {table}."


def lines(release: Release, turn: str, needed: Collection[str]) -> Iterator[str]:
    """Lines of Python that add :func:`columns` to the partners in `frame`; no lines where none of them is `needed`.
    `turn` is an expression of :func:`partner_script.turn`."""
    names, table = columns(release.volume), role_tables.table_of(release, "representative_points")
    if not set(names) & set(needed):
        return
    yield f"points = client.materialize.query_table(\n    {table!r},"
    yield "    filter_in_dict={'pt_root_id': frame['root_id'].tolist()},"
    yield "    split_positions=True, desired_resolution=[1, 1, 1]\n)"
    yield "points = points.sort_values('id').drop_duplicates('pt_root_id').set_index('pt_root_id')"
    yield "points = points[['pt_position_x', 'pt_position_y', 'pt_position_z']]"
    yield "nm = points.reindex(frame['root_id']).to_numpy(float)"
    yield f"{', '.join(f'frame[{name!r}]' for name in names)} = ({turn}).T"
