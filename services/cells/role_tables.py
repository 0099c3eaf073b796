"""The tables with optional roles, such as compartments and neuropils, checked for the columns that the role needs."""

from __future__ import annotations

from collections.abc import Mapping

from services.cave.release import Release
from services.cells.cells import PLACED
from services.core.columns import kind_of
from services.core.roles import N_INPUT, N_OUTPUT, RULES, Role

NEEDED: Mapping[str, tuple[str, ...]] = {
    "representative_points": PLACED,
    "degrees": ("root_id", N_INPUT, N_OUTPUT),
    "compartments": (),
    "neuropils": (),
    "areas": PLACED[:1],
}
"""The optional roles, with the columns that their tables need besides the column that the role itself names."""
OF_SYNAPSES = ("compartments", "neuropils")
"""The optional roles whose tables refer to the synapses."""
NAMING = ("cell_types", "compartments", "neuropils", "areas")
"""The roles whose column holds names."""


def table_of(release: Release, name: str) -> str | None:
    """The table with an optional role; None where there is none, and where it has a :func:`fault`."""
    role: Role = getattr(release.roles, name)
    return None if fault(release, name) else role.table


def fault(release: Release, name: str) -> str:
    """A sentence where the table with an optional role lacks what the role needs, and so is not read; "" where it has
    everything, and where there is no such table. One request for a table that was not sampled yet; none for a table
    chosen by its schema type, which determines its columns."""
    role: Role = getattr(release.roles, name)
    if role.table is None:
        return ""
    named = name in release.profile.roles and not role.misfit
    if not named and release.table_info(role.table).schema_type in RULES[name].schemas:
        return ""
    words = f"{'named' if named else 'taken'} for {name.replace('_', ' ')}"
    if name in OF_SYNAPSES and release.table_info(role.table).reference_table != release.roles.synapses.table:
        return f"{role.table}, {words}, does not refer to the synapses."
    present = columns(release, role.table)
    lacking = [column for column in (*NEEDED[name], role.column) if column and present and column not in present]
    if lacking:
        return f"{role.table}, {words}, has no column {' and no '.join(lacking)}."
    counts = NEEDED[name][1:] if name == "degrees" and named else ()
    if others := [column for column in counts if not is_of_kind(release, role.table, column, "number")]:
        return f"{role.table}, {words}, has no numbers in {' and '.join(others)}."
    return nameless(release, name)


def nameless(release: Release, name: str) -> str:
    """A sentence where the column that the profile names for a role in NAMING does not hold text; "" where it does, and
    where the profile names no column that the table has."""
    role: Role = getattr(release.roles, name)
    column = release.profile.roles[name].column if name in NAMING and name in release.profile.roles else ""
    if not column or role.table is None or role.misfit or column not in columns(release, role.table):
        return ""
    fits = is_of_kind(release, role.table, column, "text")
    return "" if fits else f"{role.table}, named for {name.replace('_', ' ')}, has no names in {column}."


def is_of_kind(release: Release, table: str, column: str, kind: str) -> bool:
    """Whether a column holds values of a `kind` (see :func:`kind_of`), judged by the first rows; True if these are
    null."""
    values = release.sample(table)[column]
    return bool(values.isna().all()) or kind_of(column, values) == kind


def columns(release: Release, table: str) -> set[str]:
    """The names of the columns of a table or view, with positions split into _x, _y and _z."""
    if release.table_info(table).kind == "view":
        return {*release.view_columns().get(table, [])}
    return {*release.sample(table).columns}
