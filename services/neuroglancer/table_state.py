"""Rows of a table as a Neuroglancer state: frames in, a state out. Nothing here asks a server."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd

from services.core import bound_points, space
from services.core.errors import BadInput
from services.neuroglancer import state_parts as parts
from services.neuroglancer.layers import Points, State, root_ids
from services.tables.groups import Groups

DEFAULT_LIMITS = parts.Limits()


def table_state(
    base: State,
    rows: pd.DataFrame,
    *,
    name: str,
    row_voxel_nm: Sequence[float],
    voxel_nm: Sequence[float],
    groups: Groups | None = None,
    layered: bool = True,
    visible: Collection[int] | None = None,
    limits: parts.Limits = DEFAULT_LIMITS,
) -> parts.Built:
    """Rows as segments and points, added to the layers of `base`.

    `rows` has split positions `<column>_x`, `_y`, `_z` in voxels of `row_voxel_nm`, and root ids (Int64), of any bound
    points; either may be absent. A row is where the first of its points is known to be. `name` is the layer of points.
    With `groups`, points and segments have the colour of their group, and when `layered`, each group is a layer. All
    segments are listed; `visible` ones are drawn (default: the first few). A row without a position gives no point,
    root id 0 no segment.

    Raises BadInput when there is nothing to show.
    """
    positions, relationships = bound_points.positions(rows.head(limits.points)), bound_points.root_columns(rows)
    if positions is None and not relationships:
        raise BadInput("This table has neither positions nor root ids.", "Neuroglancer has nothing to show of it.")
    if rows.empty:
        raise BadInput("There is no row to show.", "Widen the filter, or select other rows.")
    shown = rows.head(limits.points)
    left_out, notes = [parts.capped(len(shown), len(rows), "rows")], []
    labels = groups.labels(shown[groups.column]) if groups else None
    legend = groups.colours if groups else {}

    roots = parts.distinct_roots([shown[column] for column in relationships.values()])
    drawn = [root for root in roots if visible is None or root in visible][: limits.visible]
    state = parts.with_segments(base, roots, drawn, _segment_colours(shown, relationships, labels, legend))
    layers: list[State] = []
    if positions is not None:
        positions_nm = space.voxels_to_nm(space.points(positions, bound_points.PLACE), row_voxel_nm)
        known = np.isfinite(positions_nm).all(axis=1)
        placed, positions_vx = parts.located(shown, positions_nm, voxel_nm)
        notes.append(parts.unplaced(len(shown) - len(placed), "rows"))
        points = Points(
            name=name,
            frame=placed,
            positions_vx=positions_vx,
            colour=parts.PLAIN_COLOUR,
            relationships=relationships,
            properties=parts.properties_of(placed),
            id_column="id" if "id" in placed else None,
            description_columns=_describing(placed),
        )
        taken = [layer["name"] for layer in base["layers"]]
        of_points = None if labels is None else labels.take(np.flatnonzero(known))
        if of_points is not None and not layered:
            points, of_points = parts.painted(points, of_points, legend), None
        layers = list(parts.grouped_layers(points, of_points, legend, taken, most=limits.groups))
        state |= parts.camera(positions_vx, voxel_nm)
    return parts.Built(
        state=state | {"layers": [*state["layers"], *layers]},
        num_points=parts.count_points(layers),
        num_segments=len(roots),
        num_visible=len(drawn),
        legend=parts.used(legend, labels),
        left_out=tuple(filter(None, left_out)),
        notes=tuple(filter(None, notes)),
    )


def _describing(rows: pd.DataFrame) -> list[str]:
    return [*parts.columns_of_kind(rows, "text")[:2], *(["id"] if "id" in rows else [])]


def _segment_colours(
    rows: pd.DataFrame, relationships: Mapping[str, str], labels: pd.Series | None, colours: Mapping[str, str]
) -> dict[int, str]:
    """The colour of each root id's first row; none for rows of several cells, such as synapses, whose type is that of
    neither alone, unless one of them is that of the annotation."""
    alone = next(iter(relationships.values())) if len(relationships) == 1 else None
    column = relationships.get("cell", alone)
    if labels is None or column is None:
        return {}
    coloured: dict[int, str] = {}
    for root, label in zip(root_ids(rows[column]).tolist(), labels, strict=True):
        if root and label in colours:
            coloured.setdefault(root, colours[label])
    return coloured
