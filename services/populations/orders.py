"""A matrix with its rows and columns in order."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import numpy as np

from services.populations import similarity
from services.populations.edges import Floats, Places
from services.populations.groupings import Grouping
from services.populations.matrices import Matrix
from services.populations.similarity import Branches

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


class Ordered(NamedTuple):
    """The numbers of a matrix in order, the names of its groups of rows and of columns, and for each of both the
    dendrogram of :func:`similarity.branches` whose leaves they are (None = they are not in clusters)."""

    numbers: Floats
    rows: list[str | None]
    columns: list[str | None]
    trees: tuple[Branches | None, Branches | None]


def order(matrix: Matrix, by: Order, somata_um: tuple[Floats, Floats]) -> Ordered:
    """A matrix with its rows and columns in order. `somata_um` are as of :func:`nulls.keep_distances` (groups without
    any known soma come last by depth). More than 3,000 rows or columns are not ordered by similarity but by their
    sum."""
    rows, row_tree = _one(matrix.pre, matrix.numbers, by, somata_um[0])
    columns, column_tree = _one(matrix.post, matrix.numbers.T, by, somata_um[1])
    names = [matrix.pre.names[at] for at in rows], [matrix.post.names[at] for at in columns]
    return Ordered(matrix.numbers[np.ix_(rows, columns)], *names, (row_tree, column_tree))


def _one(groups: Grouping, rows: Floats, by: Order, somata_um: Floats) -> tuple[Places, Branches | None]:
    """The places of rows or columns in order, and their dendrogram."""
    if by == "similarity" and 1 < len(rows) <= MOST_CLUSTERED:
        tree = similarity.clustering(np.nan_to_num(rows))
        return similarity.leaves(tree), similarity.branches(tree)
    return np.argsort(_keys(groups, rows, by, somata_um), kind="stable"), None


def _keys(groups: Grouping, rows: Floats, by: Order, somata_um: Floats) -> Floats | Places:
    """What each row or column is sorted by."""
    keys: Floats | Places
    match by:
        case "name":
            keys = np.arange(len(groups.names))
        case "cells":
            keys = -groups.sizes
        case "depth":
            keys = _mean_depths(groups, somata_um[:, 1])
        case _:
            keys = -np.nansum(rows, axis=1)
    return keys


def _mean_depths(groups: Grouping, depths_um: Floats) -> Floats:
    known = np.isfinite(depths_um)
    count = np.bincount(groups.of[known], minlength=len(groups.names))
    summed = np.bincount(groups.of[known], weights=depths_um[known], minlength=len(groups.names))
    return np.divide(summed, count, out=np.full(len(count), np.inf), where=count > 0)
