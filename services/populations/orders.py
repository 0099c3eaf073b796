"""Orders of the rows and columns of a matrix: by type, size, degree, depth or similarity."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import numpy as np

from services.core.errors import TooLarge
from services.populations import similarity
from services.populations.edges import Edges, Floats, Ids, Indices
from services.populations.groupings import Grouping
from services.populations.matrices import Matrix
from services.populations.similarity import Branches

Order = Literal["type", "cells", "synapses", "degree", "depth", "similarity"]
ORDERS: tuple[Order, ...] = get_args(Order)
MOST_CLUSTERED = 3_000
"""Rows or columns that are ordered by similarity."""


class Ordered(NamedTuple):
    """A matrix in order: its `numbers`, and the names of its groups in `rows` and `columns`. For rows and columns,
    `trees` has the dendrogram of :func:`similarity.branches` (None = not ordered by similarity), and `types` the types
    of single cells (None = not single cells, or not ordered by type)."""

    numbers: Floats
    rows: list[str | None]
    columns: list[str | None]
    trees: tuple[Branches | None, Branches | None]
    types: tuple[list[str | None] | None, list[str | None] | None]


def order(
    matrix: Matrix,
    edges: Edges,
    by: Order,
    somata_um: tuple[Floats, Floats],
    types: tuple[Grouping | None, Grouping | None] = (None, None),
) -> Ordered:
    """A matrix of `edges` with its rows and columns ordered `by` one of ORDERS. `somata_um` are as of
    :func:`nulls.keep_distances`; by depth, groups without a known soma come last. `types` groups the cells of rows and
    columns that are single cells, for the order by type. Raises TooLarge for more than MOST_CLUSTERED rows or columns
    by similarity."""
    pre, post = zip(somata_um, types, strict=True)
    rows, row_tree = _order_of(matrix.pre, matrix.numbers, by, (edges.pre, edges.num_syn), pre)
    columns, column_tree = _order_of(matrix.post, matrix.numbers.T, by, (edges.post, edges.num_syn), post)
    names = [matrix.pre.names[at] for at in rows], [matrix.post.names[at] for at in columns]
    typed = _typed(types[0], rows, by), _typed(types[1], columns, by)
    return Ordered(matrix.numbers[np.ix_(rows, columns)], *names, (row_tree, column_tree), typed)


def _typed(types: Grouping | None, indices: Indices, by: Order) -> list[str | None] | None:
    return [types.names[at] for at in types.of[indices]] if types is not None and by == "type" else None


def _order_of(
    groups: Grouping,
    rows: Floats,
    by: Order,
    edges: tuple[Indices, Ids],
    cells: tuple[Floats, Grouping | None],
) -> tuple[Indices, Branches | None]:
    """The indices of rows or columns in order, and their dendrogram. `edges` are the index of each edge's cell and its
    number of synapses, `cells` the positions of somata and, for the order by type, the types of single cells."""
    ends, num_syn = edges
    somata_um, types = cells
    if by == "similarity" and len(rows) > MOST_CLUSTERED:
        raise TooLarge(
            f"{len(rows):,} rows or columns are more than the {MOST_CLUSTERED:,} that are ordered by similarity.",
            "Choose another order.",
        )
    if by == "similarity" and len(rows) > 1:
        tree = similarity.clustering(np.nan_to_num(rows))
        return similarity.leaves(tree), similarity.branches(tree)
    keys: Floats | Indices
    match by:
        case "type":
            keys = np.arange(len(groups.names)) if types is None else types.of
        case "cells":
            keys = -groups.sizes
        case "depth":
            keys = _mean_depths(groups, somata_um[:, 1])
        case "degree":
            keys = -np.bincount(groups.of[ends], minlength=len(groups.names))
        case _:
            keys = -np.bincount(groups.of[ends], weights=num_syn, minlength=len(groups.names))
    return np.argsort(keys, kind="stable"), None


def _mean_depths(groups: Grouping, depths_um: Floats) -> Floats:
    finite = np.isfinite(depths_um)
    count = np.bincount(groups.of[finite], minlength=len(groups.names))
    summed = np.bincount(groups.of[finite], weights=depths_um[finite], minlength=len(groups.names))
    return np.divide(summed, count, out=np.full(len(count), np.inf), where=count > 0)
