"""The roles of a datastack's tables: which one holds its synapses, its somata, its cell types, and so on.

Names of tables differ between datastacks, so nothing else in Karst knows any. The word of the profile counts most,
then that of CAVE's info record, then the schema type, then the columns of a view.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

from services.core.records import TableInfo

SYNAPSE_SCHEMAS = (
    "synapse", "fly_nt_synapse", "fly_synapse", "nocenter_synapse", "nocleft_synapse", "plastic_synapse",
)  # fmt: skip
"""Schema types whose rows are synapses, each with a presynaptic and a postsynaptic point."""
CONTACT_SCHEMAS = ("contact", "glia_contact")
"""Those whose rows are contacts of two cells, without direction: synapses only where a profile or CAVE says so."""
PROOFREADING_SCHEMAS = (
    "compartment_proofread_status_strategy", "compartment_proofread_status",
    "proofreading_boolstatus_user", "proofread_status",
)  # fmt: skip
"""Those that say which cells are proofread, the most telling first."""

TUNING_SCHEMAS = ("digital_twin_properties", "func_properties")
"""What schema types of functional properties begin with: those in degrees, and those in radians."""

ViewColumns = Callable[[], Mapping[str, Sequence[str]]]


@dataclass(frozen=True)
class StatedRole:
    """What a profile says of a role: its `table` ("" = the datastack has none), the `column` that holds the value, the
    `system` of a table with several rows for each cell, and the line `where` that its rows have passed ("" = none;
    None = what is known of tables of that name)."""

    table: str
    column: str = ""
    system: str = ""
    where: str | None = None


@dataclass(frozen=True)
class Role:
    """A role at one version: its `table` (None = there is none), with what :class:`StatedRole` has, and in words `why`.

    `misfit` is a sentence where the profile or the info record names a table that the version does not have; `others`
    are tables that would have fitted as well.
    """

    table: str | None
    why: str
    column: str = ""
    system: str = ""
    where: str = ""
    misfit: str = ""
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class Roles:
    """Every role of a datastack at one version.

    `edges` is a view with a row for each pair of connected cells, `degrees` one with the inputs and outputs of each
    cell, `compartments` a table of where on the cell each synapse sits, `neuropils` one of the neuropil of each,
    `areas` one of the area that each soma is in and of how far the border of that is.
    """

    synapses: Role
    somata: Role
    cell_types: Role
    proofreading: Role
    representative_points: Role
    coregistration: Role
    compartments: Role
    degrees: Role
    edges: Role
    neuropils: Role
    neurotransmitters: Role
    areas: Role

    @property
    def of_cells(self) -> tuple[str | None, ...]:
        """The tables that a cell and its partners are read from, whatever else is asked."""
        return (self.synapses.table, self.somata.table, self.proofreading.table)

    def type_column(self, table: str | None) -> str:
        """The column that holds the types in the table of cell types, where the profile names it; else ""."""
        return self.cell_types.column if table and self.cell_types.table == table else ""

    def __iter__(self) -> Iterator[tuple[str, Role]]:
        return ((field.name, getattr(self, field.name)) for field in fields(self))


@dataclass(frozen=True)
class _Rule:
    """How a role is guessed: the key of the info record, schema types (the better ones first) or a pattern of names
    in which {synapses} is the table of synapses, and for views the columns that they need. Tables of these schema types
    have to have a name that `called` matches. Tables `of` "synapses" have to be that of the synapses, or refer to it;
    those of "cells" have to refer to none. `column` is what holds the value, `where` the filter that its rows are known
    to have passed."""

    info_key: str = ""
    schemas: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    columns: frozenset[str] = frozenset()
    called: str = ""
    of: Literal["cells", "synapses", ""] = ""
    column: str = ""
    where: str = ""


RULES: Mapping[str, _Rule] = {
    "synapses": _Rule(info_key="synapse_table", schemas=SYNAPSE_SCHEMAS),
    "somata": _Rule(info_key="soma_table", schemas=("nucleus_detection",)),
    "cell_types": _Rule(
        schemas=("cell_type_reference", "cell_type_reference_user", "cell_type_local", "fly_cell_type_ext",
                 "fly_cell_type", "extended_classical_cell_type"),
        of="cells",
    ),
    "proofreading": _Rule(info_key="proofreading_status_table", schemas=PROOFREADING_SCHEMAS, of="cells"),
    "representative_points": _Rule(
        info_key="cell_identification_table",
        schemas=("representative_point",),
        names=(r".*representative_point.*",),
        of="cells",
    ),
    "coregistration": _Rule(
        schemas=("microns_func_unit_coreg", "microns_func_coreg", "v1dd_func_unit_coreg", "func_unit_ext_coreg"),
        of="cells",
    ),
    "compartments": _Rule(
        schemas=("reference_tag",), called=r"synapse_target_predictions.*", of="synapses", column="tag"
    ),
    "degrees": _Rule(
        names=(r"{synapses}_in_out_degree_fixed", r"{synapses}_in_out_degree"),
        columns=frozenset({"root_id", "n_input", "n_output"}),
    ),
    "edges": _Rule(names=(r"valid_connection(_v\d+)?",), where="cleft_score >= 50"),
    "neuropils": _Rule(schemas=("fly_neuropil",), of="synapses", column="neuropil"),
    "neurotransmitters": _Rule(
        schemas=("fly_nt_synapse",), names=(r".*transmitter.*", r"{synapses}_nt(_.*)?"), of="synapses"
    ),
    "areas": _Rule(
        schemas=("reference_tag_float",),
        called=r".*(brain|cortical|functional|visual)_areas?(_.*)?",
        of="cells",
        column="tag",
    ),
}  # fmt: skip
"""How each role is guessed. Views of pairs of cells are known by name alone: one with the same columns may count only
some cells, and would then be silently wrong. FlyWire's has synapses with a cleft score of 50 or more, as its
releases do (Dorkenwald et al. 2024, https://doi.org/10.1038/s41586-024-07558-y)."""
N_INPUT, N_OUTPUT = "n_input", "n_output"
"""The columns of a view of degrees."""
PAIR_ENDS = (("pre_pt_root_id", "post_pt_root_id"), ("pre_root_id", "post_root_id"))
PAIR_COUNTS = ("n_syn", "num_syn", "syn_count", "weight")
PAIR_SIZE = "sum_size"
"""What views call the two cells of a pair, the number of its synapses, and their summed size."""
UNITS = {"nuc_volume": "um³", PAIR_SIZE: "vx"}
"""The units of columns of views, which no schema type tells."""
PAIRS = r"connections_.*"
"""Names of views that have a row for each pair of cells, all of them or some."""


def is_of_pairs(name: str) -> bool:
    """Whether a view has a row for each pair of cells, so that no cell has one row there."""
    return bool(re.fullmatch(PAIRS, name) or any(re.fullmatch(pattern, name) for pattern in RULES["edges"].names))


def resolve(
    stated: Mapping[str, StatedRole],
    info: Mapping[str, Any],
    tables: Mapping[str, TableInfo],
    view_columns: ViewColumns = dict,
    types_first: Sequence[str] = (),
) -> Roles:
    """The roles of a version. `stated` is of the profile, `info` the record of CAVE's info service, `tables` are all
    tables and views; `view_columns` tells the columns of each view and is asked only where no name tells enough.
    `types_first` are the type tables that the profile lists, which go before any other."""
    at = _Version(info, tables, view_columns)
    roles: dict[str, Role] = {}
    for name, rule in RULES.items():
        roles[name] = _resolve(rule, stated.get(name), at, roles["synapses"].table if roles else None)
    listed = next((name for name in types_first if name in tables), None)
    if listed and "cell_types" not in stated:
        roles["cell_types"] = Role(listed, "the first of the profile's type tables")
    return Roles(**roles)


@dataclass(frozen=True)
class _Version:
    info: Mapping[str, Any]
    tables: Mapping[str, TableInfo]
    view_columns: ViewColumns


def _resolve(rule: _Rule, stated: StatedRole | None, at: _Version, synapses: str | None) -> Role:
    misfit = ""
    if stated is not None:
        if not stated.table:
            return Role(None, "the profile says that there is none")
        if stated.table in at.tables:
            passed = rule.where if any(re.fullmatch(name, stated.table) for name in rule.names) else ""
            column, where = stated.column or rule.column, passed if stated.where is None else stated.where
            return Role(stated.table, "named by the profile", column, stated.system, where)
        misfit = f"The profile names {stated.table}, which this version does not have."
    if named := at.info.get(rule.info_key) if rule.info_key else None:
        if named in at.tables:
            why = " ".join(filter(None, [misfit, f"named by CAVE's info record ({rule.info_key})"]))
            return Role(named, why, rule.column, misfit=misfit)
        record = f"CAVE's info record ({rule.info_key}) names {named}, which this version does not have."
        misfit = " ".join(filter(None, [misfit, record]))
    fitting, why = _fitting(rule, at.tables, synapses)
    if not fitting and rule.columns and any(table.kind == "view" for table in at.tables.values()):
        fitting = [view for view, columns in at.view_columns().items() if rule.columns <= {*columns}]
        why = "a view with the columns " + ", ".join(sorted(rule.columns))
    if not fitting:
        return Role(None, misfit or "no table fits", misfit=misfit)
    why = " ".join(filter(None, [misfit, why]))
    return Role(fitting[0], why, rule.column, where=rule.where, misfit=misfit, others=(*fitting[1:],))


def _fitting(rule: _Rule, tables: Mapping[str, TableInfo], synapses: str | None) -> tuple[list[str], str]:
    """The names of the tables that fit a rule, the first choice first, and why that one does."""
    allowed = [table for table in tables.values() if not rule.of or _is_of(rule.of, table, tables, synapses)]
    named = [table for table in allowed if re.fullmatch(rule.called or ".*", table.name)]
    of_schemas = [[table for table in named if table.schema_type == schema] for schema in rule.schemas]
    fitting = [sorted(some, key=lambda table: (table.created, table.name), reverse=True) for some in of_schemas if some]
    if fitting:
        number, schema = len(fitting[0]), fitting[0][0].schema_type
        why = f"the newest of {number} tables" if number > 1 else "the only table"
        return [table.name for some in fitting for table in some], f"{why} of schema type {schema}"
    for pattern in rule.names:
        full_pattern = (
            pattern.replace("{synapses}", re.escape(synapses or "")) if synapses or "{" not in pattern else "(?!)"
        )
        called = sorted((table.name for table in allowed if re.fullmatch(full_pattern, table.name)), reverse=True)
        if called:
            return called, "known by its name" + (", the last of several" if len(called) > 1 else "")
    return [], ""


def _is_of(kind: str, table: TableInfo, tables: Mapping[str, TableInfo], synapses: str | None) -> bool:
    """Whether a table is of the "synapses" themselves, or of "cells": then what it refers to is no table of any."""
    if kind == "synapses":
        return synapses is not None and synapses in (table.name, table.reference_table)
    target = tables.get(table.reference_table or "")
    return target is None or (
        target.name != synapses and target.schema_type not in (*SYNAPSE_SCHEMAS, *CONTACT_SCHEMAS)
    )
