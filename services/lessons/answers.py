"""Answers to lessons, found in the data at hand: no lesson holds one.

A `check` names a `table`, with a `filter` (a line of the filter language) if not all rows count, or a `cell` with a
`direction` ("in" or "out") and a table of `types`. `of` says what is asked:

- of rows: "rows", how many; "commonest", the commonest value of `column`; "distinct", how many values it has
- of partners: "partners" and "synapses", how many; "strongest", the root id of the one with most synapses; "commonest",
  the cell type of most partners
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation

import pandas as pd

from services.cave.client import Cave
from services.cave.release import Release
from services.cave.versions import resolve
from services.cells import connectivity
from services.cells.pasted import one_id
from services.core.addresses import bare
from services.core.directions import Direction
from services.core.errors import BadInput, NotFound, TooLarge
from services.lessons.files import CELL, DATASTACK, SERVER, Lesson
from services.tables import examples, large_tables, narrowed_tables, tables
from services.tables.large_tables import LargeTable
from services.tables.tables import TableQuery

LATEST = "latest"
Answers = frozenset[str]
"""Several are right where values are equally common, or partners equally strong."""
ROWS: Mapping[str, Callable[[pd.DataFrame, str], Answers]] = {
    "rows": lambda rows, _: frozenset({str(len(rows))}),
    "commonest": lambda rows, column: _largest(rows[column].value_counts()),
    "distinct": lambda rows, column: frozenset({str(rows[column].nunique())}),
}
PARTNERS: Mapping[str, Callable[[pd.DataFrame], Answers]] = {
    "partners": lambda partners: frozenset({str(len(partners))}),
    "synapses": lambda partners: frozenset({str(partners["num_syn"].sum())}),
    "strongest": lambda partners: _largest(partners.set_index("root_id")["num_syn"]),
    "commonest": lambda partners: _largest(partners["cell_type"].value_counts()),
}


def example_cell(cave: Cave, datastack: str) -> int:
    """The cell that lessons are about. Raises NotFound where the datastack has no example."""
    result = examples.cells(_newest(cave, datastack), 1)
    if not result:
        raise NotFound(f"{datastack} has no proofread cell that a lesson could be about.")
    return result[0][0]


def of_datastack(cave: Cave, datastack: str, lesson: Lesson, server: str) -> Lesson:
    """A lesson about a datastack, whose CAVE whoever reads it reaches at the address `server`. Raises NotFound where it
    is about a cell and the datastack has no example."""
    values = {DATASTACK: bare(datastack), SERVER: server}
    return lesson.filled(values | ({CELL: str(example_cell(cave, datastack))} if lesson.is_of_cell else {}))


def is_right(cave: Cave, datastack: str, lesson: Lesson, answer: str) -> bool:
    """Whether an answer is right. Thousands may have commas; case does not count. Raises BadInput for no answer, and
    what reading the data raises."""
    if not answer.strip():
        raise BadInput("There is no answer yet.", "Type one into the box.")
    return _plain(answer) in {_plain(right) for right in answers(cave, datastack, lesson)}


def answers(cave: Cave, datastack: str, lesson: Lesson) -> Answers:
    """The right answers at the newest version."""
    check, release = lesson.check, _newest(cave, datastack)
    try:
        right = _of_rows(release, check) if "table" in check else _of_partners(release, check)
    except (BadInput, TooLarge) as error:
        raise _wrong(lesson, error.message) from error
    if not right:
        raise _wrong(lesson, "Nothing in the data answers it.")
    return right


def _of_rows(release: Release, check: Mapping[str, str]) -> Answers:
    table, query, column = check["table"], TableQuery(check.get("filter", "")), check.get("column", "")
    opened = narrowed_tables.open_narrowed(release, table, query=query)
    if isinstance(opened, LargeTable):
        if check["of"] != "rows":
            raise large_tables.too_many(release.cave, opened)
        total = large_tables.read_page(release.cave, opened, query, limit=1).total
        if total is None:
            raise BadInput(f"CAVE does not count these rows of {table}.")
        return frozenset({str(total)})
    if column and column not in opened.frame:
        raise BadInput(f"{table} has no column {column!r}.")
    return ROWS[check["of"]](tables.select(opened, query), column)


def _of_partners(release: Release, check: Mapping[str, str]) -> Answers:
    connections = connectivity.read(release, one_id(check["cell"]), type_table=check.get("types"))
    return PARTNERS[check["of"]](connections.side(Direction(check["direction"])))


def _wrong(lesson: Lesson, why: str) -> BadInput:
    return BadInput(f"The check of the lesson {lesson.name} cannot be made: {why}", "Correct the header of its file.")


def _newest(cave: Cave, datastack: str) -> Release:
    return Release(cave, datastack, resolve(cave, datastack, LATEST))


def _largest(values: pd.Series) -> Answers:
    return frozenset(str(name) for name in values.index[values == values.max()])


def _plain(text: str) -> str:
    text = re.sub(r"(?<=\d)[,\s](?=\d{3}\b)", "", text.strip()).casefold()
    try:
        return str(Decimal(text).normalize())  # 5.0 is 5; ids stay as they are
    except InvalidOperation:
        return text
