"""Lists of ids too long for an address: kept in CAVE's state service, where a query line names them by number.

CAVE keeps states for good and for all who may read the datastack, so `pt_root_id in saved(5560000000000001)` is the
same filter in every address, file and script, on any Karst over the same CAVE.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace

from services.cave.client import Cave
from services.core.columns import Column, find_column
from services.core.errors import BadInput, KarstError, NotFound
from services.core.sorting import Sort
from services.filters.filters import parse_box, parse_line
from services.filters.nodes import And, InSaved, Node, NoneOf, NotInSaved, OneOf, Or
from services.filters.values import LARGEST_ID
from services.tables.large_tables import LargeTable
from services.tables.tables import TableFrame, TableQuery

KEY = "saved_ids"
"""Under which the state has the ids, as text."""
FEW = 100
"""Ids that an address names one by one."""
MOST = 100_000
LONG = 3_000
"""Characters of a filter that an address holds without trouble: servers refuse one of more than about 8,000."""

_IDS = re.compile(r"[0-9]{1,19}(?:[\s,;]+[0-9]{1,19})*")
_NAMED = re.compile(r"\bsaved\s*\(\s*([0-9]{1,19})\s*\)", re.IGNORECASE)


def query(
    cave: Cave, datastack: str, where: str, boxes: Mapping[str, str] | None = None, sort: Sort = ()
) -> TableQuery:
    """A query with the saved lists that it names. One that CAVE does not have is left out: whoever reads the filter
    says so, and where it stands."""
    texts = (where, *(boxes or {}).values())
    numbers = {int(number) for text in texts for number in _NAMED.findall(text)}
    lists = {number: ids for number in sorted(numbers)[:20] if (ids := read(cave, datastack, number))}
    return TableQuery(where, boxes or {}, sort, lists)


def read(cave: Cave, datastack: str, number: int) -> tuple[int, ...]:
    """The ids saved under a number; none where CAVE has no such state, or one that is not a list of ids."""

    def load() -> tuple[int, ...]:
        listed = cave.state(datastack, number).get(KEY)
        texts = listed if isinstance(listed, list) else []
        ids = [int(text) for text in texts if isinstance(text, str) and re.fullmatch(r"[0-9]{1,19}", text)]
        if not ids or len(ids) < len(texts) or max(ids) > LARGEST_ID:
            raise NotFound(f"CAVE's state {number} is not a list of ids.")
        return tuple(ids)

    try:
        return cave.at(datastack).derived.of("saved ids", datastack, number).get(load)
    except NotFound:
        return ()


def ids_of(cave: Cave, datastack: str, text: str) -> tuple[int, ...]:
    """The ids of the list that a text names, as `saved(5560000000000001)` does; none where the text is another one.
    Raises NotFound for a list that CAVE does not have."""
    named = _NAMED.fullmatch(text.strip())
    ids = read(cave, datastack, int(named[1])) if named else ()
    if named and not ids:
        raise NotFound(f"CAVE has no list of ids under {named[1]}.", "Paste the ids themselves.")
    return ids


def named(cave: Cave, datastack: str, text: str) -> str:
    """A text of ids and nothing else as the name of a list, if it is too long for an address. Any other text, and one
    that cannot be saved, stays as it was typed."""
    listed = text.strip(" ,;\t\n")
    ids = (
        [int(number) for number in re.findall("[0-9]+", listed)] if len(text) > LONG and _IDS.fullmatch(listed) else []
    )
    if ids and max(ids) <= LARGEST_ID:
        with suppress(KarstError):
            return f"saved({save(cave, datastack, ids)})"
    return text


def save(cave: Cave, datastack: str, ids: Iterable[int]) -> int:
    """Keep ids in CAVE; the number to name them by, which is the same for the same ids. Raises BadInput for more than
    100,000, and what `Cave.upload_state` raises."""
    listed = sorted({int(id) for id in ids})
    if len(listed) > MOST:
        raise BadInput(
            f"{len(listed):,} ids are more than the {MOST:,} that are saved at once.", "Save a part of them."
        )
    return cave.upload_state(datastack, {KEY: [str(id) for id in listed]})


def listed(cave: Cave, datastack: str, column: Column, ids: Iterable[int]) -> Node:
    """The filter that keeps some ids of a column: one by one where they are few, else saved. Raises as `save`."""
    values = tuple(sorted({int(id) for id in ids}))
    return _short(cave, datastack, OneOf(column, values))


def shortened(cave: Cave, table: TableFrame | LargeTable, query: TableQuery) -> TableQuery:
    """The same query, its long lists of ids saved if it is too long for an address. What cannot be read or saved
    stays as it was typed."""
    if len(query.where) + sum(map(len, query.boxes.values())) <= LONG:
        return query
    where, boxes = query.where, dict(query.boxes)
    with suppress(KarstError):
        where = _short(cave, table.datastack, parse_line(where, table.columns, query.saved)).text()
    for name, text in query.boxes.items():
        with suppress(KarstError):
            column = find_column(table.columns, name)
            short = _short(cave, table.datastack, parse_box(column, text, query.saved, table.columns))
            boxes[name] = short.box() if isinstance(short, InSaved | NotInSaved) else text
    return replace(query, where=where, boxes=boxes)


def _short(cave: Cave, datastack: str, node: Node) -> Node:
    match node:
        case And() | Or():
            return type(node)(tuple(_short(cave, datastack, part) for part in node.parts))
        case InSaved() | NotInSaved():
            return node
        case OneOf() | NoneOf() if node.column.kind == "id" and len(node.values) > FEW:
            number = save(cave, datastack, node.values)  # type: ignore[arg-type]
            kind = InSaved if isinstance(node, OneOf) else NotInSaved
            return kind(node.column, node.values, number)
    return node
