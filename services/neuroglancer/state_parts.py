"""The parts of every Neuroglancer state: layers of points by group, the segment list, the camera."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from services.core import space
from services.core.columns import Kind, kind_of
from services.neuroglancer.layers import (
    Floats,
    Points,
    Property,
    State,
    can_be_enum,
    can_be_number,
    identifier,
    point_layer,
    root_ids,
    segment_list,
    unique_name,
)

IMAGERY = "imagery"
SEGMENTATION = "segmentation"
OTHERS = "others"
PAINT, SHADE = "colour", "shade of the group"
"""The property that paints points, and the column of its values."""
PLAIN_COLOUR = "#ffd166"
NARROWEST_NM, WIDEST_NM = 40_000, 2_000_000
"""The least and the most that the 3D view shows from top to bottom."""
SOMA_NM_PER_PIXEL = 50
"""The scale of cross-sections at which a soma of 15 um and its surroundings are seen."""


@dataclass(frozen=True)
class Limits:
    """How much one state holds.

    `points` limits annotations: with more of them, a viewer takes over ten seconds to open. `visible` limits the meshes
    drawn at once; further segments are listed, and drawn when they are ticked. `groups` limits layers to what fits the
    viewer's layer bar; the smallest groups beyond it share one layer.
    """

    points: int = 20_000
    visible: int = 30
    groups: int = 20


@dataclass(frozen=True)
class Built:
    """A state with counts of its contents. `num_segments` are listed, `num_visible` of them drawn. `legend` has the
    colour of each group; `left_out` has sentences about what a limit excluded, `notes` about what cannot be shown."""

    state: State
    num_points: int
    num_segments: int
    num_visible: int
    legend: Mapping[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def columns_of_kind(frame: pd.DataFrame, kind: Kind) -> list[str]:
    """The columns of `frame` whose values are of a `kind` (see :func:`kind_of`), in order."""
    return [name for name in map(str, frame.columns) if kind_of(name, frame[name]) == kind]


def properties_of(frame: pd.DataFrame, most: int = 3) -> tuple[Property, ...]:
    """Properties for the shader: the first `most` text columns, and the first `most` number columns, that can be
    one."""
    enums = [name for name in columns_of_kind(frame, "text") if can_be_enum(frame[name])][:most]
    numbers = [name for name in columns_of_kind(frame, "number") if can_be_number(frame[name])][:most]
    properties = [Property(name, name, "enum") for name in enums] + [Property(name, name, "number") for name in numbers]
    distinct = {identifier(entry.name): entry for entry in reversed(properties)}
    return tuple(reversed(distinct.values()))


def located(frame: pd.DataFrame, positions_nm: Floats, voxel_nm: Sequence[float]) -> tuple[pd.DataFrame, Floats]:
    """The rows of `frame` that have a finite position in `positions_nm`, and these positions in the viewer's voxels."""
    placed = np.isfinite(positions_nm).all(axis=1)
    return frame.iloc[np.flatnonzero(placed)], space.nm_to_voxels(positions_nm[placed], voxel_nm)


def grouped_layers(
    points: Points,
    labels: pd.Series | None,
    colours: Mapping[str, str],
    taken: Collection[str],
    *,
    most: int,
    prefix: str = "",
) -> Iterator[State]:
    """One layer of points or, with `labels` (a text for each row), one for each label, the largest first.

    A label's layer has the label as its name, after `prefix`, and the label's colour in `colours`. There are at most
    `most` layers: the smallest labels share the last one. No layer has a name in `taken`. The numbers of an enum
    property have the same labels in all layers.
    """
    names = set(taken)
    whole = point_layer(points, SEGMENTATION)
    for label, colour, listed in _groups(points, whole["annotations"], labels, colours, most):
        name = unique_name(label if labels is None else prefix + label, names)
        names.add(name)
        yield whole | {"name": name, "annotationColor": colour, "annotations": listed}


