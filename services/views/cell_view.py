"""What an address of the connectivity viewer means: cells with their partners, and everything derived from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, cast

import pandas as pd
from werkzeug.utils import cached_property

from services.cave.client import Cave
from services.cave.release import Release
from services.cells import (
    cell_types,
    cells,
    changes,
    interpretation,
    partner_columns,
    partner_groups,
    partner_script,
    partner_synapses,
    partner_table,
    plot_frames,
    proofreading,
    several_cells,
    synapse_filter,
    synapse_script,
)
from services.cells.cells import Cell
from services.cells.connectivity import Connectivity
from services.cells.interpretation import Question
from services.cells.partner_table import PartnerOptions, PartnerTable
from services.core import colours, space, type_columns
from services.core.directions import SIDES, Direction, Side
from services.core.errors import BadInput, NotFound
from services.core.parallel import gather
from services.filters.nodes import Node
from services.neuroglancer import links
from services.neuroglancer.links import Link
from services.tables import scripts
from services.tables.tables import TableQuery
from services.views.addresses import NO_TYPES, CellAddress
from services.views.resolving import fitting, query_of, release_of

READINGS = {"inputs": "in", "outputs": "out", "partners": "both"}
"""The variables of a figure's script that hold partners, and their side."""


@dataclass(frozen=True)
class CellView:
    """The cells of an address, created once for a request and shared by everything that answers it.

    `address` has the datastack, the version number and the type table filled in. Data are read when they are first
    needed. If `lenient`, parts of the address that cannot be met are left out with a sentence; otherwise they raise
    BadInput or NotFound.
    """

    release: Release
    address: CellAddress
    lenient: bool = True

    @classmethod
    def of(cls, cave: Cave, address: CellAddress) -> CellView:
        """The view of an address. Raises as :func:`live.resolve`."""
        release = release_of(cave, address)
        types = address.type_table or partner_columns.default_types(release) or NO_TYPES
        return cls(
            release, replace(address, datastack=release.datastack, version=str(release.number), type_table=types)
        )

    @property
    def query(self) -> TableQuery:
        """The filters and the order of partners in the address."""
        return query_of(self.release.cave, self.address)

    @cached_property
    def question(self) -> Question:
        """The cells that the text of the address means, before they are read."""
        return interpretation.understand(self.release, self.address.cell, self.address.id_type)

    def single(self) -> CellView:
        """This view, if its address means a single cell. Raises BadInput where it means several."""
        interpretation.refuse_several(self.question)
        return self

    @cached_property
    def cell(self) -> Cell:
        """The one cell of the address, without its partners. Raises as :func:`interpretation.cell_of`."""
        return interpretation.cell_of(self.release, self.question)

    @cached_property
    def cells(self) -> tuple[Connectivity, ...]:
        """The connectivity of all cells of the address, in its order; kept in memory. Raises as
        :func:`interpretation.answer`."""
        release, address = self.release, self.address
        types, whole, only = self._types, address.whole == "on", self._synapse_line[0]
        parts = (address.cell, address.id_type, types or "", address.type_by, whole, only, self.lenient)
        options: Any = {"type_table": types, "type_by": address.type_by, "whole": whole, "only": only}
        derived = release.derived.of("connectivity", *parts)
        return derived.get(lambda: interpretation.answer(release, self.question, lenient=self.lenient, **options))

    @property
    def first(self) -> Connectivity:
        """The connectivity of the cell, or of the first one where there are several."""
        return self.cells[0]

    @property
    def root_ids(self) -> str:
        """The root ids of all cells, separated by commas."""
        return ",".join(str(cell.cell.root_id) for cell in self.cells)

    @property
    def somata_um(self) -> list[list[float]]:
        """The positions of the cells' own somata along the axes of the volume in um; cells without one are left out."""
        somata_nm = [cell.cell.soma_position_nm for cell in self.cells]
        return [space.nm_to_um(soma, self.release.volume)[0].tolist() for soma in somata_nm if soma]

    @cached_property
    def answerable(self) -> tuple[CellAddress, tuple[str, ...]]:
        """The address without the parts that cannot be met (synapse filter, threshold, percentage, proofreading, type
        table), and a sentence for each. The warnings of the cell have the one about the type table."""
        if not self.lenient:
            return self.address, ()
        only, messages = self._synapse_line
        least, proofread, top = self.address.at_least, self.address.proofread, self.address.top
        try:
            partner_table.threshold(least)
        except BadInput as error:
            least = ""
            messages = (*messages, f"{error} Until then no partner is left out for having few.")
        try:
            partner_table.percentage(top)
        except BadInput as error:
            top = ""
            messages = (*messages, f"{error} Until then no partner is left out for being small.")
        if proofread and (why := proofreading.missing(self.release)):
            proofread = ""
            messages = (*messages, f"{why} The switch does nothing here.")
        types = self.first.type_table or NO_TYPES
        parts: dict[str, Any] = {"top": top, "at_least": least, "proofread": proofread, "type_table": types}
        return replace(self.address, synapses=only, **parts), messages

    def partner_options(self, side: str) -> PartnerOptions:
        """The options of the partner table of one side ("in", "out" or "both")."""
        address, _ = self.answerable
        least, top = partner_table.threshold(address.at_least), partner_table.percentage(address.top)
        return PartnerOptions(cast("Side", side), least, address.proofread == "on", address.more, top)

    def table(self, side: str) -> PartnerTable:
        """The partner table of one side before the filters; for several cells, the partners of any of them."""
        if len(self.cells) > 1:
            return several_cells.open_partners(self.release.cave, self.cells, self.partner_options(side))
        return partner_table.open_partners(self.release.cave, self.first, self.partner_options(side))

    def partners(self, side: str) -> tuple[pd.DataFrame, PartnerTable, Node]:
        """The partners of one side that the filters keep, in their order; the table before the filters; and the
        filter."""
        table = self.table(side)
        partners, kept_by = partner_table.select(table, self.query)
        return partners, table, kept_by

    @property
    def narrowed(self) -> bool:
        """Whether the address keeps only some partners: by a percentage, a threshold, proofreading or a query line."""
        return any((self.address.top, self.address.at_least, self.address.proofread, self.address.where))

    def synapses_of_partners(self, way: Direction, side: str) -> pd.DataFrame:
        """The synapses of one direction; where the view is :attr:`narrowed`, only those with the partners of a side it
        keeps."""
        synapses = self.synapses(way)
        return (
            partner_synapses.with_partners(synapses, self.partners(side)[0]).drop(columns="row")
            if self.narrowed
            else synapses
        )

    def script(self, side: str) -> str:
        """The Python script whose `frame` has the partners of one side that the filters keep."""
        return partner_script.snippet(self.release.cave, self.cells, self.partner_options(side), self.query)

    def reading(self, name: str) -> tuple[str, ...]:
        """Parts of a script that define the variable `name` for a figure: "inputs", "outputs" or "partners", which the
        filters keep, or "in_synapses" or "out_synapses", which are all of one direction."""
        if name.endswith("_synapses"):
            way = Direction(name.removesuffix("_synapses"))
            return synapse_script.definition(self.release.cave, self.cells), synapse_script.line(way)
        options = self.partner_options(READINGS[name])
        script = partner_script.snippet(self.release.cave, self.cells, options, self.query, hidden=True)
        return (f"{script}{name} = frame{scripts.WITH_TEXTS}\n",)

    def link(self, side: str, selected: Sequence[int] | None = None, **look: Any) -> tuple[Link, int]:
        """A Neuroglancer link to the cells with the `selected` partners of one side (root ids; None = those that the
        filters keep), and the number of these partners; `look` has the `colour_by` and `visible` of
        :func:`links.cell_link`."""
        filtered, whole, _ = self.partners(side)
        roots = filtered["root_id"].tolist() if selected is None else [*selected]
        only = None if set(whole.frame["root_id"]) <= set(roots) and not whole.left_out else roots
        group = self.address.group_by if self.address.group_by in whole.frame or not self.lenient else ""
        viewer = self.address.viewer.strip()
        options: Any = {"viewer": viewer or None, "group_by": group or None, "more": whole.frame}
        of_side: Any = {"direction": cast("Side", side), "partners": only}
        return links.cell_link(self.release.cave, self.cells, **of_side, **options, **look), len(roots)

    def synapses(self, way: Direction) -> pd.DataFrame:
        """The synapses of all cells in one direction, with the columns of :func:`partner_synapses.of_cell`."""
        parts = [partner_synapses.of_cell(self.release.cave, cell, way) for cell in self.cells]
        return parts[0] if len(parts) == 1 else pd.concat(parts, ignore_index=True)

    def synapses_with_partner(self) -> Mapping[Direction, pd.DataFrame]:
        """The synapses with the `partner` of the address, in the direction of its tab, or in both for a tab without
        one; {} where there are none. Autapses, which are in both directions, are listed as outputs only."""
        partner = self.address.partner
        ways = (Direction.OUT,) if partner == "autapses" else tuple(Direction)
        ways = (Direction(self.address.tab),) if self.address.tab in tuple(Direction) else ways
        with suppress(NotFound, BadInput):
            return self.synapses_with(partner, ways)
        return {}

    def synapses_with(self, partner: str, ways: Sequence[Direction]) -> dict[Direction, pd.DataFrame]:
        """The synapses with one partner in some directions; see :func:`partner_synapses.of_partner_in` for text and
        errors."""
        if len(self.cells) > 1:
            return several_cells.with_partner(self.release.cave, self.cells, ways, partner)
        return partner_synapses.of_partner_in(self.release.cave, self.first, ways, partner)

    @property
    def has_somata(self) -> bool:
        """Whether the version has a nucleus table, and so positions of somata."""
        return cells.nucleus_table(self.release) is not None

    def own_types(self) -> list[str | None]:
        """The type of each cell in the type table; None for a cell without one, or where the table is about
        synapses."""
        if not self.first.type_table or self.first.typed_synapses:
            return [None] * len(self.cells)
        roots = [cell.cell.root_id for cell in self.cells]
        return cell_types.of_roots(self.release, self.first.type_table, self.first.type_by, roots)

    @cached_property
    def against(self) -> Release:
        """The version that the cell is compared with. Raises as :func:`live.resolve`."""
        return release_of(self.release.cave, replace(self.address, version=self.address.against))

    def changes(self, ways: Sequence[Direction] = tuple(Direction)) -> list[changes.Changes]:
        """The changes from this version to that of `against`, for each of some directions; see :mod:`changes`."""
        options: Any = {
            "type_table": self._types,
            "type_by": self.address.type_by,
            "only": self._synapse_line[0],
        }
        of_cell = changes.of_cell
        releases, cell = (self.release, self.against), self.cell
        return gather(*(lambda way=way: of_cell(releases, cell, way, **options) for way in ways))

    def fitted(self) -> tuple[CellView, list[str]]:
        """The view fitted to its data, and a sentence for each part left out.

        Left out are added columns that the version does not have; boxes, sorts and a grouping by columns that the table
        does not have; and what :attr:`answerable` leaves out. A cell with inputs only opens with the tab of inputs.
        """
        more, lost_more = partner_columns.fitting(self.release, self.address.type_table, self.address.more)
        messages = [*self.answerable[1], *lost_more]
        view = replace(self, address=replace(self.address, more=more))
        group = view.address.group_by
        if group and group not in groupings([view.table(way) for way in Direction]):
            messages.append(f"Partners have no column {group[:80]!r} of words to group them by; left out.")
            view = replace(view, address=replace(view.address, group_by=""))
        if view.address.tab == "out" and not (view.address.where or view.address.boxes or view.address.sort):
            inputs_alone = view.table(Direction.OUT).frame.empty and not view.table(Direction.IN).frame.empty
            view = replace(view, address=replace(view.address, tab="in")) if inputs_alone else view
        columns = view.table(view.address.tab).columns if view.address.tab in SIDES else ()
        boxes, lost_boxes = fitting(view.address.boxes.items(), columns)
        sort, lost_sorts = fitting(view.address.sort, columns)
        parts: dict[str, Any] = {"boxes": dict(boxes), "sort": tuple(sort)}
        return replace(view, address=replace(view.address, **parts)), [*messages, *lost_boxes, *lost_sorts]

    @cached_property
    def grouping(self) -> tuple[str, dict[str, str], tuple[str, ...]]:
        """The column by which partners are grouped ("" = none), the colour "#rrggbb" of each of its values, and, for a
        column of the type table, all values that it has at the version (else ())."""
        result, group = self.first, self.address.group_by
        frames = [self.table(way).frame for way in Direction]
        named = self.release.roles.type_column(result.type_table)
        type_column = type_columns.type_column(result.inputs, named) if result.type_table else None
        column = group if all(group in frame for frame in frames) else type_column
        if not column:
            return "", {}, ()
        if result.type_table and column in result.inputs and not result.typed_synapses:
            values = plot_frames.universe(self.release, result.type_table, column)
            return column, dict(partner_groups.of_partners(self.release.cave, result, column).colours), values
        texts = pd.concat([frame[column] for frame in frames]).dropna().astype(str)
        return column, colours.assign(texts, self.release.profile.palette), ()

    @property
    def _types(self) -> str | None:
        """The type table of the address; None for NO_TYPES."""
        return None if self.address.type_table == NO_TYPES else self.address.type_table

    @cached_property
    def _synapse_line(self) -> tuple[str, tuple[str, ...]]:
        """The synapse filter of the address, or ALL and a sentence that says why where it cannot be applied."""
        release, line = self.release, self.address.synapses
        if not self.lenient:
            return line, ()
        try:
            synapse_filter.parse(release, synapse_filter.chosen(release, line))
        except (BadInput, NotFound) as error:
            return synapse_filter.ALL, (f"{error} Until then all synapses are counted.",)
        return line, ()


def groupings(parts: Sequence[PartnerTable]) -> list[str]:
    """The columns by which partners can be grouped: those of text or booleans that all of some tables have."""
    names = [[column.name for column in part.columns if column.kind in ("text", "boolean")] for part in parts]
    return [name for name in names[0] if all(name in other for other in names[1:])]
