"""Trees as arrays: the index of each vertex's parent."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


def tree_roots(above: npt.NDArray[Any]) -> Ints:
    """The root of the tree of each vertex; `above` is the index of its parent, its own for a root."""
    up: Ints = above.astype(np.int64)
    while True:
        further = up[up]
        if np.array_equal(further, up):
            return up
        up = further


def path_between(above: npt.NDArray[Any], start: int, end: int) -> list[int]:
    """The vertices on the way between two vertices of a tree, both included; none when they are of two trees."""

    def to_root(vertex: int) -> list[int]:
        way = [vertex]
        while above[way[-1]] != way[-1]:
            way.append(int(above[way[-1]]))
        return way

    up, down = to_root(start), to_root(end)
    if up[-1] != down[-1]:
        return []
    while len(up) > 1 and len(down) > 1 and up[-2] == down[-2]:
        up.pop()
        down.pop()
    return up + down[-2::-1]
