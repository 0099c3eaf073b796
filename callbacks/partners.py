"""What the callbacks of the connectivity viewer read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import pandas as pd

from callbacks import views
from services.cave.context import cave
from services.cells import (
    interpretation,
    partner_script,
    partner_synapses,
    partner_table,
    plot_frames,
    proofreading,
    several_cells,
    synapse_filter,
)
from services.cells.connectivity import Connectivity
from services.cells.partner_table import PartnerTable, Side, Wanted
from services.core import colours, type_columns
from services.core.directions import Direction
from services.core.errors import BadInput, NotFound
from services.core.moments import number_of
from services.tables import groups, tables
from services.views.addresses import NO_TYPES, ConnectivityView

BLANK = "no type"
SIDES = ("in", "out", "both")
"""The tabs that have a grid."""


def concrete(asked: ConnectivityView) -> ConnectivityView:
    """The view with datastack, version number and type table filled in."""
    release = views.release_of(cave(), asked)
    types = asked.type_table or partner_table.default_types(release) or NO_TYPES
    return replace(asked, datastack=release.datastack, version=str(release.number), type_table=types)


def read(view: ConnectivityView) -> Connectivity:
    """The cell of a concrete view, with its partners; the first where several are asked for."""
    return read_all(view)[0]


def read_all(view: ConnectivityView) -> tuple[Connectivity, ...]:
    """All cells of a concrete view."""
    release = cave().release(view.datastack, number_of(view.version))
    types = None if view.type_table == NO_TYPES else view.type_table
    whole = view.whole == "on"
    only, _ = synapses_asked(view)
    derived = release.derived.of("connectivity", view.cell, view.id_type, types or "", view.type_by, whole, only)
    options: Any = {"type_table": types, "type_by": view.type_by, "whole": whole, "lenient": True, "only": only}
    return derived.get(lambda: interpretation.read(release, view.cell, view.id_type, **options))


def synapses_asked(view: ConnectivityView) -> tuple[str, list[str]]:
    """The filter of synapses of a concrete view, "all" where it cannot be read, and a sentence for why."""
    try:
        asked = synapse_filter.chosen(cave().release(view.datastack, number_of(view.version)), view.synapses)
        synapse_filter.parse(cave().release(view.datastack, number_of(view.version)), asked)
    except (BadInput, NotFound) as error:
        return synapse_filter.ALL, [f"{error} Until then all synapses are counted."]
    return view.synapses, []


def answerable(view: ConnectivityView) -> tuple[ConnectivityView, list[str]]:
    """A concrete view without what it asks for in vain, which stays in its address, and sentences for that. Of the type
    table, the warnings of the cell tell."""
    only, said = synapses_asked(view)
    least, proofread, top = view.at_least, view.proofread, view.top
    try:
        partner_table.threshold(least)
    except BadInput as error:
        least = ""
        said.append(f"{error} Until then no partner is left out for having few.")
    try:
        partner_table.percentage(top)
    except BadInput as error:
        top = ""
        said.append(f"{error} Until then no partner is left out for being small.")
    if proofread and (why := proofreading.missing(cave().release(view.datastack, number_of(view.version)))):
        proofread = ""
        said.append(f"{why} The switch does nothing here.")
    types = read(view).type_table or NO_TYPES
    return replace(view, synapses=only, top=top, at_least=least, proofread=proofread, type_table=types), said


def root_ids(view: ConnectivityView) -> str:
    """Those of all cells of a concrete view, with commas."""
    return ",".join(str(one.cell.root_id) for one in read_all(view))


def table(view: ConnectivityView, side: str) -> PartnerTable:
    """All partners of one side that count; of several cells, those of any of them."""
    found = read_all(view)
    if len(found) > 1:
        return several_cells.open_partners(cave(), found, wanted(view, side))
    return partner_table.open_partners(cave(), found[0], wanted(view, side))


def wanted(view: ConnectivityView, side: str) -> Wanted:
    """What a view asks of the partners of one side."""
    asked, _ = answerable(view)
    least = partner_table.threshold(asked.at_least)
    return Wanted(cast("Side", side), least, asked.proofread == "on", asked.more, partner_table.percentage(asked.top))


def script(view: ConnectivityView, side: str) -> str:
    """Python that yields the partners of one side that the filters keep."""
    return partner_script.snippet(cave(), read_all(view), wanted(view, side), views.table_query(cave(), view))


def listed_ways(view: ConnectivityView) -> tuple[Direction, ...]:
    """The directions whose synapses with its `partner` a view lists: that of its tab. An autapse has both."""
    if view.tab in tuple(Direction):
        return (Direction(view.tab),)
    return (Direction.OUT,) if view.partner == "autapses" else tuple(Direction)


def synapses(view: ConnectivityView, way: Direction) -> pd.DataFrame:
    """The synapses of one direction of all cells of a concrete view; see `partner_synapses.of_cell`."""
    every = [partner_synapses.of_cell(cave(), one, way) for one in read_all(view)]
    return every[0] if len(every) == 1 else pd.concat(every, ignore_index=True)


def shown(view: ConnectivityView, side: str) -> tuple[pd.DataFrame, PartnerTable, str]:
    """The partners of one side that the filters keep, in their order; all that count; and the filter in words."""
    whole, query = table(view, side), views.table_query(cave(), view)
    words = tables.filter_of(whole.columns, query)
    return partner_table.select(whole, query), whole, words.describe() if words.text() else ""


def fitted(view: ConnectivityView) -> tuple[ConnectivityView, list[str]]:
    """The view without added columns that its version does not have, without boxes, orders and a grouping of columns
    that its table does not have, and sentences for these and for what is :func:`answerable` only in part."""
    _, said = answerable(view)
    more, lost_more = partner_table.fitting(
        cave().release(view.datastack, number_of(view.version)), view.type_table, view.more
    )
    said += lost_more
    view = replace(view, more=more)
    if view.group_by and view.group_by not in groupings([table(view, way) for way in Direction]):
        said.append(f"Partners have no column {view.group_by[:80]!r} of words to group them by; left out.")
        view = replace(view, group_by="")
    columns = table(view, view.tab).columns if view.tab in SIDES else ()
    boxes, lost_boxes = views.fitting(view.boxes.items(), columns)
    sort, lost_sorts = views.fitting(view.sort, columns)
    kept = replace(view, boxes=dict(boxes), sort=tuple(sort))  # type: ignore[arg-type]
    return kept, [*said, *lost_boxes, *lost_sorts]


def groupings(parts: Sequence[PartnerTable]) -> list[str]:
    """Columns of text that all of some tables have: what partners can be grouped by."""
    names = [[column.name for column in part.columns if column.kind in ("text", "boolean")] for part in parts]
    return [name for name in names[0] if all(name in other for other in names[1:])]


def grouping(view: ConnectivityView) -> tuple[str, dict[str, str], tuple[str, ...]]:
    """The column by which a concrete view groups partners ("" = none), the colour of each of its values, and all
    values that it has at the version, where it is of the type table."""
    found = read(view)
    frames = [table(view, way).frame for way in Direction]
    own = type_columns.type_column(found.inputs) if found.type_table else None
    column = view.group_by if all(view.group_by in frame for frame in frames) else own
    if not column:
        return "", {}, ()
    if found.type_table and column in found.inputs and not found.typed_synapses:
        values = plot_frames.universe(cave().release(view.datastack, number_of(view.version)), found.type_table, column)
        return column, dict(groups.of_partners(cave(), found, column).colours), values
    texts = pd.concat([frame[column] for frame in frames]).dropna().astype(str)
    return column, colours.assign(texts, cave().profile(view.datastack).palette), ()
