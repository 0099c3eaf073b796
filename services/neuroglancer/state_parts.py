"""What every Neuroglancer state is put together from: layers of points by group, the segment list, the camera."""

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
"""The property that paints points, and the column that it comes from."""
PLAIN_COLOUR = "#ffd166"
NARROWEST_NM, WIDEST_NM = 40_000, 2_000_000
"""How little and how much the camera shows from top to bottom."""
SOMA_NM_PER_PIXEL = 50
"""The cross-section's scale at which a soma of 15 um, and some of what is around it, is seen."""


@dataclass(frozen=True)
class Limits:
    """How much one state holds.

    `points`: more local annotations than this take the client over ten seconds to open. `visible`: meshes drawn at
    once; further segments are listed and drawn when they are ticked. `groups`: layers that fit the viewer's layer
    bar; the smallest groups beyond share one.
    """

    points: int = 20_000
    visible: int = 30
    groups: int = 20


@dataclass(frozen=True)
class Built:
    """A state and what is in it. `legend` is the colour of each group; `left_out` has sentences for what a limit kept
    out, `notes` for what there is not to show."""

    state: State
    num_points: int
    num_segments: int
    num_visible: int
    legend: Mapping[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def columns_of_kind(frame: pd.DataFrame, kind: Kind) -> list[str]:
    """The columns of `frame` that hold a kind of value, in order."""
    return [name for name in map(str, frame.columns) if kind_of(name, frame[name]) == kind]


def properties_of(frame: pd.DataFrame, most: int = 3) -> tuple[Property, ...]:
    """The first `most` columns of text and of numbers that the viewer can hold, for its shader."""
    enums = [name for name in columns_of_kind(frame, "text") if can_be_enum(frame[name])][:most]
    numbers = [name for name in columns_of_kind(frame, "number") if can_be_number(frame[name])][:most]
    properties = [Property(name, name, "enum") for name in enums] + [Property(name, name, "number") for name in numbers]
    distinct = {identifier(entry.name): entry for entry in reversed(properties)}
    return tuple(reversed(distinct.values()))


def located(frame: pd.DataFrame, positions_nm: Floats, voxel_nm: Sequence[float]) -> tuple[pd.DataFrame, Floats]:
    """The rows that have a position, and the positions in voxels of the viewer."""
    known = np.isfinite(positions_nm).all(axis=1)
    return frame.iloc[np.flatnonzero(known)], space.nm_to_voxels(positions_nm[known], voxel_nm)


def grouped_layers(
    points: Points,
    labels: pd.Series | None,
    colours: Mapping[str, str],
    taken: Collection[str],
    *,
    most: int,
    prefix: str = "",
) -> Iterator[State]:
    """One layer of points, or with `labels` (a text for each row) one for each label, the largest first.

    A label's layer is named after it, with `prefix` before, and has its colour in `colours`; beyond `most` layers,
    the smallest labels are together in the last one. No layer is called like one of `taken`. What a property's
    numbers mean is the same in all of them.
    """
    names = set(taken)
    whole = point_layer(points, SEGMENTATION)
    for name, colour, listed in _groups(points, whole["annotations"], labels, colours, most):
        free = unique_name(name if labels is None else prefix + name, names)
        names.add(free)
        yield whole | {"name": free, "annotationColor": colour, "annotations": listed}


def _groups(
    points: Points, annotations: list[State], labels: pd.Series | None, colours: Mapping[str, str], most: int
) -> Iterator[tuple[str, str, list[State]]]:
    """Name, colour and annotations of each layer."""
    if labels is None:
        yield points.name, points.colour, annotations
        return
    counts = labels.value_counts()
    alone = list(counts.index[: most if len(counts) <= most else most - 1])
    parts: dict[str, list[State]] = {label: [] for label in alone}
    rest: list[State] = []
    for label, annotation in zip(labels, annotations, strict=True):
        parts.get(label, rest).append(annotation)
    for label, part in parts.items():
        yield label, colours.get(label, points.colour), part
    if rest:
        yield OTHERS, points.colour, rest


def painted(points: Points, labels: pd.Series, colours: Mapping[str, str]) -> Points:
    """`points` in the colour of each one's label, as a property that the shader uses."""
    shades = labels.map(colours).fillna(points.colour).to_numpy()
    others = [entry for entry in points.properties if identifier(entry.name) != PAINT]
    paint = Property(PAINT, SHADE, "colour")
    return replace(points, frame=points.frame.assign(**{SHADE: shades}), properties=(*others, paint))


def with_segments(
    state: State, roots: Sequence[int], visible: Collection[int], colours: Mapping[int, str] | None = None
) -> State:
    """`state` with `roots` listed in its segmentation layer, `visible` ones drawn, in `colours` ("#rrggbb")."""
    filled: State = {"segments": segment_list(roots, visible)}
    if colours:
        filled["segmentColors"] = {str(root): colour for root, colour in colours.items()}
    layers = [layer | filled if layer["name"] == SEGMENTATION else layer for layer in state["layers"]]
    return state | {"layers": layers}


def distinct_roots(columns: Sequence[pd.Series]) -> list[int]:
    """The root ids in `columns`, each once, row by row; 0 and null left out."""
    if not columns:
        return []
    rows = np.column_stack([root_ids(column) for column in columns]).ravel()
    return [root for root in pd.unique(pd.Series(rows)).tolist() if root]


def camera(positions_vx: Floats, voxel_nm: Sequence[float], somata_vx: Sequence[Floats] = ()) -> State:
    """`position` and scales that show all of `positions_vx`; {} for none.

    It is at the only one of `somata_vx`, where the cross-section then shows the whole soma; for several of them in the
    middle of all, else at the median.
    """
    if not len(positions_vx):
        return {}
    alone = len(somata_vx) == 1
    middle = (
        (positions_vx.min(axis=0) + positions_vx.max(axis=0)) / 2 if len(somata_vx) else np.median(positions_vx, axis=0)
    )
    centre = np.asarray(somata_vx[0] if alone else middle)
    reach_nm = np.abs((positions_vx - centre) * np.asarray(voxel_nm)).max()
    across_nm = float(np.clip(2.2 * reach_nm, NARROWEST_NM, WIDEST_NM))
    view: State = {"position": centre.round(1).tolist(), "projectionScale": round(across_nm / min(voxel_nm))}
    if alone:
        view["crossSectionScale"] = round(SOMA_NM_PER_PIXEL / min(voxel_nm), 1)
    return view


def used(legend: Mapping[str, str], labels: pd.Series | None) -> dict[str, str]:
    """The colours of the labels that are shown, the most frequent first."""
    if labels is None:
        return {}
    return {str(label): legend[label] for label in labels.value_counts().index if label in legend}


def capped(kept: int, total: int, what: str) -> str:
    """A sentence that names both numbers when not all are kept, else ""."""
    if kept == total:
        return ""
    return f"Limited to {kept:,} of {total:,} {what}."


def unplaced(count: int, what: str) -> str:
    """A sentence for rows without a position, else ""."""
    return f"{count:,} of the {what} {'has' if count == 1 else 'have'} no position and so no point." if count else ""


def count_points(layers: Sequence[State]) -> int:
    """All annotations of some layers."""
    return sum(len(layer["annotations"]) for layer in layers)
