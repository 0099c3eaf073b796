"""A population as a network to be drawn: its groups, or cells, and the strongest connections among them."""

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
"""Lines that a reader can still tell apart and a browser can draw smoothly."""


@dataclass(frozen=True, eq=False)
class Network:
    """Nodes and links to draw.

    `nodes` has key and name (string; null = no type), side ("pre", "post" or "both"), cells (int64) and down_um
    (Float64, um: the mean over known somata; null without any). `links` has pre and post (keys of nodes), num_syn and
    connections (int64), the strongest first. `left_out` is the number of weaker links that are not drawn."""

    nodes: pd.DataFrame = field(repr=False)
    links: pd.DataFrame = field(repr=False)
    left_out: int = 0


def network(
    edges: Edges, pre: Grouping, post: Grouping, somata_um: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]
) -> Network:
    """The network of the groups of two sets. A group in both sets is one node if both are grouped by the same column.
    `somata_um` are the positions of the somata of both sets (see :func:`chance.somata_um`); the second axis, the depth
    where the volume has depths, is drawn downwards.

    Raises TooLarge for more than MOST_NODES nodes.
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
    sided = cells.groupby("key")["side"].agg(lambda sides: "both" if sides.nunique() > 1 else sides.iloc[0])
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
    left_out = max(len(links) - MOST_LINKS, 0)
    return Network(nodes.reset_index(), links.head(MOST_LINKS), left_out)


def _keys(groups: Grouping) -> np.ndarray:
    """A key for each group, which differs from those of groups by another column."""
    return np.array([f"{groups.by}={'' if name is None else name}" for name in groups.names], dtype=object)
