"""Which segment lies at a position.

It is read from the voxels of the segmentation. Where these cannot be read, the ends of synapses at the position and
the nuclei that hold it show the segment; where neither does, an error names what is near, and nothing is guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import pandas as pd

from services.cave.client import Cave
from services.cave.queries import Filters
from services.cave.release import Release
from services.cells import cells
from services.cells.position_text import UNIT_NM, Coordinates
from services.core import space
from services.core.errors import BadInput, NotFound
from services.core.parallel import gather

AT_NM = 100.0
"""A position as near as this to an end of a synapse is in the same segment: the end lies inside it, and axons are
wider."""
CLEARLY = 3
"""A position lies in the nearer of two segments if the end in the other is at least this many times as far away."""
NEAR_NM = 2_000.0
"""Ends of synapses are searched for within this distance along each axis, to name the nearest in an error."""
FAR_NM = 25_000.0
"""No cell body is wider: a position farther than this from the centre of a nucleus is not in that soma."""
LEAST_RADIUS_NM = 1_000.0
"""The radius assumed for a nucleus of unknown volume: no nucleus is smaller."""
SIDES = {"pre_pt": "presynaptic", "post_pt": "postsynaptic"}


@dataclass(frozen=True)
class CellAt:
    """The cell at a position: one of its ids, the type of that id, and a sentence that says how it is known."""

    id: int
    id_type: Literal["root_id", "nucleus_id"]
    note: str


def in_nm(cave: Cave, datastack: str, coordinates: Coordinates) -> space.Floats:
    """Coordinates as a position in nm (x, y, z); without a unit, they are voxels of the datastack's viewer.

    Raises BadInput for voxels where the datastack does not say how large they are.
    """
    of_unit = UNIT_NM.get(coordinates.unit)
    size_nm = [of_unit] * 3 if of_unit else cave.info(datastack)["viewer_resolution"]
    if None in size_nm:
        raise BadInput(f"{datastack} does not say how large its voxels are.", "Give the position in nm or um.")
    return space.voxels_to_nm(list(coordinates.numbers), size_nm)


def is_place(release: Release, coordinates: Coordinates) -> bool:
    """Whether three numbers are a position rather than three ids.

    They are where they are certain to be, or where they lie within the bounding box of the nuclei, widened by a fifth
    on each side, and are not themselves three nucleus ids. Where no nuclei are known, any coordinates are a position.

    Raises BadInput for numbers without a unit that lie in that box only as nm: they may be ids.
    """
    somas = cells.somas(release)
    points = somas[["x_nm", "y_nm", "z_nm"]].dropna().to_numpy()
    if coordinates.certain or not len(points):
        return True
    if np.isin(coordinates.numbers, somas["nucleus_id"]).all():
        return False
    low, high = points.min(axis=0), points.max(axis=0)
    margin = (high - low) / 5

    def inside(point_nm: space.Floats) -> bool:
        return bool(((point_nm >= low - margin) & (point_nm <= high + margin)).all())

    if inside(in_nm(release.cave, release.datastack, coordinates)):
        return True
    if inside(np.asarray(coordinates.numbers)):
        raise BadInput(
            f"As voxels these three numbers lie outside {release.datastack}, as nm inside.",
            "Write nm behind them if they are a position, else choose the type of the ids.",
        )
    return False


def at(release: Release, point_nm: space.Floats) -> CellAt:
    """The cell at a position in nm: by the voxels of the segmentation, else by an end of a synapse within AT_NM, else
    by a nucleus that holds the position.

    Raises NotFound, which names what is near and how far away, where none of these is known, and BadInput where ends in
    two cells are too near to tell which of them it is.
    """
    segment, points, nuclei = gather(
        partial(_segment, release, point_nm),
        partial(_synapse_points, release, point_nm),
        partial(_nuclei, release, point_nm),
    )
    if segment:
        return CellAt(segment, "root_id", "The position was read as a place: the segmentation has this cell there.")
    if len(points) and points["apart_nm"].iloc[0] <= AT_NM:
        return _of_synapse(points)
    holding = nuclei[nuclei["apart_nm"] <= nuclei["radius_nm"]]
    if len(holding):
        return _of_nucleus(_first(holding))
    raise NotFound(*_unknown(release.datastack, points, nuclei))


def _segment(release: Release, point_nm: space.Floats) -> int:
    """The root id at a position by the voxels of the segmentation; 0 where there is none or they cannot be read."""
    supervoxel = release.cave.supervoxel_at(release.datastack, point_nm.tolist())
    return release.roots_of_supervoxels([supervoxel])[0] if supervoxel else 0


def _of_synapse(points: pd.DataFrame) -> CellAt:
    first = _first(points)
    others = points[points["root_id"] != first.root_id]
    other = _first(others) if len(others) else None
    if other and (other.apart_nm < CLEARLY * first.apart_nm or other.apart_nm == 0):
        raise BadInput(
            f"This position is between two segments: {_side(first)} is {_distance(first)} away, "
            f"{_side(other)} {_distance(other)}.",
            "Ask for one of them, or give a place inside it.",
        )
    if not first.root_id:
        raise NotFound(
            f"{_side(first).capitalize()} is {_distance(first)} from this position, which is not inside a cell.",
            "Give another place.",
        )
    return CellAt(
        first.root_id, "root_id", f"The position was read as a place: {_side(first)} is {_distance(first)} away."
    )


def _of_nucleus(nucleus: Any) -> CellAt:
    size = "" if np.isnan(nucleus.volume_um3) else f" (radius {nucleus.radius_nm / 1000:.1f} µm)"
    distance = f"{nucleus.apart_nm / 1000:.1f} µm away"
    nearest = f"the nearest nucleus that reaches it is {nucleus.nucleus_id}{size}, {distance}."
    return CellAt(nucleus.nucleus_id, "nucleus_id", f"The position was read as a place: {nearest}")


def _unknown(datastack: str, points: pd.DataFrame, nuclei: pd.DataFrame) -> tuple[str, str]:
    """The message and the hint of an error for a position at which no segment is known."""
    neighbours = []
    if len(points):
        neighbours.append(f"The nearest is {_side(_first(points))} {_distance(_first(points))} away.")
    if len(nuclei):
        first = _first(nuclei)
        distance = f"{first.apart_nm / 1000:,.1f} µm away"
        root = f"{first.nucleus_id}, of {first.root_id}" if first.root_id else f"{first.nucleus_id}, of no segment"
        if first.apart_nm > FAR_NM:
            neighbours.append(f"No nucleus lies within {FAR_NM / 1000:.0f} µm; the nearest, {root}, is {distance}.")
        else:
            neighbours.append(f"The nearest nucleus, {root}, is {distance} and too small to reach it.")
    nearest = " ".join(neighbours) or f"{datastack} has neither a synapse nor a nucleus near it."
    if not neighbours:
        hint = "Give the id of the segment that Neuroglancer shows there."
    else:
        hint = "Ask for one of these if that is meant, or give the id of the segment that Neuroglancer shows there."
    return f"Which segment lies at this position is not known. {nearest}", hint


def _first(frame: pd.DataFrame) -> Any:
    """The first row as a named tuple, which keeps each value's type: a Series would turn ids into floats."""
    return next(frame.itertuples(index=False))