def _groups(
    points: Points, annotations: list[State], labels: pd.Series | None, colours: Mapping[str, str], most: int
) -> Iterator[tuple[str, str, list[State]]]:
    """The label, the colour and the annotations of each layer."""
    if labels is None:
        yield points.name, points.colour, annotations
        return
    counts = labels.value_counts()
    largest = list(counts.index[: most if len(counts) <= most else most - 1])
    parts: dict[str, list[State]] = {label: [] for label in largest}
    others: list[State] = []
    for label, annotation in zip(labels, annotations, strict=True):
        parts.get(label, others).append(annotation)
    for label, part in parts.items():
        yield label, colours.get(label, points.colour), part
    if others:
        yield OTHERS, points.colour, others


def painted(points: Points, labels: pd.Series, colours: Mapping[str, str]) -> Points:
    """`points` with a property of kind "colour" that paints each one in the colour of its label."""
    shades = labels.map(colours).fillna(points.colour).to_numpy()
    others = [entry for entry in points.properties if identifier(entry.name) != PAINT]
    paint = Property(PAINT, SHADE, "colour")
    return replace(points, frame=points.frame.assign(**{SHADE: shades}), properties=(*others, paint))


def with_segments(
    state: State, roots: Sequence[int], visible: Collection[int], colours: Mapping[int, str] | None = None
) -> State:
    """`state` with `roots` listed in its segmentation layer, `visible` ones drawn, in `colours` ("#rrggbb" by root
    id)."""
    filled: State = {"segments": segment_list(roots, visible)}
    if colours:
        filled["segmentColors"] = {str(root): colour for root, colour in colours.items()}
    layers = [layer | filled if layer["name"] == SEGMENTATION else layer for layer in state["layers"]]
    return state | {"layers": layers}


def distinct_roots(columns: Sequence[pd.Series]) -> list[int]:
    """The distinct root ids in `columns`, in order of first appearance row by row; without 0 and null."""
    if not columns:
        return []
    rows = np.column_stack([root_ids(column) for column in columns]).ravel()
    return [root for root in pd.unique(pd.Series(rows)).tolist() if root]


def camera(positions_vx: Floats, voxel_nm: Sequence[float], somata_vx: Sequence[Floats] = ()) -> State:
    """The `position` and scales of a view that shows all of `positions_vx`; {} where there are none.

    With one soma, the view is centred on it and the cross-section shows all of it. With several, the centre is that of
    the bounding box of all positions, with none, their median.
    """
    if not len(positions_vx):
        return {}
    one_soma = len(somata_vx) == 1
    middle = (
        (positions_vx.min(axis=0) + positions_vx.max(axis=0)) / 2 if len(somata_vx) else np.median(positions_vx, axis=0)
    )
    centre = np.asarray(somata_vx[0] if one_soma else middle)
    reach_nm = np.abs((positions_vx - centre) * np.asarray(voxel_nm)).max()
    across_nm = float(np.clip(2.2 * reach_nm, NARROWEST_NM, WIDEST_NM))
    view: State = {"position": centre.round(1).tolist(), "projectionScale": round(across_nm / min(voxel_nm))}
    if one_soma:
        view["crossSectionScale"] = round(SOMA_NM_PER_PIXEL / min(voxel_nm), 1)
    return view


def used(legend: Mapping[str, str], labels: pd.Series | None) -> dict[str, str]:
    """The entries of `legend` for the labels that occur in `labels`, the most frequent first; {} without labels."""
    if labels is None:
        return {}
    return {str(label): legend[label] for label in labels.value_counts().index if label in legend}


def capped(shown: int, total: int, noun: str) -> str:
    """A sentence with both numbers when fewer than all are kept, else ""; `noun` is a plural noun."""
    if shown == total:
        return ""
    return f"Limited to {shown:,} of {total:,} {noun}."


def unplaced(count: int, noun: str) -> str:
    """A sentence that counts the rows without a position, "" for none; `noun` is a plural noun."""
    return f"{count:,} of the {noun} {'has' if count == 1 else 'have'} no position and so no point." if count else ""


def count_points(layers: Sequence[State]) -> int:
    """The number of annotations in some layers."""
    return sum(len(layer["annotations"]) for layer in layers)
