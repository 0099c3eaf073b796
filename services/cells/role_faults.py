"""Sentences about tables and columns that the profile names for a role but that do not fit it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from services.cave.release import Release
from services.cells import cells, edge_view, proofreading, role_tables, synapse_filter, synapse_values
from services.cells.role_tables import columns
from services.core.roles import RULES, Role

UNITS = {"unit_id", "scan_idx"}
"""Columns by which a table of coregistered functional units is recognised."""
OWN_CHECKS = {"proofreading": proofreading.fault, "neurotransmitters": synapse_values.fault}
"""Roles whose own module checks the table."""


def missing(release: Release) -> tuple[str, ...]:
    """A sentence for each table or column that the profile names for a role and that the version does not have, or that
    is of another kind.

    One request for each table of which the profile names a column, or whose schema type does not show its kind."""
    return (*_missing(release), *filter(None, [edge_view.fault(release), synapse_filter.fault(release)]))


def _missing(release: Release) -> Iterator[str]:
    for name, named in release.profile.roles.items():
        role: Role = getattr(release.roles, name)
        words = name.replace("_", " ")
        if role.misfit:
            used = role_tables.table_of(release, name) if name in role_tables.NEEDED else role.table
            yield f"{role.misfit} For {words}, {used or 'no table'} is used instead."
        elif role.table and named.column and named.column not in (columns_there := columns(release, role.table)):
            listed = ", ".join(sorted(columns_there))
            yield f"{role.table}, named for {words}, has no column {named.column}; it has {listed}."
        elif role.table and (message := _of_another_kind(release, name, role.table)):
            yield message


def _of_another_kind(release: Release, name: str, table: str) -> str:
    """A sentence where a table does not fit the role `name`, because it is about something else; "" where it may
    fit."""
    if name in OWN_CHECKS:
        return OWN_CHECKS[name](release)
    if name in role_tables.NEEDED:
        return role_tables.fault(release, name)
    if message := cells.lacking(release, table) if name == "somata" else role_tables.nameless(release, name):
        return message
    info = release.table_info(table)
    schema, words = info.schema_type, name.replace("_", " ")
    if name not in ("somata", "cell_types", "coregistration") or schema in RULES[name].schemas:
        return ""
    if name == "somata" and info.reference_table:
        return f"{table}, named for somata, refers to {info.reference_table}, so its ids are not nucleus ids."
    foreign = any(schema in rule.schemas for role, rule in RULES.items() if role != name)
    if name == "somata":
        fits = not (foreign or "tag" in schema) or bool(re.search("soma|nucle", table.casefold()))
    elif name == "cell_types":
        fits = not foreign and len(release.sample(table).select_dtypes("string").columns) > 0
    else:
        fits = "coreg" in schema or "coreg" in table.casefold() or bool(columns(release, table) & UNITS)
    kind = f"of schema type {schema}" if schema else "a view"
    return "" if fits else f"{table}, named for {words}, is {kind}, which says nothing about {words}."
