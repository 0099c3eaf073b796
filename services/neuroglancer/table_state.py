"""Rows of a table as a Neuroglancer state: frames in, a state out, no request to a server."""

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

    `rows` has the bound points of a table, as split positions `<column>_x`, `_y`, `_z` in voxels of `row_voxel_nm` and
    as root ids (Int64); either may be absent. A row becomes a point at the first of its bound points that has a
    position. `voxel_nm` are the viewer's voxels, `name` is the layer of points. With `groups`, points and segments have
    the colour of their group; if `layered`, each group is a layer of its own. All segments are listed, and `visible`
    ones are drawn (None = the first few). A row without a position gives no point, root id 0 no segment.

    Raises BadInput when there is neither a position nor a root id column, and when there is no row.
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
    selected = [root for root in roots if visible is None or root in visible][: limits.visible]
    state = parts.with_segments(base, roots, selected, _segment_colours(shown, relationships, labels, legend))
    layers: list[State] = []
    if positions is not None:
        positions_nm = space.voxels_to_nm(space.points(positions, bound_points.PLACE), row_voxel_nm)
        has_position = np.isfinite(positions_nm).all(axis=1)
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
        names = [layer["name"] for layer in base["layers"]]
        point_labels = None if labels is None else labels.take(np.flatnonzero(has_position))
        if point_labels is not None and not layered:
            points, point_labels = parts.painted(points, point_labels, legend), None
        layers = list(parts.grouped_layers(points, point_labels, legend, names, most=limits.groups))
        state |= parts.camera(positions_vx, voxel_nm)
    return parts.Built(
        state=state | {"layers": [*state["layers"], *layers]},
        num_points=parts.count_points(layers),
        num_segments=len(roots),
        num_visible=len(selected),
        legend=parts.used(legend, labels),
        left_out=tuple(filter(None, left_out)),
        notes=tuple(filter(None, notes)),
    )


def _describing(rows: pd.DataFrame) -> list[str]:
    """The columns that make the description of a point: the first two of text, and the id."""
    return [*parts.columns_of_kind(rows, "text")[:2], *(["id"] if "id" in rows else [])]


def _segment_colours(
    rows: pd.DataFrame, relationships: Mapping[str, str], labels: pd.Series | None, colours: Mapping[str, str]
) -> dict[int, str]:
    """The colour of the first row of each root id. {} for rows with several root ids, such as synapses, whose group is
    that of no single cell, unless one of the relationships is "cell"."""
    single = next(iter(relationships.values())) if len(relationships) == 1 else None
    column = relationships.get("cell", single)
    if labels is None or column is None:
        return {}
    coloured: dict[int, str] = {}
    for root, label in zip(root_ids(rows[column]).tolist(), labels, strict=True):
        if root and label in colours:
            coloured.setdefault(root, colours[label])
    return coloured
