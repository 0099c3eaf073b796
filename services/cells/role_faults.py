"""What the profile names for roles and a version does not have, as every page and answer says it."""

from __future__ import annotations

from collections.abc import Iterator

from services.cave.release import Release
from services.core.roles import Role


def missing(release: Release) -> tuple[str, ...]:
    """Sentences for the tables and columns that the profile names for roles and that the version does not have.

    Costs a request only for a table of which the profile names a column."""
    return tuple(_missing(release))


def _missing(release: Release) -> Iterator[str]:
    for name, named in release.profile.roles.items():
        role: Role = getattr(release.roles, name)
        words = name.replace("_", " ")
        if role.misfit:
            yield f"{role.misfit} For {words}, {role.table or 'no table'} is used instead."
        elif role.table and named.column and named.column not in (there := columns(release, role.table)):
            listed = ", ".join(sorted(there))
            yield f"{role.table}, named for {words}, has no column {named.column}; it has {listed}."


def columns(release: Release, table: str) -> set[str]:
    """The columns of a table or view, positions split."""
    if release.table_info(table).kind == "view":
        return {*release.view_columns().get(table, [])}
    return {*release.sample(table).columns}
