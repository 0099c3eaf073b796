"""Cells with their partners and synapses as a Neuroglancer state: frames in, a state out, no request to a server."""

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
"""The column with the group of each partner, and of each synapse that of its partner."""
CELL = "own cell"
"""The column with the root id of the cell that a synapse belongs to, where there are several cells."""


@dataclass(frozen=True)
class Partners:
    """One direction of the connectivity of one or several cells.

    `partners` has root_id (Int64) and any further columns, in the order of the partner table. `synapses` has one row
    for each synapse of the cells: id, pre_pt_root_id, post_pt_root_id (Int64), size (voxels) and ctr_pt_position_x_nm,
    _y_nm and _z_nm."""

    direction: Direction
    partners: pd.DataFrame
    synapses: pd.DataFrame

    @property
    def name(self) -> str:
        """The name of the layer of these synapses."""
        return f"{self.direction.noun} synapses"

    @property
    def prefix(self) -> str:
        """How the names of the layers of groups begin."""
        return f"{self.direction.noun}s: "

    @property
    def colour(self) -> str:
        """The colour of these synapses where they have no colour of a group."""
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

    `cells` maps the root id of each cell to the position of its soma in nm, or to None, `points_nm` some of the others
    to a representative point. `voxel_nm` are the viewer's voxels. `somas` (root_id, x_nm, y_nm, z_nm) adds the somata
    of partners with exactly one soma as points.

    Synapses are points in the order of the partner table, linked to both cells as `pre` and `post`. Their properties
    are `partner`, the partner's position in that table from 1, and `size`, only where the size of every synapse is
    known. Synapses without a partner in the table (autapses, root id 0) are left out.

    With `groups`, which are of a column of the partners, each partner has the colour of its group, and its synapses
    have the group as a property (`type`, or the name of a column of numbers). If `layered`, each group is also a layer
    of synapses in its colour; if `painted`, synapses have these colours within one layer. Of several cells, each has a
    colour of its own, and so have its synapses unless they are `layered` or `painted`.

    The cells are drawn. Partners are listed: all of them, or those `selected`, which are then drawn and the only ones
    whose synapses are shown. `visible` are the partners to draw instead of these.

    Raises BadInput when none of the `selected` is a partner.
    """
    colours = _cell_colours(cells)
    chosen = [_only_selected(_labelled(side, groups), selected) for side in sides]
    partners = pd.concat([side.partners for side in chosen], ignore_index=True)
    if selected is not None and partners.empty:
        raise BadInput("There is no partner to show.", "Clear the filters, or select rows of the partner table.")
    legend = groups.colours if groups else {}
    somata_nm = {root: soma for root, soma in cells.items() if soma is not None and np.isfinite(soma).all()}
    layers = [_soma_layer(somata_nm, colours, voxel_nm)] if somata_nm else []
    layers += [_soma_layer(points_nm, colours, voxel_nm, "representative point")] if points_nm else []
    names = [layer["name"] for layer in [*base["layers"], *layers]]
    ranked = [_ranked(side) for side in chosen]
    positions_vx, left_out, notes = [], [], []
    for side, synapses, budget in zip(
        chosen, ranked, shares([len(frame) for frame in ranked], limits.points), strict=True
    ):
        points = _synapse_points(side, synapses.head(budget), groups, voxel_nm, several=len(cells) > 1)
        labels = points.frame[GROUP] if layered and groups else None
        if painted and groups:
            points = parts.painted(points, points.frame[GROUP], legend)
        elif len(cells) > 1 and not layered:
            points = parts.painted(points, points.frame[CELL], {str(root): colour for root, colour in colours.items()})
        if len(points.frame):
            layers += parts.grouped_layers(points, labels, legend, names, most=limits.groups, prefix=side.prefix)
        positions_vx.append(points.positions_vx)
        left_out.append(parts.capped(min(budget, len(synapses)), len(synapses), side.name))
        notes.append(parts.unplaced(min(budget, len(synapses)) - len(points.frame), side.name))
        notes.append(_unsized(points))
    roots = list(dict.fromkeys([*cells, *parts.distinct_roots([partners["root_id"]])]))
    if somas is not None:
        soma_layers = _partner_somas(partners, somas, legend, voxel_nm)
        layers += soma_layers
        notes.append(_without_soma(partners["root_id"].nunique(), parts.count_points(soma_layers)))
    shown = set(visible or ()) if selected is None or visible is not None else set(roots)
    selection = [*cells, *(root for root in roots[len(cells) :] if root in shown)][: max(limits.visible, len(cells))]
    state = parts.with_segments(base, roots, selection, _segment_colours(colours, partners, legend))
    somata_vx = [space.nm_to_voxels(soma, voxel_nm) for soma in [*somata_nm.values(), *(points_nm or {}).values()]]
    state |= parts.camera(np.concatenate([*positions_vx, *([somata_vx] if somata_vx else [])]), voxel_nm, somata_vx)
    return parts.Built(
        state=state | {"layers": [*state["layers"], *layers]},
        num_points=parts.count_points(layers),
        num_segments=len(roots),
        num_visible=len(selection),
        legend=_cells_legend(colours) | (parts.used(legend, partners[GROUP]) if groups else {}),
        left_out=tuple(filter(None, left_out)),
        notes=tuple(filter(None, notes)),
    )


def shares(requested: Sequence[int], budget: int) -> list[int]:
    """Divides `budget` among requests (numbers of points): none gets more than it requests, and what one does not use
    is divided among the others."""
    granted = [0] * len(requested)
    for turn, index in enumerate(sorted(range(len(requested)), key=requested.__getitem__)):
        granted[index] = min(requested[index], (budget - sum(granted)) // (len(requested) - turn))
    return granted


def _labelled(side: Partners, groups: Groups | None) -> Partners:
    """The side with the group of each partner in the column GROUP; without groups, all are blank."""
    labels = groups.labels(side.partners[groups.column]) if groups else BLANK_LABEL
    return Partners(side.direction, side.partners.assign(**{GROUP: labels}), side.synapses)


def _only_selected(side: Partners, selected: Collection[int] | None) -> Partners:
    """The side with the `selected` partners only; unchanged for None."""
    if selected is None:
        return side
    return Partners(side.direction, side.partners[side.partners["root_id"].isin(list(selected))], side.synapses)


def _ranked(side: Partners) -> pd.DataFrame:
    """The synapses with partners in the table, in its order, each with `partner` (the partner's position, from 1),
    GROUP and CELL."""
    partners = side.partners[["root_id", GROUP]].rename(columns={"root_id": side.partner_column})
    partners = partners.assign(partner=range(1, len(partners) + 1))
    merged = side.synapses.merge(partners, on=side.partner_column, how="inner")
    # A cell that is a partner of another of the cells is in the table, but its autapses are still not with a partner.
    merged = merged[merged["pre_pt_root_id"] != merged["post_pt_root_id"]]
    merged = merged.assign(**{CELL: merged[side.own_column].astype(str)})
    return merged.sort_values(["partner", "size", "id"], ascending=[True, False, True], ignore_index=True)


def _synapse_points(
    side: Partners, synapses: pd.DataFrame, groups: Groups | None, voxel_nm: Sequence[float], *, several: bool
) -> Points:
    """The synapses of one side (of :func:`_ranked`) that have a position, as points; `several` is whether of several
    cells."""
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
    """A layer of the cells' somata, or of other points called `name`, in the colours of the cells."""
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
    """A layer of the somata of partners that have exactly one, in the colours of their groups; [] where none has."""
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
    """A sentence where points lack their size, which a layer can have only for all of its points; else ""."""
    unknown = int(points.frame["size"].isna().sum())
    if not unknown:
        return ""
    many = "every one" if unknown == len(points.frame) else f"{unknown:,}"
    return f"The {points.name} are shown without their sizes, for that of {many} is not known."


def _without_soma(partners: int, points: int) -> str:
    """A sentence that counts the somata shown, where fewer than the partners; else ""."""
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
    """The colours of segments by root id: partners by their group in `colours`, and `cells` by their own."""
    named = zip(partners["root_id"].tolist(), partners[GROUP], strict=True)
    return {root: colours[label] for root, label in named if label in colours} | dict(cells)


def _cell_colours(cells: Collection[int]) -> dict[int, str]:
    """The colour of each cell: white, which no partner has, for a single cell; each its own for several."""
    if len(cells) == 1:
        return dict.fromkeys(cells, CELL_COLOUR)
    return {root: WHEEL[turn % len(WHEEL)] for turn, root in enumerate(cells)}


def _cells_legend(colours: Mapping[int, str]) -> dict[str, str]:
    """The legend entries of several cells; {} for a single cell, which needs none."""
    return {str(root): colour for root, colour in colours.items()} if len(colours) > 1 else {}
