"""Cells with their partners and synapses as a Neuroglancer state: frames in, a state out, no server asked."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from services.core import space
from services.core.colours import WHEEL
from services.core.directions import Direction
from services.core.errors import BadInput
from services.neuroglancer import state_parts as parts
from services.neuroglancer.layers import (
    Floats,
    Points,
    Property,
    State,
    can_be_enum,
    can_be_number,
    identifier,
    point_layer,
)
from services.tables.groups import BLANK_LABEL, Groups

CELL_COLOUR = "#ffffff"
DEFAULT_LIMITS = parts.Limits()
AXES = "xyz"
GROUP = "group of the partner"
"""The column that says the group of each partner, and of each synapse by its partner."""
CELL = "cell asked for"
"""The column that says, where there are several, which cell a synapse is of."""


@dataclass(frozen=True)
class Partners:
    """One direction of the connectivity of one or several cells.

    `partners`: root_id (Int64) and any columns, in the order of the table. `synapses`: id, pre_pt_root_id,
    post_pt_root_id (Int64), size, ctr_pt_position_x_nm, _y_nm, _z_nm, one row for every synapse of the cells.
    """

    direction: Direction
    partners: pd.DataFrame
    synapses: pd.DataFrame

    @property
    def name(self) -> str:
        """The layer of its synapses."""
        return f"{self.direction.noun} synapses"

    @property
    def prefix(self) -> str:
        """What the layers of its groups begin with."""
        return f"{self.direction.noun}s: "

    @property
    def colour(self) -> str:
        """The colour of its synapses where they have no other."""
        return "#4fc3f7" if self.direction == Direction.IN else "#ff8a65"

    @property
    def partner_column(self) -> str:
        """The column of `synapses` that holds the partner."""
        return self.direction.partner

    @property
    def own_column(self) -> str:
        """The column of `synapses` that holds the cell itself."""
        return self.direction.own


def cell_state(
    base: State,
    cells: Mapping[int, Sequence[float] | None],
    sides: Sequence[Partners],
    *,
    voxel_nm: Sequence[float],
    points_nm: Mapping[int, Sequence[float]] | None = None,
    somas: pd.DataFrame | None = None,
    groups: Groups | None = None,
    layered: bool = False,
    painted: bool = False,
    selected: Collection[int] | None = None,
    visible: Collection[int] | None = None,
    limits: parts.Limits = DEFAULT_LIMITS,
) -> parts.Built:
    """Cells with their partners as segments and their synapses as points, added to the layers of `base`.

    `cells` has the place in nm of each one's soma, where one is known, `points_nm` a representative point of others.
    Synapses come in the order of the partner
    table, each linked to both cells as `pre` and `post`, with its `size` and `partner`, the partner's place in the
    table counted from 1; `size` only where that of every synapse is known. With `groups`, of a column of the
    partners, partners have the colour of their group and
    synapses its name as a property: `type`, or the column where that is of numbers. When also `layered`, each group
    has a layer of synapses in its colour; when `painted`, synapses have those colours in one layer. Of several cells,
    each has a colour of its own, and so have its synapses unless they are `layered` or `painted`. The cells are drawn;
    partners are listed, and drawn when `selected` (then only they are listed and only their synapses shown) or
    `visible`.
    `somas` (root_id, x_nm, y_nm, z_nm) gives the partners' somata as points, for partners that have exactly one.
    Synapses of a cell with itself or with no partner (root id 0) are not among the partners, so they are left out.

    Raises BadInput when none of the `selected` is a partner.
    """
    own = _cell_colours(cells)
    chosen = [_chosen(_labelled(side, groups), selected) for side in sides]
    partners = pd.concat([side.partners for side in chosen], ignore_index=True)
    if selected is not None and partners.empty:
        raise BadInput("There is no partner to show.", "Clear the filters, or select rows of the partner table.")
    legend = groups.colours if groups else {}
    somata_nm = {root: soma for root, soma in cells.items() if soma is not None and np.isfinite(soma).all()}
    layers = [_soma_layer(somata_nm, own, voxel_nm)] if somata_nm else []
    layers += [_soma_layer(points_nm, own, voxel_nm, "representative point")] if points_nm else []
    taken = [layer["name"] for layer in [*base["layers"], *layers]]
    ranked = [_ranked(side) for side in chosen]
    spread, left_out, notes = [], [], []
    for side, synapses, budget in zip(
        chosen, ranked, shares([len(frame) for frame in ranked], limits.points), strict=True
    ):
        points = _synapse_points(side, synapses.head(budget), groups, voxel_nm, several=len(cells) > 1)
        labels = points.frame[GROUP] if layered and groups else None
        if painted and groups:
            points = parts.painted(points, points.frame[GROUP], legend)
        elif len(cells) > 1 and not layered:
            points = parts.painted(points, points.frame[CELL], {str(root): colour for root, colour in own.items()})
        if len(points.frame):
            layers += parts.grouped_layers(points, labels, legend, taken, most=limits.groups, prefix=side.prefix)
        spread.append(points.positions_vx)
        left_out.append(parts.capped(min(budget, len(synapses)), len(synapses), side.name))
        notes.append(parts.unplaced(min(budget, len(synapses)) - len(points.frame), side.name))
        notes.append(_unsized(points))
    roots = list(dict.fromkeys([*cells, *parts.distinct_roots([partners["root_id"]])]))
    if somas is not None:
        with_soma = _partner_somas(partners, somas, legend, voxel_nm)
        layers += with_soma
        notes.append(_without_soma(partners["root_id"].nunique(), parts.count_points(with_soma)))
    shown = set(visible or ()) if selected is None or visible is not None else set(roots)
    drawn = [*cells, *(root for root in roots[len(cells) :] if root in shown)][: max(limits.visible, len(cells))]
    state = parts.with_segments(base, roots, drawn, _segment_colours(own, partners, legend))
    somata_vx = [space.nm_to_voxels(soma, voxel_nm) for soma in [*somata_nm.values(), *(points_nm or {}).values()]]
    state |= parts.camera(np.concatenate([*spread, *([somata_vx] if somata_vx else [])]), voxel_nm, somata_vx)
    return parts.Built(
        state=state | {"layers": [*state["layers"], *layers]},
        num_points=parts.count_points(layers),
        num_segments=len(roots),
        num_visible=len(drawn),
        legend=_cells_legend(own) | (parts.used(legend, partners[GROUP]) if groups else {}),
        left_out=tuple(filter(None, left_out)),
        notes=tuple(filter(None, notes)),
    )


def shares(requested: Sequence[int], budget: int) -> list[int]:
    """Divide `budget` among those who want some: nobody gets more than wanted, and what one leaves goes to others."""
    granted = [0] * len(requested)
    for turn, place in enumerate(sorted(range(len(requested)), key=requested.__getitem__)):
        granted[place] = min(requested[place], (budget - sum(granted)) // (len(requested) - turn))
    return granted


def _labelled(side: Partners, groups: Groups | None) -> Partners:
    """The side with the group of each partner; all are blank without groups."""
    labels = groups.labels(side.partners[groups.column]) if groups else BLANK_LABEL
    return Partners(side.direction, side.partners.assign(**{GROUP: labels}), side.synapses)


def _chosen(side: Partners, selected: Collection[int] | None) -> Partners:
    if selected is None:
        return side
    return Partners(side.direction, side.partners[side.partners["root_id"].isin(list(selected))], side.synapses)


def _ranked(side: Partners) -> pd.DataFrame:
    """The synapses with partners of the table, in its order, with `partner` (from 1) and its group."""
    partners = side.partners[["root_id", GROUP]].rename(columns={"root_id": side.partner_column})
    partners = partners.assign(partner=range(1, len(partners) + 1))
    merged = side.synapses.merge(partners, on=side.partner_column, how="inner")
    # One of several cells may be a partner of another, and its synapses with itself are still none of a partner's.
    merged = merged[merged["pre_pt_root_id"] != merged["post_pt_root_id"]]
    merged = merged.assign(**{CELL: merged[side.own_column].astype(str)})
    return merged.sort_values(["partner", "size", "id"], ascending=[True, False, True], ignore_index=True)


def _synapse_points(
    side: Partners, synapses: pd.DataFrame, groups: Groups | None, voxel_nm: Sequence[float], *, several: bool
) -> Points:
    names = [f"ctr_pt_position_{axis}_nm" for axis in AXES]
    centres_nm = synapses[names].to_numpy(dtype=np.float64, na_value=np.nan)
    placed, positions_vx = parts.located(synapses, centres_nm, voxel_nm)
    enums = []
    if groups and can_be_enum(placed[GROUP]):
        enums = [Property(identifier(groups.column) if groups.edges else "type", GROUP, "enum")]
    if several and can_be_enum(placed[CELL]):
        enums.append(Property("cell", CELL, "enum"))
    sizes = [Property("size", "size", "number")] if can_be_number(placed["size"]) else []
    return Points(
        name=side.name,
        frame=placed,
        positions_vx=positions_vx,
        colour=side.colour,
        relationships={"pre": "pre_pt_root_id", "post": "post_pt_root_id"},
        properties=(*enums, *sizes, Property("partner", "partner", "number")),
        id_column="id",
        description_columns=[*([GROUP] if groups else []), side.partner_column],
    )


def _soma_layer(
    somata_nm: Mapping[int, Sequence[float]], colours: Mapping[int, str], voxel_nm: Sequence[float], name: str = "soma"
) -> State:
    """The somata of the cells, or points of another `name`, in their colours."""
    positions_vx: Floats = space.nm_to_voxels(list(somata_nm.values()), voxel_nm)
    frame = pd.DataFrame({"root_id": pd.array(list(somata_nm), "Int64")})
    if len(colours) == 1:
        return point_layer(Points(name, frame, positions_vx, CELL_COLOUR, {"cell": "root_id"}), parts.SEGMENTATION)
    points = Points(f"{name}s", frame, positions_vx, CELL_COLOUR, {"cell": "root_id"}, description_columns=["root_id"])
    named = {str(root): colour for root, colour in colours.items()}
    return point_layer(parts.painted(points, frame["root_id"].astype(str), named), parts.SEGMENTATION)


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


def _unsized(points: Points) -> str:
    """A sentence for points without their size, which the viewer takes from all of a layer or none; else ""."""
    unknown = int(points.frame["size"].isna().sum())
    if not unknown:
        return ""
    many = "every one" if unknown == len(points.frame) else f"{unknown:,}"
    return f"The {points.name} are shown without their sizes, for that of {many} is not known."


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


def _segment_colours(cells: Mapping[int, str], partners: pd.DataFrame, colours: Mapping[str, str]) -> dict[int, str]:
    named = zip(partners["root_id"].tolist(), partners[GROUP], strict=True)
    return {root: colours[label] for root, label in named if label in colours} | dict(cells)


def _cell_colours(cells: Collection[int]) -> dict[int, str]:
    """White for a cell alone, which partners never are; of several, each has its own."""
    if len(cells) == 1:
        return dict.fromkeys(cells, CELL_COLOUR)
    return {root: WHEEL[turn % len(WHEEL)] for turn, root in enumerate(cells)}


def _cells_legend(own: Mapping[int, str]) -> dict[str, str]:
    """The colours of several cells; a cell alone needs no telling."""
    return {str(root): colour for root, colour in own.items()} if len(own) > 1 else {}
