"""What an address of the connectivity viewer means: cells with their partners, and all that is made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, cast

import pandas as pd

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
"""What the partners of a side are called in the script of a figure."""


@dataclass(frozen=True)
class CellView:
    """The cells of an address, made once for a request and handed to all that answers it.

    `address` has datastack, version number and type table filled in. Nothing is read before it is needed. When
    `lenient`, what the address asks for in vain is left out, and said; otherwise it raises BadInput or NotFound.
    """

    release: Release
    address: CellAddress
    lenient: bool = True

    @classmethod
    def of(cls, cave: Cave, address: CellAddress) -> CellView:
        """The view of an address. Raises what :func:`live.resolve` raises."""
        release = release_of(cave, address)
        types = address.type_table or partner_columns.default_types(release) or NO_TYPES
        return cls(
            release, replace(address, datastack=release.datastack, version=str(release.number), type_table=types)
        )

    @property
    def query(self) -> TableQuery:
        """What the address asks of partners."""
        return query_of(self.release.cave, self.address)

    @cached_property
    def question(self) -> Question:
        """What the text of the address asks for."""
        return interpretation.understand(self.release, self.address.cell, self.address.id_type)

    def alone(self) -> CellView:
        """The same. Raises BadInput where several cells are asked for."""
        interpretation.refuse_several(self.question)
        return self

    @cached_property
    def cells(self) -> tuple[Connectivity, ...]:
        """All cells that are asked for, with their partners."""
        release, address = self.release, self.address
        types, whole, only = self._types, address.whole == "on", self._synapse_line[0]
        parts = (address.cell, address.id_type, types or "", address.type_by, whole, only, self.lenient)
        options: Any = {"type_table": types, "type_by": address.type_by, "whole": whole, "only": only}
        derived = release.derived.of("connectivity", *parts)
        return derived.get(lambda: interpretation.answer(release, self.question, lenient=self.lenient, **options))

    @property
    def first(self) -> Connectivity:
        """The cell that is asked for; the first where there are several."""
        return self.cells[0]

    @property
    def root_ids(self) -> str:
        """Those of all cells, with commas."""
        return ",".join(str(one.cell.root_id) for one in self.cells)

    @property
    def somata_um(self) -> list[list[float]]:
        """(x, depth, z) of the cells' own somata, where they are known."""
        somata_nm = [one.cell.soma_position_nm for one in self.cells]
        return [space.nm_to_um(soma, self.release.volume)[0].tolist() for soma in somata_nm if soma]

    @cached_property
    def answerable(self) -> tuple[CellAddress, tuple[str, ...]]:
        """The address without what it asks for in vain, and sentences for that. Of the type table, the warnings of the
        cell tell."""
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
        """What is asked of the partners of one side."""
        address, _ = self.answerable
        least, top = partner_table.threshold(address.at_least), partner_table.percentage(address.top)
        return PartnerOptions(cast("Side", side), least, address.proofread == "on", address.more, top)

    def table(self, side: str) -> PartnerTable:
        """All partners of one side that count; of several cells, those of any of them."""
        if len(self.cells) > 1:
            return several_cells.open_partners(self.release.cave, self.cells, self.partner_options(side))
        return partner_table.open_partners(self.release.cave, self.first, self.partner_options(side))

    def partners(self, side: str) -> tuple[pd.DataFrame, PartnerTable, Node]:
        """The partners of one side that the filters keep, in their order; all that count; and the filter."""
        whole = self.table(side)
        kept, kept_by = partner_table.select(whole, self.query)
        return kept, whole, kept_by

    @property
    def narrowed(self) -> bool:
        """Whether only some partners are asked for."""
        return any((self.address.top, self.address.at_least, self.address.proofread, self.address.where))

    def synapses_of_partners(self, way: Direction, side: str) -> pd.DataFrame:
        """The synapses of one direction; where the view is narrowed, with the partners of a side that it keeps."""
        every = self.synapses(way)
        return (
            partner_synapses.with_partners(every, self.partners(side)[0]).drop(columns="row")
            if self.narrowed
            else every
        )

    def script(self, side: str) -> str:
        """Python that yields the partners of one side that the filters keep."""
        return partner_script.snippet(self.release.cave, self.cells, self.partner_options(side), self.query)

    def reading(self, name: str) -> tuple[str, ...]:
        """Parts of Python that leave what a figure reads in a variable of this name: the "inputs", "outputs" or
        "partners" that the filters keep, or all "in_synapses" or "out_synapses"."""
        if name.endswith("_synapses"):
            way = Direction(name.removesuffix("_synapses"))
            return synapse_script.definition(self.release.cave, self.cells), synapse_script.line(way)
        options = self.partner_options(READINGS[name])
        script = partner_script.snippet(self.release.cave, self.cells, options, self.query, hidden=True)
        return (f"{script}{name} = frame{scripts.WITH_TEXTS}\n",)

    def link(self, side: str, selected: Sequence[int]) -> tuple[Link, int]:
        """A Neuroglancer link to the cells with the selected partners of one side, else with those that the filters
        keep, and how many these are."""
        filtered, whole, _ = self.partners(side)
        roots = list(selected) or filtered["root_id"].tolist()
        only = roots if len(roots) < len(whole.frame) or whole.left_out else None
        group = self.address.group_by if self.address.group_by in whole.frame else None
        options: Any = {"viewer": self.address.viewer.strip() or None, "group_by": group, "more": whole.frame}
        link = links.cell_link(self.release.cave, self.cells, direction=cast("Side", side), partners=only, **options)
        return link, len(roots)

    def synapses(self, way: Direction) -> pd.DataFrame:
        """The synapses of one direction of all cells; see `partner_synapses.of_cell`."""
        every = [partner_synapses.of_cell(self.release.cave, one, way) for one in self.cells]
        return every[0] if len(every) == 1 else pd.concat(every, ignore_index=True)

    def synapses_with_partner(self) -> Mapping[Direction, pd.DataFrame]:
        """Those with the `partner` of the address, in the direction of its tab or, where that has none, both. An
        autapse has both, and is listed once."""
        partner = self.address.partner
        ways = (Direction.OUT,) if partner == "autapses" else tuple(Direction)
        ways = (Direction(self.address.tab),) if self.address.tab in tuple(Direction) else ways
        with suppress(NotFound, BadInput):
            return self.synapses_with(partner, ways)
        return {}

    def synapses_with(self, partner: str, ways: Sequence[Direction]) -> dict[Direction, pd.DataFrame]:
        """The synapses with one partner in some directions. Raises NotFound where there are none, and BadInput."""
        if len(self.cells) > 1:
            return several_cells.with_partner(self.release.cave, self.cells, ways, partner)
        return partner_synapses.of_partner_in(self.release.cave, self.first, ways, partner)

    @property
    def has_somata(self) -> bool:
        """Whether the version has somata to place cells by."""
        return cells.nucleus_table(self.release) is not None

    def own_types(self) -> list[str | None]:
        """The type of each cell in the type table; None where it has none, or says types of synapses."""
        if not self.first.type_table or self.first.typed_synapses:
            return [None] * len(self.cells)
        roots = [one.cell.root_id for one in self.cells]
        return cell_types.of_roots(self.release, self.first.type_table, self.first.type_by, roots)

    def changes(self) -> list[changes.Changes]:
        """What changed between the version and that of `against`, for each direction."""
        against = release_of(self.release.cave, replace(self.address, version=self.address.against))
        options: Any = {
            "type_table": self._types,
            "type_by": self.address.type_by,
            "only": self._synapse_line[0],
        }
        of_cell = changes.of_cell
        releases, cell = (self.release, against), self.first.cell
        return gather(*(lambda way=way: of_cell(releases, cell, way, **options) for way in Direction))

    def fitted(self) -> tuple[CellView, list[str]]:
        """The view without added columns that its version does not have, without boxes, orders and a grouping of
        columns that its table does not have, and sentences for these and for what is :attr:`answerable` only in
        part. A cell with inputs alone has these in front."""
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
        """The column by which partners are grouped ("" = none), the colour of each of its values, and all values that
        it has at the version, where it is of the type table."""
        result, group = self.first, self.address.group_by
        frames = [self.table(way).frame for way in Direction]
        named = self.release.roles.type_column(result.type_table)
        own = type_columns.type_column(result.inputs, named) if result.type_table else None
        column = group if all(group in frame for frame in frames) else own
        if not column:
            return "", {}, ()
        if result.type_table and column in result.inputs and not result.typed_synapses:
            values = plot_frames.universe(self.release, result.type_table, column)
            return column, dict(partner_groups.of_partners(self.release.cave, result, column).colours), values
        texts = pd.concat([frame[column] for frame in frames]).dropna().astype(str)
        return column, colours.assign(texts, self.release.profile.palette), ()

    @property
    def _types(self) -> str | None:
        return None if self.address.type_table == NO_TYPES else self.address.type_table

    @cached_property
    def _synapse_line(self) -> tuple[str, tuple[str, ...]]:
        """The filter of synapses, "all" where it cannot be read, and a sentence for why."""
        release, line = self.release, self.address.synapses
        if not self.lenient:
            return line, ()
        try:
            synapse_filter.parse(release, synapse_filter.chosen(release, line))
        except (BadInput, NotFound) as error:
            return synapse_filter.ALL, (f"{error} Until then all synapses are counted.",)
        return line, ()


def groupings(parts: Sequence[PartnerTable]) -> list[str]:
    """Columns of text that all of some tables have: what partners can be grouped by."""
    names = [[column.name for column in part.columns if column.kind in ("text", "boolean")] for part in parts]
    return [name for name in names[0] if all(name in other for other in names[1:])]
