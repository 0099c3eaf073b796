"""The synapses of a cell that count: a line of the filter language over the columns of the synapse table, with the
depth, layer and predicted compartment of each synapse beside them."""

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
"""What is asked for where every synapse counts, whatever the profile says."""


def columns_of(release: Release) -> tuple[Column, ...]:
    """What synapses can be filtered by: the columns of their table, positions in its voxels, and what is worked out in
    this version and volume.

    Raises NotFound where the datastack has no synapse table."""
    volume = release.volume
    known = {COMPARTMENT} if compartments.table_of(release) else set()
    if volume.has_depth:
        known |= set(_worked_out(volume)) - {COMPARTMENT, *(() if volume.layers else (LAYER,))}
    return _with_own(release, [column for column in _worked_out(volume) if column in known])


def _with_own(release: Release, worked_out: Sequence[Column]) -> tuple[Column, ...]:
    info = _info(release)
    first = release.sample(info.name)
    own = [column for column in tables.columns_of(release, info, first) if "supervoxel" not in column.name]
    names = {column.name for column in own}
    return (*own, *(column for column in worked_out if column.name not in names))


def chosen(release: Release, text: str) -> str:
    """The line that synapses have to pass where `text` is asked for. Where nothing is, it is the profile's own,
    else that of the view of connected pairs; "" = all of them count, which ALL asks for."""
    line = text.strip() or usual(release)
    return "" if line.casefold() == ALL else line


def usual(release: Release) -> str:
    """The line that synapses have to pass where no other is asked for; "" = all of them count, as they do where
    :func:`fault` says why. Where CAVE does not keep the version, it has no view of pairs, and the line is that of the
    newest one."""
    return "" if fault(release) else _configured(release)


def fault(release: Release) -> str:
    """A sentence where the line that synapses usually have to pass cannot be read of their table; else ""."""
    line = _configured(release)
    if not line or not release.roles.synapses.table:
        return ""
    try:
        parse(release, line)
    except (BadInput, NotFound) as error:
        return f"{error.message} So {line[:80]!r}, which synapses usually have to pass here, is left out."
    return ""


def _configured(release: Release) -> str:
    known = release if release.version.kept else release.newest
    line = (release.profile.synapse_filter or known.roles.edges.where).strip()
    return "" if line.casefold() == ALL else line


def parse(release: Release, where: str) -> Node:
    """The filter of a line; "" keeps all. Raises BadInput for what cannot be read, or is not known in this volume, and
    for once(…), since only synapses of the cell are read; NotFound where the version has no predicted compartments."""
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
    """The synapses of :meth:`Cave.synapses` that the line `where` keeps; `attrs["all"]` is how many there are in all,
    `attrs["misread"]` what :func:`misread` says of the line.

    Raises as :func:`parse` and `Cave.synapses` do."""
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
    """The synapses of :meth:`Cave.synapses_among` that the line `where` keeps, with `attrs` as of :func:`read`. Raises
    as :func:`parse_among`."""
    node = parse_among(release, where)
    if isinstance(node, Everything):
        return release.synapses_among(pre, post)
    rows = release.synapses_among(pre, post, more=_more(node))
    return _passed(release, rows, node, _voxels(rows, _info(release).voxel_resolution_nm))


def chosen_among(release: Release, text: str) -> str:
    """The line that synapses among sets of cells have to pass, as :func:`chosen`; "" where the usual one cannot be read
    there. Raises as :func:`parse_among` for what is `text`."""
    line = chosen(release, text)
    if text.strip():
        parse_among(release, line)
    return line if text.strip() or not not_in_scripts(parse(release, line)) else ""


def parse_among(release: Release, where: str) -> Node:
    """As :func:`parse`. Raises BadInput also for what is no column of the synapse table."""
    node = parse(release, where)
    if worked_out := not_in_scripts(node):
        raise BadInput(
            f"Synapses among sets of cells cannot be chosen by their {' and '.join(worked_out)}.",
            "Take a column of the synapse table.",
        )
    return node


def _more(node: Node) -> list[str]:
    """The columns of the synapse table that a filter needs beside those that are always read."""
    return sorted(set(columns_needed(node)) - {*_ALWAYS, CENTRE})


def _passed(release: Release, rows: pd.DataFrame, node: Node, frame: pd.DataFrame) -> pd.DataFrame:
    """The synapses of `rows` that a filter keeps; `frame` has what it asks for."""
    usual = {*_ALWAYS, *CENTRE_NM, *release.synapse_shape().values}
    kept = rows.loc[node.mask(frame), [name for name in rows.columns if name in usual]].reset_index(drop=True)
    kept.attrs = {**rows.attrs, "all": len(rows), "misread": misread(node, frame)}
    return kept


def columns_needed(node: Node) -> tuple[str, ...]:
    """The columns of the synapse table that a filter needs; positions whole."""
    columns = (column for column in _columns_in(node) if not _is_worked_out(column))
    return tuple(dict.fromkeys(column.name[:-2] if column.kind == "position" else column.name for column in columns))


def not_in_scripts(node: Node) -> tuple[str, ...]:
    """What a filter asks for that is no column of the synapse table."""
    return tuple(dict.fromkeys(column.title for column in _columns_in(node) if _is_worked_out(column)))


def _worked_out(volume: Volume) -> tuple[Column, ...]:
    """What is known of a synapse beside its row; a layer for each source of boundaries."""
    others = (Column(name, f"layer ({by.name})", "text") for name, by in volume.layer_columns.items())
    return (DEPTH, LAYER, *(column for column in others if column.name != LAYER.name), COMPARTMENT)


def _is_worked_out(column: Column) -> bool:
    return column in (DEPTH, LAYER, COMPARTMENT) or (column.kind == "text" and column.title.startswith("layer ("))


def _info(release: Release) -> TableInfo:
    name = release.roles.synapses.table
    if not name:
        raise NotFound(f"Datastack {release.datastack} has no synapse table.")
    return release.table_info(name)


def _refuse_unknown(release: Release, where: str) -> None:
    """Says why a line cannot be, if that is for what is not known in this volume or version."""
    volume = release.volume
    try:
        requests = set(_columns_in(parse_line(where, _with_own(release, _worked_out(volume)))))
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
    """The rows with their positions, which come in nm, in voxels, as filters count them, and as their table has them:
    without a centre where it has none."""
    frame = rows.rename(columns={name: name.removesuffix("_nm") for name in CENTRE_NM})
    for axis, size in zip("xyz", voxel_nm, strict=True):
        for name in (one for one in frame.columns if one.endswith(f"_position_{axis}")):
            # to a millionth of a voxel: what lies behind is noise of the division
            nm = frame[name].to_numpy(np.float64, na_value=np.nan)
            frame[name] = pd.array(np.round(nm / size, 6), dtype="Float64")
    if without := rows.attrs.get(WITHOUT_CENTRE):
        frame.loc[frame["id"].isin(without), [f"{CENTRE}_{axis}" for axis in "xyz"]] = pd.NA
    return frame
