"""Matrices: sums over the edges among groups of cells, each number with its denominator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from services.core.errors import BadInput, TooLarge
from services.populations.edges import Edges, Floats
from services.populations.groupings import Grouping

Value = Literal[
    "synapses",
    "connections",
    "connected_fraction",
    "synapses_per_connection",
    "net_size",
    "mean_size",
    "output_share",
    "input_share",
]
VALUES: tuple[Value, ...] = get_args(Value)
UNITS: dict[Value, str] = {"net_size": "vx", "mean_size": "vx"}
SHARES = ("output_share", "input_share")
MOST_ENTRIES = 10_000_000
Whole: TypeAlias = npt.NDArray[np.int64]

WORDS: dict[Value, str] = {
    "synapses": "Synapses from the row's cells onto the column's cells, not normalized.",
    "connections": "Pairs of a presynaptic and a postsynaptic cell with at least one synapse, not normalized.",
    "connected_fraction": "Connected pairs as a fraction of all pairs of different cells of the row and the column.",
    "synapses_per_connection": "Synapses divided by connected pairs.",
    "net_size": "Summed size of all synapses in voxels, not normalized.",
    "mean_size": "Summed size divided by the number of synapses, in voxels.",
    "output_share": "Fraction (0 to 1) of all output synapses of the row's cells, including those onto orphans, onto "
    "cells of neither set and onto themselves.",
    "input_share": "Fraction (0 to 1) of all input synapses of the column's cells, including those from orphans, from "
    "cells of neither set and from themselves.",
}


@dataclass(frozen=True, eq=False)
class Matrix:
    """One number for each group of presynaptic cells (rows) and of postsynaptic cells (columns); NaN where it is not
    known or its denominator is 0. `denominator` is what each number was divided by, None where they are sums."""

    value: Value
    pre: Grouping
    post: Grouping
    numbers: Floats
    denominator: Floats | None

    def frame(self) -> pd.DataFrame:
        """One row for each entry, row by row: pre, post (string; null = cells without a group), value and denominator
        (Float64, null where there is none)."""
        rows, columns = self.numbers.shape
        none = np.full(self.numbers.shape, np.nan)
        return pd.DataFrame(
            {
                "pre": pd.array(np.repeat(np.array(self.pre.names, dtype=object), columns), dtype="string"),
                "post": pd.array(np.tile(np.array(self.post.names, dtype=object), rows), dtype="string"),
                "value": nullable(self.numbers.ravel()),
                "denominator": nullable((none if self.denominator is None else self.denominator).ravel()),
            }
        )


def matrix(
    edges: Edges,
    pre: Grouping,
    post: Grouping,
    value: Value,
    *,
    outputs: Floats | None = None,
    inputs: Floats | None = None,
) -> Matrix:
    """The matrix of a value (see WORDS) for the edges among groups. `outputs` and `inputs` are the numbers of all
    synapses of each group's cells, the denominators of shares (NaN = not known).

    Raises BadInput for a share without its denominators, TooLarge for more than MOST_ENTRIES entries.
    """
    if len(pre.names) * len(post.names) > MOST_ENTRIES:
        raise TooLarge(
            f"The matrix would have {len(pre.names):,} x {len(post.names):,} entries.",
            "Group the cells, or take edges.",
        )
    if value in ("synapses", "connections", "net_size"):
        return Matrix(value, pre, post, _sums(edges, pre, post, value), None)
    if value in SHARES:
        whole = outputs if value == "output_share" else inputs
        if whole is None:
            raise BadInput(
                f"Not all synapses of these cells are known, so there is no {value}.", "Choose another value."
            )
        shape = (len(pre.names), len(post.names))
        below = np.broadcast_to(whole[:, None] if value == "output_share" else whole[None, :], shape)
        return Matrix(value, pre, post, _divided(_sums(edges, pre, post, "synapses"), below), below.astype(np.float64))
    above, below = {
        "connected_fraction": lambda: (_sums(edges, pre, post, "connections"), possible_pairs(edges, pre, post)),
        "synapses_per_connection": lambda: (
            _sums(edges, pre, post, "synapses"),
            _sums(edges, pre, post, "connections"),
        ),
        "mean_size": lambda: (_sums(edges, pre, post, "net_size"), _sums(edges, pre, post, "synapses")),
    }[value]()
    return Matrix(value, pre, post, _divided(above, below), below)


def possible_pairs(edges: Edges, pre: Grouping, post: Grouping) -> Floats:
    """The number of pairs of different cells for each pair of groups, of shape (pre groups, post groups)."""
    pairs = np.outer(pre.sizes, post.sizes).astype(np.float64)
    same_pre, same_post = edges.in_both
    np.subtract.at(pairs, (pre.of[same_pre], post.of[same_post]), 1)
    return pairs


def entries(edges: Edges, pre: Grouping, post: Grouping) -> npt.NDArray[np.int64]:
    """The index of each edge's entry in the flattened matrix."""
    return pre.of[edges.pre] * len(post.names) + post.of[edges.post]


def _sums(edges: Edges, pre: Grouping, post: Grouping, value: str) -> Floats:
    weights = {"synapses": edges.num_syn, "connections": None, "net_size": edges.net_size}[value]
    shape = (len(pre.names), len(post.names))
    sums = np.bincount(entries(edges, pre, post), weights=weights, minlength=shape[0] * shape[1])
    return sums.astype(np.float64).reshape(shape)


def _divided(above: Floats, below: Floats) -> Floats:
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0)


def nullable(values: Floats) -> pd.arrays.FloatingArray:
    """Numbers as Float64, null for NaN."""
    return pd.arrays.FloatingArray(np.nan_to_num(values), np.isnan(values))
