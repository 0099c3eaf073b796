"""A cell with its partners and synapses as a Neuroglancer state: frames in, a state out, no server asked."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from services import neuroglancer_parts as parts
from services import space
from services.errors import BadInput
from services.groups import BLANK_LABEL, Groups
from services.neuroglancer_layers import Floats, Points, Property, State, can_be_enum, identifier, point_layer

CELL_COLOUR = "#ffffff"
DEFAULT_LIMITS = parts.Limits()
AXES = "xyz"
GROUP = "group of the partner"
"""The column that says the group of each partner, and of each synapse by its partner."""


@dataclass(frozen=True)
class Side:
    """One direction of a cell's connectivity.

    `partners`: root_id (Int64) and any columns, in the order of the table. `synapses`: id, pre_pt_root_id,
    post_pt_root_id (Int64), size, ctr_pt_position_x_nm, _y_nm, _z_nm, one row for every synapse of the cell.
    """

    direction: Literal["in", "out"]
    partners: pd.DataFrame
    synapses: pd.DataFrame

    @property
    def name(self) -> str:
        """The layer of its synapses."""
        return "input synapses" if self.direction == "in" else "output synapses"

    @property
    def prefix(self) -> str:
        """What the layers of its groups begin with."""
        return "inputs: " if self.direction == "in" else "outputs: "

    @property
    def colour(self) -> str:
        """The colour of its synapses where they have no other."""
        return "#4fc3f7" if self.direction == "in" else "#ff8a65"

    @property
    def partner_column(self) -> str:
        """The column of `synapses` that holds the partner."""
        return "pre_pt_root_id" if self.direction == "in" else "post_pt_root_id"


def cell_state(
    base: State,
    root_id: int,
    sides: Sequence[Side],
    *,
    voxel_nm: Sequence[float],
    soma_nm: Sequence[float] | None = None,
    somas: pd.DataFrame | None = None,
    groups: Groups | None = None,
    layered: bool = False,
    painted: bool = False,
    selected: Collection[int] | None = None,
    visible: Collection[int] | None = None,
    limits: parts.Limits = DEFAULT_LIMITS,
) -> parts.Built:
    """A cell with its partners as segments and its synapses as points, added to the layers of `base`.

    Synapses come in the order of the partner table, each linked to both cells as `pre` and `post`, with its `size`
    and `partner`, the partner's place in the table counted from 1. With `groups`, of a column of the partners,
    partners have the colour of their group and synapses its name as a property: `type`, or the column where that
    is of numbers. When also `layered`, each group has a layer of synapses in its colour; when `painted`, synapses
    have those colours in one layer. The cell is drawn; partners are listed, and drawn when `selected` (then only
    they are listed and only their synapses shown) or `visible`.
    `somas` (root_id, x_nm, y_nm, z_nm) gives the partners' somata as points, for partners that have exactly one.
    Synapses with the cell itself or with no partner (root id 0) are not among the partners, so they are left out.

    Raises BadInput when none of the `selected` is a partner.
    """
    if soma_nm is not None and not np.isfinite(soma_nm).all():
        soma_nm = None
    chosen = [_chosen(_labelled(side, groups), selected) for side in sides]
    partners = pd.concat([side.partners for side in chosen], ignore_index=True)
    if selected is not None and partners.empty:
        raise BadInput("None of the selected cells is a partner of this one.", "Select rows of the partner table.")
    legend = groups.colours if groups else {}
    layers = [] if soma_nm is None else [_soma_layer(root_id, soma_nm, voxel_nm)]
    taken = [layer["name"] for layer in [*base["layers"], *layers]]
    ranked = [_ranked(side) for side in chosen]
    spread, left_out, notes = [], [], []
    for side, synapses, budget in zip(
        chosen, ranked, shares([len(frame) for frame in ranked], limits.points), strict=True
    ):
        points = _synapse_points(side, synapses.head(budget), groups, voxel_nm)
        labels = points.frame[GROUP] if layered and groups else None
        if painted and groups:
            points = parts.painted(points, points.frame[GROUP], legend)
        if len(points.frame):
            layers += parts.grouped_layers(points, labels, legend, taken, most=limits.groups, prefix=side.prefix)
        spread.append(points.positions_vx)
        left_out.append(parts.capped(min(budget, len(synapses)), len(synapses), side.name))
        notes.append(parts.unplaced(min(budget, len(synapses)) - len(points.frame), side.name))
    roots = [root_id, *parts.distinct_roots([partners["root_id"]])]
    if somas is not None:
        with_soma = _partner_somas(partners, somas, legend, voxel_nm)
        layers += with_soma
        notes.append(_without_soma(len(set(roots)) - 1, parts.count_points(with_soma)))
    shown = set(visible or ()) if selected is None or visible is not None else set(roots)
    drawn = [root_id, *(root for root in roots[1:] if root in shown)][: limits.visible]
    state = parts.with_segments(base, roots, drawn, _segment_colours(root_id, partners, legend))
    centre_vx = None if soma_nm is None else space.nm_to_voxels(soma_nm, voxel_nm).tolist()
    state |= parts.camera(np.concatenate(spread), voxel_nm, centre_vx)
    return parts.Built(
        state=state | {"layers": [*state["layers"], *layers]},
        num_points=parts.count_points(layers),
        num_segments=len(dict.fromkeys(roots)),
        num_visible=len(drawn),
        legend=parts.used(legend, partners[GROUP]) if groups else {},
        left_out=tuple(filter(None, left_out)),
        notes=tuple(filter(None, notes)),
    )


def shares(wanted: Sequence[int], budget: int) -> list[int]:
    """Divide `budget` among those who want some: nobody gets more than wanted, and what one leaves goes to others."""
    given = [0] * len(wanted)
    for turn, place in enumerate(sorted(range(len(wanted)), key=wanted.__getitem__)):
        given[place] = min(wanted[place], (budget - sum(given)) // (len(wanted) - turn))
    return given


def _labelled(side: Side, groups: Groups | None) -> Side:
    """The side with the group of each partner; all are blank without groups."""
    labels = groups.labels(side.partners[groups.column]) if groups else BLANK_LABEL
    return Side(side.direction, side.partners.assign(**{GROUP: labels}), side.synapses)


def _chosen(side: Side, selected: Collection[int] | None) -> Side:
    if selected is None:
        return side
    return Side(side.direction, side.partners[side.partners["root_id"].isin(list(selected))], side.synapses)


def _ranked(side: Side) -> pd.DataFrame:
    """The synapses with partners of the table, in its order, with `partner` (from 1) and its group."""
    partners = side.partners[["root_id", GROUP]].rename(columns={"root_id": side.partner_column})
    partners = partners.assign(partner=range(1, len(partners) + 1))
    merged = side.synapses.merge(partners, on=side.partner_column, how="inner")
    return merged.sort_values(["partner", "size", "id"], ascending=[True, False, True], ignore_index=True)


def _synapse_points(side: Side, synapses: pd.DataFrame, groups: Groups | None, voxel_nm: Sequence[float]) -> Points:
    names = [f"ctr_pt_position_{axis}_nm" for axis in AXES]
    centres_nm = synapses[names].to_numpy(dtype=np.float64, na_value=np.nan)
    placed, positions_vx = parts.located(synapses, centres_nm, voxel_nm)
    enums = []
    if groups and can_be_enum(placed[GROUP]):
        enums = [Property(identifier(groups.column) if groups.edges else "type", GROUP, "enum")]
    return Points(
        name=side.name,
        frame=placed,
        positions_vx=positions_vx,
        colour=side.colour,
        relationships={"pre": "pre_pt_root_id", "post": "post_pt_root_id"},
        properties=(*enums, Property("size", "size", "number"), Property("partner", "partner", "number")),
        id_column="id",
        description_columns=[*([GROUP] if groups else []), side.partner_column],
    )


def _soma_layer(root_id: int, soma_nm: Sequence[float], voxel_nm: Sequence[float]) -> State:
    position_vx: Floats = space.nm_to_voxels([soma_nm], voxel_nm)
    frame = pd.DataFrame({"root_id": pd.array([root_id], "Int64")})
    return point_layer(Points("soma", frame, position_vx, CELL_COLOUR, {"cell": "root_id"}), parts.SEGMENTATION)


def _partner_somas(
    partners: pd.DataFrame, somas: pd.DataFrame, colours: Mapping[str, str], voxel_nm: Sequence[float]
) -> list[State]:
    """A layer of the somata of partners that have exactly one, in the colour of their group; none without any."""
    single = somas[~somas["root_id"].duplicated(keep=False)]
    frame = partners[["root_id", GROUP]].drop_duplicates("root_id").merge(single, on="root_id", how="inner")
    placed, positions_vx = parts.located(frame, frame[["x_nm", "y_nm", "z_nm"]].to_numpy(dtype=np.float64), voxel_nm)
    if placed.empty:
        return []
    described = [*([GROUP] if colours else []), "root_id"]
    points = Points(
        "partner somas", placed, positions_vx, parts.PLAIN_COLOUR, {"cell": "root_id"}, description_columns=described
    )
    if colours:
        points = parts.painted(points, placed[GROUP], colours)
    return [point_layer(points, parts.SEGMENTATION)]


def _without_soma(partners: int, points: int) -> str:
    """A sentence for partners whose soma is no point, else ""."""
    if partners == points:
        return ""
    if not points:
        return (
            "No partner has exactly one known soma, so none of theirs are shown; all partners are among the segments."
        )
    return (
        f"Somata are shown for the {points:,} of {partners:,} partners that have exactly one known; "
        "all partners are among the segments."
    )


def _segment_colours(root_id: int, partners: pd.DataFrame, colours: Mapping[str, str]) -> dict[int, str]:
    named = zip(partners["root_id"].tolist(), partners[GROUP], strict=True)
    return {root: colours[label] for root, label in named if label in colours} | {root_id: CELL_COLOUR}