def _side(point: Any) -> str:
    segment = f"in {point.root_id}" if point.root_id else "of root id 0"
    return f"the {point.side} point of synapse {point.id}, {segment},"


def _distance(point: Any) -> str:
    return f"{point.apart_nm:,.0f} nm"


def _synapse_points(release: Release, point_nm: space.Floats) -> pd.DataFrame:
    """Ends of synapses around a position, the nearest first: id, root_id (int64), side (str), apart_nm (float64)."""
    table = release.roles.synapses.table
    if not table:
        return _NO_POINTS
    voxel_nm = release.table_info(table).voxel_resolution_nm
    corners = [space.nm_to_voxels(point_nm + sign * NEAR_NM, voxel_nm) for sign in (-1, 1)]
    box = [np.floor(corners[0]).astype(int).tolist(), np.ceil(corners[1]).astype(int).tolist()]

    def of_side(side: str) -> pd.DataFrame:
        root, position = f"{side}_root_id", f"{side}_position"
        try:
            columns = ["id", root, position]
            rows = release.query(table, Filters(box={position: box}), select_columns=columns)
        except (BadInput, NotFound):  # the synapse table has no such column
            return _NO_POINTS
        apart = np.linalg.norm(space.voxels_to_nm(space.points(rows, position), voxel_nm) - point_nm, axis=1)
        ids, roots = (rows[name].fillna(0).to_numpy(np.int64) for name in ("id", root))
        return pd.DataFrame({"id": ids, "root_id": roots, "side": SIDES[side], "apart_nm": apart})

    ends = pd.concat([_NO_POINTS, *gather(*(partial(of_side, side) for side in SIDES))], ignore_index=True)
    return ends.sort_values(["apart_nm", "id"], kind="stable", ignore_index=True)


_NO_POINTS = pd.DataFrame({"id": [], "root_id": [], "side": [], "apart_nm": []}).astype(
    {"id": "int64", "root_id": "int64", "side": "object", "apart_nm": "float64"}
)


def _nuclei(release: Release, point_nm: space.Floats) -> pd.DataFrame:
    """All nuclei of the datastack, the nearest to a position first: nucleus_id, root_id (int64), apart_nm, volume_um3
    (NaN where not known) and radius_nm, of a ball with this volume (float64)."""
    nuclei = cells.somas(release)
    apart = np.linalg.norm(nuclei[["x_nm", "y_nm", "z_nm"]].to_numpy() - point_nm, axis=1)
    nuclei = nuclei[["nucleus_id", "root_id"]].assign(apart_nm=apart).dropna(subset=["apart_nm"])
    nuclei = nuclei.sort_values(["apart_nm", "nucleus_id"], kind="stable", ignore_index=True)
    volume = np.full(len(nuclei), np.nan)
    if len(nuclei):
        volume = _volumes(release).reindex(nuclei["nucleus_id"]).to_numpy(np.float64, na_value=np.nan)
    radius = 1000 * (3 * volume / (4 * np.pi)) ** (1 / 3)
    return nuclei.assign(volume_um3=volume, radius_nm=np.where(np.isnan(volume), LEAST_RADIUS_NM, radius))


def _volumes(release: Release) -> pd.Series:
    """The volume of each nucleus in um^3 (Float64), indexed by nucleus id; null where the table has none."""
    rows = release.table(cells.nucleus_table(release) or "")
    volume = rows["volume"] if "volume" in rows else pd.Series(pd.NA, rows.index, dtype="Float64")
    volumes_um3 = pd.Series(volume.to_numpy(), rows["id"].to_numpy(np.int64))
    return volumes_um3[~volumes_um3.index.duplicated()]
