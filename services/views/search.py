"""The search box for anything: it opens a table, the cells of a type, or a cell by id, position or link."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import urlencode

from services.cave.queries import Filters
from services.cave.release import Release
from services.core.type_columns import USUAL_SYSTEM, system_column, type_column, usual_system
from services.filters.values import format_value
from services.tables import tables
from services.views.addresses import CATALOGUE_PAGE, CellAddress, TableAddress

MOST_ROWS = 1_000
"""Rows that are read of a table too large to hold, to find the annotation systems of some types."""
MOST_TYPES = 40
"""A part of a name that matches more types than this is not read as a cell type."""


def address_of(release: Release, text: str) -> str:
    """The address of the page for a search text, ignoring case.

    It is the first of these that exists: the table of that name; for text without letters, a link or a state, the cell;
    the cells of that type; the cells of all types whose names contain the text; the catalogue searched for it. Types
    are those of the datastack's type table, then of the profile's type tables; in a table with several annotation
    systems, those of the usual system if it has them, else of the only other that does."""
    typed, place = text.strip(), (release.datastack, str(release.version.label))
    table_names = {name.casefold(): name for name in release.tables()}
    if name := table_names.get(typed.casefold()):
        return TableAddress(*place, name).href()
    if any(mark in typed for mark in ("://", "{", "[")) or not any(map(str.isalpha, typed)):
        return CellAddress(*place, typed).href()
    return _of_type(release, typed) or f"{CATALOGUE_PAGE}?{urlencode({'datastack': place[0], 'q': typed})}"


def _of_type(release: Release, typed: str) -> str | None:
    """The address of the cells of the type, or types, that a text names; None where it names none."""
    type_tables = [(table, column, types) for table, column, types in _types(release) if types]
    for fits in (str.__eq__, str.__contains__):
        for table, column, types in type_tables:
            matches = [name for name in types if fits(name.casefold(), typed.casefold())]
            if matches and len(matches) <= MOST_TYPES:
                boxes = {column: ", ".join(map(format_value, matches)), **_system(release, table, column, matches)}
                return TableAddress(release.datastack, str(release.version.label), table, boxes=boxes).href()
    return None


def _system(release: Release, table: str, column: str, matches: Sequence[str]) -> dict[str, str]:
    """The box that keeps the annotation system with some types: the usual system if it has them, else the only one that
    does. {} for a table without systems, and where several other systems have them."""
    role = release.roles.cell_types
    if release.is_large(table):
        rows = release.query(table, Filters(isin={column: list(matches)}), limit=MOST_ROWS)
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
    chosen = usual if usual in systems else systems[0] if len(systems) == 1 else ""
    return {by: format_value(chosen)} if chosen else {}


def _types(release: Release) -> Iterator[tuple[str, str, list[str]]]:
    """Each type table: its name, the column of types, and all types in it, sorted."""
    first = release.roles.cell_types.table
    for name in dict.fromkeys([*([first] if first else []), *release.profile.type_tables]):
        if name not in release.tables():
            continue
        large = release.is_large(name)
        frame = release.sample(name) if large else tables.open_table(release, name).frame
        if column := type_column(frame, release.roles.type_column(name)):
            values = release.text_values(name).get(column, []) if large else frame[column].dropna().unique()
            yield name, column, sorted(map(str, values))
