"""The tables of the roles that a version may do without, where they have what their role needs."""

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
"""Such roles, with the columns that their tables need beside the one that the role itself names."""
OF_SYNAPSES = ("compartments", "neuropils")
"""Those whose tables say something of each synapse."""
NAMING = ("cell_types", "compartments", "neuropils", "areas")
"""The roles whose column holds names."""


def table_of(release: Release, name: str) -> str | None:
    """The table with one of these roles; None where there is none, and where it has a :func:`fault`."""
    role: Role = getattr(release.roles, name)
    return None if fault(release, name) else role.table


def fault(release: Release, name: str) -> str:
    """A sentence where the table with one of these roles lacks what it needs, so that nothing is read of it; "" where
    it does not, and where there is none. One request for a table that was not looked at yet, none for one that is
    guessed by its schema type, which tells the columns."""
    role: Role = getattr(release.roles, name)
    if role.table is None:
        return ""
    named = name in release.profile.roles and not role.misfit
    if not named and release.table_info(role.table).schema_type in RULES[name].schemas:
        return ""
    words = f"{'named' if named else 'taken'} for {name.replace('_', ' ')}"
    if name in OF_SYNAPSES and release.table_info(role.table).reference_table != release.roles.synapses.table:
        return f"{role.table}, {words}, does not refer to the synapses."
    there = columns(release, role.table)
    lacking = [one for one in (*NEEDED[name], role.column) if one and there and one not in there]
    if lacking:
        return f"{role.table}, {words}, has no column {' and no '.join(lacking)}."
    counts = NEEDED[name][1:] if name == "degrees" and named else ()
    if others := [one for one in counts if not is_of_kind(release, role.table, one, "number")]:
        return f"{role.table}, {words}, has no numbers in {' and '.join(others)}."
    return nameless(release, name)


def nameless(release: Release, name: str) -> str:
    """A sentence where the column that the profile names for one of the roles of NAMING holds no names; "" where it
    does, or nobody names one that is there."""
    role: Role = getattr(release.roles, name)
    column = release.profile.roles[name].column if name in NAMING and name in release.profile.roles else ""
    if not column or role.table is None or role.misfit or column not in columns(release, role.table):
        return ""
    fits = is_of_kind(release, role.table, column, "text")
    return "" if fits else f"{role.table}, named for {name.replace('_', ' ')}, has no names in {column}."


def is_of_kind(release: Release, table: str, column: str, kind: str) -> bool:
    """Whether the values of a column are of a kind, as far as the first row tells."""
    values = release.sample(table)[column]
    return bool(values.isna().all()) or kind_of(column, values) == kind


def columns(release: Release, table: str) -> set[str]:
    """The columns of a table or view, positions split."""
    if release.table_info(table).kind == "view":
        return {*release.view_columns().get(table, [])}
    return {*release.sample(table).columns}
