"""A population as a network that can be drawn: its groups, or cells, and the strongest connections among them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from services.core.errors import TooLarge
from services.populations.edges import Edges
from services.populations.groupings import Grouping

MOST_NODES = 300
MOST_LINKS = 1_500
"""Lines that can still be told apart, and that a browser draws at once."""


@dataclass(frozen=True, eq=False)
class Network:
    """`nodes`: key and name (string; null = no type), side ("pre", "post" or "both"), cells (int64) and down_um
    (Float64: mean of the somata that are known, null = of none). `links`: pre and post (keys), num_syn and connections
    (int64), the strongest first. `left_out` are connected pairs of nodes that are too many to draw."""

    nodes: pd.DataFrame = field(repr=False)
    links: pd.DataFrame = field(repr=False)
    left_out: int = 0


def network(
    edges: Edges, pre: Grouping, post: Grouping, somata_um: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]
) -> Network:
    """The network of the groups of two sets. A group of both is one node where both are by the same column.
    `somata_um` is where the somata of both sets are (as of `chance.somata_um`); their second axis is drawn downwards:
    the depth, where the volume has one.

    Raises TooLarge for more than 300 groups.
    """
    sides = (("pre", pre, edges.pre_ids, somata_um[0][:, 1]), ("post", post, edges.post_ids, somata_um[1][:, 1]))
    cells = pd.concat(
        [
            pd.DataFrame(
                {
                    "key": _keys(groups)[groups.of],
                    "name": np.array(groups.names, dtype=object)[groups.of],
                    "root_id": ids,
                    "down_um": places,
                    "side": side,
                }
            )
            for side, groups, ids, places in sides
        ],
        ignore_index=True,
    )
    sided = cells.groupby("key")["side"].agg(lambda own: "both" if own.nunique() > 1 else own.iloc[0])
    if len(sided) > MOST_NODES:
        raise TooLarge(
            f"{len(sided):,} nodes are more than the {MOST_NODES} that are drawn.",
            "Group the cells, or choose fewer cells.",
        )
    once = cells.drop_duplicates(["key", "root_id"]).groupby("key")
    nodes = pd.DataFrame({"name": once["name"].first(), "side": sided, "cells": once.size()})
    nodes["down_um"] = once["down_um"].mean().astype("Float64")
    links = pd.DataFrame(
        {
            "pre": _keys(pre)[pre.of[edges.pre]],
            "post": _keys(post)[post.of[edges.post]],
            "num_syn": edges.num_syn,
            "connections": 1,
        }
    )
    links = links.groupby(["pre", "post"], as_index=False)[["num_syn", "connections"]].sum()
    links = links.sort_values(["num_syn", "pre", "post"], ascending=[False, True, True], ignore_index=True)
    left = max(len(links) - MOST_LINKS, 0)
    return Network(nodes.reset_index(), links.head(MOST_LINKS), left)


def _keys(groups: Grouping) -> np.ndarray:
    """A text for each group that no group by another column has."""
    return np.array([f"{groups.by}={'' if name is None else name}" for name in groups.names], dtype=object)
