"""How alike cells, or groups, are in whom they are connected to, and orders that put alike ones side by side."""

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
"""Where the corners of the branches of a dendrogram are, along its leaves and in height."""


def similarities(profiles: Floats, measure: Measure = "cosine", others: Floats | None = None) -> Floats:
    """How alike each row of numbers is to each of `others` (left out: of the same), 0 to 1: the cosine of the angle
    between them, or, by "jaccard", the shared ones of all columns in which either has anything. NaN for a row of zeros,
    which is like nothing."""
    own, other = (_weighed(rows, measure) for rows in (profiles, profiles if others is None else others))
    products = own @ other.T
    ones, twos = (own * own).sum(axis=1)[:, None], (other * other).sum(axis=1)[None, :]
    below = ones + twos - products if measure == "jaccard" else np.sqrt(ones * twos)
    empty = (ones == 0) | (twos == 0)
    result = np.divide(products, below, out=np.full(products.shape, np.nan), where=(below > 0) & ~empty)
    return np.clip(result, 0.0, 1.0)


def _weighed(profiles: Floats, measure: Measure) -> Floats:
    return (profiles > 0).astype(np.float64) if measure == "jaccard" else np.nan_to_num(profiles)


def clustering(profiles: Floats, measure: Measure = "cosine") -> npt.NDArray[np.float64]:
    """The tree of rows (scipy's linkage matrix): average linkage of one less their similarity; a row of zeros is as far
    from others as can be. Two rows or more are needed."""
    apart = 1.0 - np.nan_to_num(similarities(profiles, measure))
    np.fill_diagonal(apart, 0.0)
    tree: npt.NDArray[np.float64] = hierarchy.linkage(distance.squareform(apart, checks=False), method="average")
    return tree


def leaves(tree: Floats) -> Indices:
    """The rows in the order of the leaves of a tree of :func:`clustering`."""
    return np.asarray(hierarchy.leaves_list(tree), dtype=np.int64)


def branches(tree: Floats) -> Branches:
    """A dendrogram: for each merge of a tree the four corners of its branch, along the leaves (0, 1, 2…, in their
    order) and in height (0 to 1). scipy draws it by recursion, which a deep tree of thousands of cells does not
    survive."""
    count = len(tree) + 1
    along, height = np.zeros(2 * count - 1), np.zeros(2 * count - 1)
    along[leaves(tree)] = np.arange(count)
    corners, heights = np.empty((len(tree), 4)), np.empty((len(tree), 4))
    for at, (one, other, apart, _) in enumerate(tree):
        first, second = sorted((int(one), int(other)), key=lambda node: along[node])
        corners[at] = along[[first, first, second, second]]
        heights[at] = height[first], apart, apart, height[second]
        along[count + at], height[count + at] = (along[first] + along[second]) / 2, apart
    return corners, heights
