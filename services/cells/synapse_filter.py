"""Which synapses of a cell are counted: those that a line of the filter language keeps. It can use the columns of the
synapse table, and the depth, layer and predicted compartment of each synapse."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from services.cave.release import Release
from services.cave.synapse_shape import WITHOUT_CENTRE
from services.cells import compartments
from services.cells.synapse_rows import CENTRE_NM, depths_um
from services.core import space
from services.core.columns import Column
from services.core.directions import Direction
from services.core.errors import BadInput, NotFound
from services.core.profiles import Volume
from services.core.records import TableInfo
from services.filters.boxes import InBox
from services.filters.column_conditions import AgainstColumn, Once
from services.filters.filters import parse_line
from services.filters.misread import misread
from services.filters.nodes import And, Condition, Everything, Node, Not, Or
from services.tables import tables

DEPTH = Column("depth_um", "depth", "number", "um", ("depth",))
LAYER = Column("layer", "layer", "text")
COMPARTMENT = Column("compartment", "predicted compartment", "text")
_ALWAYS = ("id", "pre_pt_root_id", "post_pt_root_id", "size")
CENTRE = "ctr_pt_position"
ALL = "all"
"""The filter text that keeps every synapse, whatever the profile says."""


def columns_of(release: Release) -> tuple[Column, ...]:
    """The columns by which synapses can be filtered: those of their table, with positions in its voxels, and the
    computed ones (depth, layers, predicted compartment) that this version and volume have.

    Raises NotFound where the datastack has no synapse table."""
    volume = release.volume
    computable = {COMPARTMENT} if compartments.table_of(release) else set()
    if volume.has_depth:
        computable |= set(_computed(volume)) - {COMPARTMENT, *(() if volume.layers else (LAYER,))}
    return _with_table_columns(release, [column for column in _computed(volume) if column in computable])


def _with_table_columns(release: Release, computed: Sequence[Column]) -> tuple[Column, ...]:
    """The columns of the synapse table, then those of `computed` whose name it does not have."""
    info = _info(release)
    first = release.sample(info.name)
    columns = [column for column in tables.columns_of(release, info, first) if "supervoxel" not in column.name]
    names = {column.name for column in columns}
    return (*columns, *(column for column in computed if column.name not in names))


def chosen(release: Release, text: str) -> str:
    """The filter line for what a user typed: `text`, or :func:`usual` where it is empty. "" = all synapses are counted,
    which is what the text ALL means."""
    line = text.strip() or usual(release)
    return "" if line.casefold() == ALL else line


def usual(release: Release) -> str:
    """The filter line where a user gives none: the profile's, else the one that the view of connected pairs was made
    with. "" = all synapses are counted, also where :func:`fault` says why the line cannot be used. A moment that is not
    a kept version has no view of pairs, and takes the line of the newest version."""
    return "" if fault(release) else _configured(release)


def fault(release: Release) -> str:
    """A sentence where the usual filter line cannot be applied to the synapse table; else ""."""
    line = _configured(release)
    if not line or not release.roles.synapses.table:
        return ""
    try:
        parse(release, line)
    except (BadInput, NotFound) as error:
        return f"{error.message} So {line[:80]!r}, which synapses usually have to pass here, is left out."
    return ""


def _configured(release: Release) -> str:
    materialized = release if release.version.materialized else release.newest
    line = (release.profile.synapse_filter or materialized.roles.edges.where).strip()
    return "" if line.casefold() == ALL else line


def parse(release: Release, where: str) -> Node:
    """The filter of a line; "" keeps all. Raises BadInput for a line that cannot be parsed, for a column that is not
    known in this volume, and for once(…), since only the synapses of one cell are read; NotFound where it uses
    predicted compartments and the version has none."""
    if not where.strip():
        return Everything()
    try:
        node = parse_line(where, columns_of(release))
    except BadInput:
        _refuse_unknown(release, where)
        raise
    if any(isinstance(leaf, Once) for leaf in _conditions(node)):
        raise BadInput(
            "once(…) is of all rows of a table, and of the synapses only those of the cell are read.",
            "For partners with a single synapse, filter the partners by num_syn = 1.",
        )
    return node


def read(
    release: Release,
    root_id: int,
    direction: Direction,
    *,
    where: str = "",
    whole: bool = False,
) -> pd.DataFrame:
    """The synapses of a cell in one direction that the line `where` keeps, with the columns of :meth:`Cave.synapses`;
    `whole` as there. For a line that is not empty, `attrs["all"]` is the number of synapses before the filter and
    `attrs["misread"]` the warnings of :func:`misread`.

    Raises as :func:`parse` and :meth:`Cave.synapses`."""
    node = parse(release, where)
    if isinstance(node, Everything):
        return release.synapses(root_id, direction, whole=whole)
    names = {column.name for column in _columns_in(node)}
    rows = release.synapses(root_id, direction, whole=whole, more=_more(node))
    frame = _voxels(rows, _info(release).voxel_resolution_nm)
    volume = release.volume
    if {DEPTH.name, *volume.layer_columns} & (names - set(rows.columns)):
        depth = depths_um(rows, volume)
        layers = {name: space.layer_of(depth, by) for name, by in volume.layer_columns.items()}
        texts = {name: pd.Series(layer, frame.index).astype("string") for name, layer in layers.items()}
        frame = frame.assign(depth_um=pd.array(depth, dtype="Float64"), **texts)
    if COMPARTMENT.name in names - set(rows.columns):
        tags = compartments.tags(release, root_id, direction)
        frame = compartments.of_synapses(frame, tags)
    return _passed(release, rows, node, frame)


def among(release: Release, pre: Sequence[int] | None, post: Sequence[int] | None, *, where: str = "") -> pd.DataFrame:
    """The synapses from the root ids `pre` onto `post` (None = any) that the line `where` keeps, with the columns of
    :meth:`Cave.synapses_among` and `attrs` as of :func:`read`. Raises as :func:`parse_among`."""
    node = parse_among(release, where)
    if isinstance(node, Everything):
        return release.synapses_among(pre, post)
    rows = release.synapses_among(pre, post, more=_more(node))
    return _passed(release, rows, node, _voxels(rows, _info(release).voxel_resolution_nm))


def chosen_among(release: Release, text: str) -> str:
    """The filter line for synapses among sets of cells, as :func:`chosen`; "" where the usual line uses a computed
    column, which cannot be read there. Raises as :func:`parse_among` for a `text` that is not empty."""
    line = chosen(release, text)
    if text.strip():
        parse_among(release, line)
    return line if text.strip() or not not_in_scripts(parse(release, line)) else ""


def parse_among(release: Release, where: str) -> Node:
    """As :func:`parse`; raises BadInput also for a filter by a computed column, which the synapse table does not
    have."""
    node = parse(release, where)
    if computed := not_in_scripts(node):
        raise BadInput(
            f"Synapses among sets of cells cannot be chosen by their {' and '.join(computed)}.",
            "Take a column of the synapse table.",
        )
    return node


def _more(node: Node) -> list[str]:
    """The columns of the synapse table that a filter needs in addition to those that are always read."""
    return sorted(set(columns_needed(node)) - {*_ALWAYS, CENTRE})


def _passed(release: Release, rows: pd.DataFrame, node: Node, frame: pd.DataFrame) -> pd.DataFrame:
    """The synapses of `rows` that a filter keeps; `frame` has the same rows with the columns that the filter uses."""
    always = {*_ALWAYS, *CENTRE_NM, *release.synapse_shape().values}
    passed = rows.loc[node.mask(frame), [name for name in rows.columns if name in always]].reset_index(drop=True)
    passed.attrs = {**rows.attrs, "all": len(rows), "misread": misread(node, frame)}
    return passed


def columns_needed(node: Node) -> tuple[str, ...]:
    """The columns of the synapse table that a filter needs, positions as one column (ctr_pt_position)."""
    columns = (column for column in _columns_in(node) if not _is_computed(column))
    return tuple(dict.fromkeys(column.name[:-2] if column.kind == "position" else column.name for column in columns))


def not_in_scripts(node: Node) -> tuple[str, ...]:
    """The titles of the computed columns that a filter uses; a script cannot compute them."""
    return tuple(dict.fromkeys(column.title for column in _columns_in(node) if _is_computed(column)))


def _computed(volume: Volume) -> tuple[Column, ...]:
    """The computed columns of synapses, with a layer for each source of layer boundaries."""
    others = (Column(name, f"layer ({by.name})", "text") for name, by in volume.layer_columns.items())
    return (DEPTH, LAYER, *(column for column in others if column.name != LAYER.name), COMPARTMENT)


def _is_computed(column: Column) -> bool:
    return column in (DEPTH, LAYER, COMPARTMENT) or (column.kind == "text" and column.title.startswith("layer ("))


def _info(release: Release) -> TableInfo:
    name = release.roles.synapses.table
    if not name:
        raise NotFound(f"Datastack {release.datastack} has no synapse table.")
    return release.table_info(name)


def _refuse_unknown(release: Release, where: str) -> None:
    """Raises with the reason where a line cannot be parsed because it uses a computed column that is not known here."""
    volume = release.volume
    try:
        requests = set(_columns_in(parse_line(where, _with_table_columns(release, _computed(volume)))))
    except BadInput:
        return
    if {DEPTH, LAYER} & requests and not volume.has_depth:
        raise BadInput(
            f"The axes of the volume of {release.datastack} are not known, so synapses have no depth.", "Use a box."
        )
    if LAYER in requests and not volume.layers:
        raise BadInput(f"The layers of the volume of {release.datastack} are not known.", "Use depth_um, or a box.")
    if COMPARTMENT in requests:
        compartments.required_table(release)


def _conditions(node: Node) -> Iterator[Condition | InBox]:
    match node:
        case And() | Or():
            for part in node.parts:
                yield from _conditions(part)
        case Not():
            yield from _conditions(node.part)
        case InBox() | Condition():
            yield node


def _columns_in(node: Node) -> Iterator[Column]:
    for leaf in _conditions(node):
        match leaf:
            case InBox():
                yield from leaf.axes
            case AgainstColumn():
                yield from (leaf.column, leaf.other)
            case Condition():
                yield leaf.column


def _voxels(rows: pd.DataFrame, voxel_nm: tuple[float, float, float]) -> pd.DataFrame:
    """The rows with their positions converted from nm to the voxels that filters use, and with a null centre where the
    table has none."""
    frame = rows.rename(columns={name: name.removesuffix("_nm") for name in CENTRE_NM})
    for axis, size in zip("xyz", voxel_nm, strict=True):
        for name in [column for column in frame.columns if column.endswith(f"_position_{axis}")]:
            # rounded to a millionth of a voxel: further digits are errors of the division
            nm = frame[name].to_numpy(np.float64, na_value=np.nan)
            frame[name] = pd.array(np.round(nm / size, 6), dtype="Float64")
    if without := rows.attrs.get(WITHOUT_CENTRE):
        frame.loc[frame["id"].isin(without), [f"{CENTRE}_{axis}" for axis in "xyz"]] = pd.NA
    return frame
