"""Views of connected pairs: who is connected with how many synapses, in one small request."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from services.cave.queries import Filters
from services.cave.release import Release
from services.core.columns import kind_of
from services.core.directions import Direction
from services.core.errors import BadInput
from services.core.roles import PAIR_COUNTS, PAIR_ENDS, PAIR_SIZE

WEIGHT = "weight"
"""The column of :func:`read` that says how many synapses a row stands for."""


@dataclass(frozen=True)
class EdgeView:
    """A view of pairs: its columns of the two cells, of the number of synapses and, where there is one, of their summed
    size. It has the synapses that pass the line `where` ("" = all)."""

    name: str
    pre: str
    post: str
    count: str
    sized: bool
    where: str


def find(release: Release) -> EdgeView | None:
    """The view with the role of edges; None without one. Raises BadInput where that has no pairs, or none with a
    number."""
    role = release.roles.edges
    if role.table is None:
        return None
    columns = release.view_columns().get(role.table, [])
    ends = next((ends for ends in PAIR_ENDS if {*ends} <= {*columns}), None)
    count = next((name for name in (role.column, *PAIR_COUNTS) if name in columns), None)
    if ends is None or count is None:
        raise BadInput(
            f"{role.table} has no columns of two root ids and a number of synapses, so it is not a view of pairs.",
            "Name another under roles in the profile.",
        )
    first = release.sample(role.table)
    if first.empty:
        raise BadInput(f"{role.table} is empty, so partners are counted from synapses.")
    if kind_of(count, first[count]) != "number":
        raise BadInput(f"{role.table} has no numbers of synapses in {count}, so partners are counted from synapses.")
    return EdgeView(role.table, *ends, count, PAIR_SIZE in columns, role.where)


def fault(release: Release) -> str:
    """A sentence where the view with the role of edges is empty or none of pairs; "" where it is one, or there is
    none."""
    try:
        find(release)
    except BadInput as error:
        return error.message
    return ""


def fitting(release: Release, only: str) -> EdgeView | None:
    """The view that says what the synapses which pass the line `only` say of partners; None where they have to be read,
    as those with sizes have where the view has none, and all where :func:`fault` says why."""
    view = None if fault(release) else find(release)
    if view is None or view.where.strip() != only.strip():
        return None
    return view if view.sized or not release.synapse_shape().sized else None


def read(release: Release, view: EdgeView, root_id: int, direction: Direction, *, whole: bool = False) -> pd.DataFrame:
    """The pairs of a cell in one direction as synapses that stand for several:
    pre_pt_root_id, post_pt_root_id (Int64), size (Float64, summed; blank where the view has none) and WEIGHT (int64).
    `attrs["truncated"]` tells when CAVE cut them, in pairs; `whole` asks in as many pieces as it takes."""
    ends = {"pre_pt_root_id": view.pre, "post_pt_root_id": view.post}
    names = [view.pre, view.post, view.count, *([PAIR_SIZE] if view.sized else [])]
    of_cell = Filters(equal={ends[direction.own]: int(root_id)})
    rows = release.query(view.name, of_cell, select_columns=names, whole=whole, parts_by=ends[direction.partner])
    frame = pd.DataFrame({name: rows[column] for name, column in ends.items()})
    size = rows[PAIR_SIZE] if view.sized else pd.array([pd.NA] * len(rows), dtype="Float64")
    frame = frame.assign(size=size, **{WEIGHT: rows[view.count].fillna(0).to_numpy(np.int64)})
    frame.attrs = dict(rows.attrs)
    return frame
