"""The order of a matrix's rows and columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from services.populations import similarity
from services.populations.edges import Floats, Places
from services.populations.groupings import Grouping
from services.populations.matrices import Matrix

Order = Literal["name", "cells", "synapses", "depth", "similarity"]
ORDERS: tuple[Order, ...] = get_args(Order)
WORDS: dict[Order, str] = {
    "name": "name",
    "cells": "number of cells",
    "synapses": "sum of the row or column",
    "depth": "mean depth of the somata",
    "similarity": "similarity (cosine, average linkage)",
}
MOST_CLUSTERED = 3_000


@dataclass(frozen=True, eq=False)
class Ordered:
    """Rows or columns in order. `tree` is that of :func:`similarity.clustering` whose leaves they are (None = they are
    not in clusters)."""

    places: Places
    tree: Floats | None = None


def order(matrix: Matrix, by: Order, depths_um: tuple[Floats, Floats]) -> tuple[Ordered, Ordered]:
    """The rows and the columns of a matrix in order. `depths_um` are the depths of the somata of the cells of both sets
    (NaN = not known; groups without any come last). More than 3,000 rows or columns are not ordered by similarity but
    by their sum."""
    return _one(matrix.pre, matrix.numbers, by, depths_um[0]), _one(matrix.post, matrix.numbers.T, by, depths_um[1])


def _one(groups: Grouping, rows: Floats, by: Order, depths_um: Floats) -> Ordered:
    if by == "similarity" and 1 < len(rows) <= MOST_CLUSTERED:
        tree = similarity.clustering(np.nan_to_num(rows))
        return Ordered(similarity.leaves(tree), tree)
    return Ordered(_places(groups, rows, by, depths_um))


def _places(groups: Grouping, rows: Floats, by: Order, depths_um: Floats) -> Places:
    names = np.arange(len(groups.names))
    if by == "name":
        return names
    if by == "cells":
        return np.argsort(-groups.sizes, kind="stable")
    if by == "depth":
        return np.argsort(_means(groups, depths_um), kind="stable")
    return np.argsort(-np.nansum(rows, axis=1), kind="stable")


def _means(groups: Grouping, depths_um: Floats) -> Floats:
    known = np.isfinite(depths_um)
    count = np.bincount(groups.of[known], minlength=len(groups.names))
    summed = np.bincount(groups.of[known], weights=depths_um[known], minlength=len(groups.names))
    return np.divide(summed, count, out=np.full(len(count), np.inf), where=count > 0)
