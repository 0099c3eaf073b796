"""Similarity of connectivity profiles, and clustering that puts similar ones side by side."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt
from scipy.cluster import hierarchy
from scipy.spatial import distance

from services.populations.edges import Floats, Indices

Measure = Literal["cosine", "jaccard"]
MEASURES: tuple[Measure, ...] = get_args(Measure)
Branches: TypeAlias = tuple[Floats, Floats]
"""The corners of the branches of a dendrogram: positions along the leaves, and heights; each of shape (merges, 4)."""


def similarities(profiles: Floats, measure: Measure = "cosine", others: Floats | None = None) -> Floats:
    """The similarity, from 0 to 1, of each row of `profiles` (rows of the result) to each row of `others` (columns;
    None = `profiles`): the cosine of the angle between them or, for "jaccard", the share of columns that are positive
    in both among those positive in either. NaN for a row of zeros."""
    rows, columns = (_weighed(numbers, measure) for numbers in (profiles, profiles if others is None else others))
    products = rows @ columns.T
    row_norms, column_norms = (rows * rows).sum(axis=1)[:, None], (columns * columns).sum(axis=1)[None, :]
    below = row_norms + column_norms - products if measure == "jaccard" else np.sqrt(row_norms * column_norms)
    empty = (row_norms == 0) | (column_norms == 0)
    result = np.divide(products, below, out=np.full(products.shape, np.nan), where=(below > 0) & ~empty)
    return np.clip(result, 0.0, 1.0)


def _weighed(profiles: Floats, measure: Measure) -> Floats:
    return (profiles > 0).astype(np.float64) if measure == "jaccard" else np.nan_to_num(profiles)


def clustering(profiles: Floats, measure: Measure = "cosine") -> npt.NDArray[np.float64]:
    """The tree of at least two rows, as scipy's linkage matrix: average linkage with 1 - similarity as the distance.
    The distance of a row of zeros from all others is 1."""
    apart = 1.0 - np.nan_to_num(similarities(profiles, measure))
    np.fill_diagonal(apart, 0.0)
    tree: npt.NDArray[np.float64] = hierarchy.linkage(distance.squareform(apart, checks=False), method="average")
    return tree


def leaves(tree: Floats) -> Indices:
    """The rows in the order of the leaves of a tree of :func:`clustering`."""
    return np.asarray(hierarchy.leaves_list(tree), dtype=np.int64)


def branches(tree: Floats) -> Branches:
    """The dendrogram of a tree of :func:`clustering`: for each merge the four corners of its branch, along the leaves
    (0, 1, 2… in their order) and in height (0 to 1). scipy's own function is recursive and fails for deep trees of
    thousands of cells."""
    count = len(tree) + 1
    along, height = np.zeros(2 * count - 1), np.zeros(2 * count - 1)
    along[leaves(tree)] = np.arange(count)
    corners, heights = np.empty((len(tree), 4)), np.empty((len(tree), 4))
    for at, (left, right, apart, _) in enumerate(tree):
        first, second = sorted((int(left), int(right)), key=lambda node: along[node])
        corners[at] = along[[first, first, second, second]]
        heights[at] = height[first], apart, apart, height[second]
        along[count + at], height[count + at] = (along[first] + along[second]) / 2, apart
    return corners, heights
