"""What a text means that is typed where anything may be: a table, a cell type, or a cell by id, position or link."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import urlencode

from services.cave.queries import Filters
from services.cave.release import Release
from services.core.type_columns import USUAL_SYSTEM, system_column, type_column, usual_system
from services.filters.values import format_value
from services.tables import tables
from services.views.addresses import CATALOGUE_PAGE, CellAddress, TableAddress

SEEN = 1_000
"""Rows of a table too large to hold that tell of which system some types are."""
MOST_TYPES = 40
"""More types than this are not meant by a part of their names."""


def address_of(release: Release, text: str) -> str:
    """The page of what `text` names, upper and lower case alike, in this order: the table of that name, the cells of
    that type, the cells of the types whose names contain it, the tables that are about these words; what has no letters
    or is a link or a state is a cell.

    Types are those of the datastack's type table, then of the tables that its profile puts first; of a table of several
    systems of annotations those of the usual one, else those of whichever has them.
    """
    typed, place = text.strip(), (release.datastack, str(release.version.label))
    known = {name.casefold(): name for name in release.tables()}
    if name := known.get(typed.casefold()):
        return TableAddress(*place, name).href()
    if any(mark in typed for mark in ("://", "{", "[")) or not any(map(str.isalpha, typed)):
        return CellAddress(*place, typed).href()
    return _of_type(release, typed) or f"{CATALOGUE_PAGE}?{urlencode({'datastack': place[0], 'q': typed})}"


def _of_type(release: Release, typed: str) -> str | None:
    listed = [(table, column, types) for table, column, types in _types(release) if types]
    for fits in (str.__eq__, str.__contains__):
        for table, column, types in listed:
            fitting = [name for name in types if fits(name.casefold(), typed.casefold())]
            if fitting and len(fitting) <= MOST_TYPES:
                boxes = {column: ", ".join(map(format_value, fitting)), **_system(release, table, column, fitting)}
                return TableAddress(release.datastack, str(release.version.label), table, boxes=boxes).href()
    return None


def _system(release: Release, table: str, column: str, matches: Sequence[str]) -> dict[str, str]:
    """The box of the system of annotations that says these types: the usual one if it does, else the only one; none
    where a cell has one row, or where several systems say them."""
    role = release.roles.cell_types
    if release.is_large(table):
        rows = release.query(table, Filters(isin={column: list(matches)}), limit=SEEN)
        by = system_column(rows)
        usual = role.system if role.table == table and role.system else USUAL_SYSTEM
        if by is None or usual not in release.text_values(table).get(by, ()):
            return {}
    else:
        frame = release.table(table)
        system = usual_system(frame, table, role)
        if system is None:
            return {}
        by, usual = system
        rows = frame[frame[column].isin(matches).fillna(False).to_numpy(bool)]
    systems = [*map(str, rows[by].dropna().unique())]
    meant = usual if usual in systems else systems[0] if len(systems) == 1 else ""
    return {by: format_value(meant)} if meant else {}


def _types(release: Release) -> Iterator[tuple[str, str, list[str]]]:
    """Each type table with its column of types and all of them."""
    first = release.roles.cell_types.table
    for name in dict.fromkeys([*([first] if first else []), *release.profile.type_tables]):
        if name not in release.tables():
            continue
        large = release.is_large(name)
        frame = release.sample(name) if large else tables.open_table(release, name).frame
        if column := type_column(frame, release.roles.type_column(name)):
            values = release.text_values(name).get(column, []) if large else frame[column].dropna().unique()
            yield name, column, sorted(map(str, values))
