"""What a type table says of each cell, or of each synapse: one value where its rows agree, all where they differ."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from services.cache.derived import ready
from services.cave.client import Cave
from services.cave.queries import Filters
from services.cave.release import Release
from services.core import type_columns
from services.core.columns import kind_of
from services.core.directions import Direction
from services.core.errors import BadInput, KarstError
from services.core.type_columns import EACH, MOST_SYSTEMS, USUAL_SYSTEM, system_column
from services.tables.rows_of_ids import rows_of_ids

NEWEST, ORDER, ALL = "newest", "order", "all"
"""Rules by which several rows of a cell are read: the newest, the first in the order of the profile, and all; EACH is
each system of annotations in a column of its own, and any other `column=value`."""
MOST_VALUES = 30
"""Values of a column that are offered to choose rows by."""
_NO_TYPE = frozenset({"id", "target_id", "valid", "created", "superceded_id"})
"""The columns of the cell itself and of its partner."""


class TypeRows(NamedTuple):
    """What a table says of each of some ids: `frame`, indexed by id, and the ids whose rows differ (`ambiguous`).
    Of these, texts that differ are all named (see :mod:`type_columns`), other values are blank, of which `blank` has
    the ids by column. `by` is the rule by which rows were chosen.

    The ids are not in the frame's attrs, for pandas copies these with every operation."""

    frame: pd.DataFrame
    ambiguous: npt.NDArray[np.int64]
    by: str = ""
    blank: Mapping[str, npt.NDArray[np.int64]] = MappingProxyType({})

    def of_ids(self, ids: npt.NDArray[np.int64]) -> TypeRows:
        """What the table says of some `ids`, which must be distinct; a copy, so that the rest of the table need not
        stay in memory."""
        places = self.frame.index.get_indexer(pd.Index(ids))
        blank = {name: np.intersect1d(these, ids) for name, these in self.blank.items()}
        return TypeRows(self.frame.iloc[places[places >= 0]], np.intersect1d(self.ambiguous, ids), self.by, blank)


def type_rows(release: Release, table: str, by: str = "", *, roots: Collection[int] | None = None) -> TypeRows:
    """What a type table says of each root id: its own text, number and boolean columns, indexed by `root_id`.

    `by` chooses among several rows of a root id: NEWEST, the last one created (where CAVE does not send
    dates, that of the highest id, which CAVE counts up); ORDER, those whose value comes first in
    the order of the datastack's profile; `column=value`, those with this value; EACH, all, each system in a column of
    its own; ALL, all of them. "" is the system that the profile names, or one called like USUAL_SYSTEM, else ALL.

    Of a table with more rows than are held, only those of `roots` are asked for. Raises TooLarge for one without
    `roots`, BadInput when the table has no root ids and for a rule that does not fit it.
    """
    if roots is not None and release.is_large(table):
        return _read(release, table, by, roots=sorted({int(root) for root in roots} - {0}))
    return release.derived.of("type rows", table, by).get(lambda: _read(release, table, by))


def of_roots(release: Release, table: str, by: str, roots: Sequence[int]) -> list[str | None]:
    """The type that a table gives each root id; None where it gives none. Raises as :func:`type_rows`."""
    types = type_rows(release, table, by, roots=roots).frame
    column = type_columns.type_column(types, release.roles.type_column(table))
    values = types[column].reindex(list(roots)) if column else [None] * len(roots)
    return [None if pd.isna(value) else str(value) for value in values]


def rows_of_cells(release: Release, table: str, roots: Collection[int], **equal: str) -> pd.DataFrame:
    """The rows of a table that are of some root ids, of a large one only those `equal` to the values of columns; see
    :func:`rows_of_ids`."""
    return rows_of_ids(release, table, "pt_root_id", roots, equal)


def is_of_synapses(release: Release, table: str) -> bool:
    """Whether a table refers to synapses. Raises NotFound when the version does not have it."""
    target = release.table_info(table).reference_table
    return bool(target) and target == release.roles.synapses.table


def check_value(release: Release, table: str, rule: str) -> None:
    """Raises BadInput for a rule by a text that no row of a table has. CAVE lists the texts of today; what it does not
    list, and an older version, is asked for one such row."""
    column, equals, value = rule.partition("=")
    if not equals or not _is_text(release, table, column):
        return
    listed = _listed(release, table).get(column)
    newest = release.number == release.newest.number
    if listed is not None and (newest or not release.version.materialized):
        has_value = value in listed
    else:
        has_value = len(release.query(table, Filters(equal={column: value}), limit=1)) > 0
    if not has_value:
        raise BadInput(f"{table} has no row with {rule[:80]!r}.", "Choose another value.")


def _listed(release: Release, table: str) -> Mapping[str, Sequence[str]]:
    """The texts of each column of a table, as far as CAVE tells them."""
    try:
        return release.text_values(table)
    except KarstError:
        return {}


def _is_text(release: Release, table: str, column: str) -> bool:
    first = release.sample(table)
    return column in first and isinstance(first[column].dtype, pd.StringDtype)


def synapse_rows(
    release: Release, table: str, root_id: int, *, direction: Direction, by: str = "", whole: bool
) -> pd.DataFrame:
    """What a table says of the synapses of one direction of a cell, a row for each of its rows.

    Columns: id (of the synapse) and root_id (of the partner), both int64, then the table's own text, number and boolean
    ones. `attrs["truncated"]` tells when CAVE cut them; `whole` asks in as many pieces as it takes. Autapses and
    synapses without a partner are among them. `by` is as in :func:`type_rows`.
    """
    own, other = direction.own, direction.partner
    filters = Filters(equal={own: int(root_id)})
    if whole:
        rows = pd.concat([*release.query_parts(table, filters)], ignore_index=True)
    else:
        rows = release.query(table, filters)
    target = release.table_info(table).reference_table or ""
    chosen = narrowed(release.cave, release.datastack, table, rows.sort_values("id"), by=by, of="target_id")
    names = own_columns(chosen, release.sample(target).columns)
    ids = {"id": chosen["target_id"], "root_id": chosen[other].fillna(0)}
    named = chosen[names].assign(**{name: values.astype("int64") for name, values in ids.items()})
    named = named[[*ids, *names]].reset_index(drop=True)
    named.attrs = {"truncated": rows.attrs.get("truncated")}
    return named


def together(rows: pd.DataFrame, ids: pd.Series, names: Sequence[str]) -> TypeRows:
    """The `names` columns of rows, in one row for each of their `ids` (null ones left out), by id."""
    valid_ids = ids.dropna().astype("int64")
    every = pd.Index(np.unique(valid_ids.to_numpy(np.int64)), name=ids.name)
    columns: dict[str, pd.Series] = {}
    ambiguous = np.empty(0, dtype=np.int64)
    blank: dict[str, npt.NDArray[np.int64]] = {}
    for name in names:
        columns[name], differing = type_columns.agreed(rows.loc[valid_ids.index, name], valid_ids, every)
        ambiguous = np.union1d(ambiguous, differing)
        if not isinstance(rows[name].dtype, pd.StringDtype):
            blank[name] = differing
    return TypeRows(ready(pd.DataFrame(columns, index=every)), ambiguous, blank=blank)


def of_synapses(parts: Sequence[pd.DataFrame], by: str = "root_id") -> TypeRows:
    """What frames of :func:`synapse_rows` say together of each partner or, by "id", of each synapse."""
    rows = pd.concat(parts, ignore_index=True)
    rows = rows[rows[by] != 0]
    return together(rows, rows[by], [str(name) for name in rows.columns if name not in ("id", "root_id")])


def retyped(partners: pd.DataFrame, parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """A partner frame whose type columns are those that frames of :func:`synapse_rows` give together."""
    if not parts:
        return partners
    types = of_synapses(parts).frame.reindex(partners["root_id"])
    return partners.assign(**{name: types[name].array for name in types.columns if name in partners})


def narrowed(cave: Cave, datastack: str, table: str, rows: pd.DataFrame, *, by: str, of: str) -> pd.DataFrame:
    """Those rows of a table that a rule chooses among those of one `of` (a column of ids). Raises BadInput."""
    if by in ("", ALL):
        return rows
    if by == EACH:
        return _each_system(rows, table)
    if by == NEWEST:
        by_age = _age(rows)
        if not by_age:
            raise BadInput(f"{table} does not say when its rows were made.", "Choose by a column.")
        return rows.sort_values(by_age).drop_duplicates(of, keep="last").sort_index()
    if by == ORDER:
        column, values = _order(cave, datastack, table, rows)
        rank = rows[column].astype("string").map({value: at for at, value in enumerate(values)}).fillna(len(values))
        return rows[(rank == rank.groupby(rows[of]).transform("min")).to_numpy(bool)]
    column, equals, value = by.partition("=")
    if not equals or column not in rows:
        raise BadInput(
            f"Rows of {table} cannot be chosen by {by[:80]!r}.",
            f"Choose by {NEWEST}, by {ORDER}, or by one of its columns, as in classification_system=cell_type.",
        )
    return rows[(rows[column].astype("string") == value).fillna(False).to_numpy(bool)]


def offered(release: Release, table: str) -> dict[str, str]:
    """The rules by which rows of a type table can be chosen, with words for each; none where no cell has several. Of a
    table too large to hold, by what CAVE says of its texts; none where CAVE does not."""
    if not table:
        return {}
    try:
        return release.derived.of("type rules", table).get(lambda: _rules(release, table))
    except KarstError:
        return {}


def several_rows(count: int, table: str, blank: Mapping[str, int], noun: str = "partner") -> tuple[str, ...]:
    """A sentence for `count` partners, or `noun`, each of which has several rows in a table that differ; none if
    `count` is 0. `blank` says for how many of them each column is left blank because of that."""
    who = f"1 {noun} has" if count == 1 else f"{count:,} {noun}s have"
    words = "texts are all named and count as “several”, other values are left blank"
    words += type_columns.blank_words(blank)
    return (f"{who} several rows in {table} that differ: {words}.",) if count else ()


def differing(
    parts: Sequence[TypeRows], ids: npt.NDArray[np.int64], table: str, noun: str = "partner"
) -> tuple[str, ...]:
    """:func:`several_rows` for those of some `ids`, of partners or of `noun`, whose rows differ in any of the parts
    that a table was read in."""
    distinct = np.unique(ids)
    which = [np.intersect1d(rows.ambiguous, distinct) for rows in parts]
    blank: dict[str, set[int]] = {}
    for name, these in (each for rows in parts for each in rows.blank.items()):
        blank.setdefault(name, set()).update(np.intersect1d(these, distinct).tolist())
    count = len(np.unique(np.concatenate(which))) if which else 0
    return several_rows(count, table, {name: len(these) for name, these in blank.items()}, noun)


def own_columns(rows: pd.DataFrame, of_target: Collection[str] = ()) -> list[str]:
    """The columns of a type table that say something: text, numbers and booleans that are not of its target."""
    return [str(name) for name in rows.columns if _is_informative(str(name), rows[name], of_target)]


def _is_informative(name: str, values: pd.Series, of_target: Collection[str]) -> bool:
    if name in _NO_TYPE or name in of_target or name.endswith("_ref"):
        return False
    return kind_of(name, values) in ("text", "number", "boolean")


def _each_system(rows: pd.DataFrame, table: str) -> pd.DataFrame:
    """The rows with a column for each system, blank in the rows of others, in place of those of system and value."""
    system, value = system_and_value(rows, table)
    return type_columns.each_system(rows, system, value)


def system_and_value(rows: pd.DataFrame, table: str) -> tuple[str, str]:
    """The columns of a table of annotations that say of which system each is, and what it says. Raises BadInput."""
    system = system_column(rows)
    texts = [name for name in own_columns(rows) if isinstance(rows[name].dtype, pd.StringDtype) and name != system]
    value = type_columns.type_column(rows[texts])
    if system is None or value is None:
        raise BadInput(f"{table} has no systems of annotations to put into columns.", "Choose by a column.")
    return system, value


def _usual(release: Release, table: str, rows: pd.DataFrame) -> str:
    """The rule by which several rows of a cell are read where none is asked for."""
    return "=".join(type_columns.usual_system(rows, table, release.roles.cell_types) or ())


def _rooted_rows(release: Release, table: str, *, roots: Collection[int] | None = None, by: str = "") -> pd.DataFrame:
    """The rows of a table that are of a root id, or, of one that is not held, of some."""
    if is_of_synapses(release, table):
        raise BadInput(f"{table} is about synapses, not cells.", "Choose it as the table of types.")
    if roots is None:
        rows = release.table(table)
    else:
        column, equals, value = by.partition("=")
        equal = {column: value} if equals and _is_text(release, table, column) else {}
        rows = rows_of_cells(release, table, roots, **equal)
    if "pt_root_id" not in rows.columns:
        raise BadInput(f"{table} has no root ids, so it cannot tell the types of partners.", "Choose another table.")
    return rows[(rows["pt_root_id"].fillna(0) != 0).to_numpy(bool)]


def _read(release: Release, table: str, by: str, *, roots: Collection[int] | None = None) -> TypeRows:
    rows = _rooted_rows(release, table, roots=roots, by=by)
    rule = by or _usual(release, table, rows)
    chosen = narrowed(release.cave, release.datastack, table, rows, by=rule, of="pt_root_id")
    if chosen.empty and roots is not None:
        check_value(release, table, rule)
    elif chosen.empty and len(rows):
        raise BadInput(f"{table} has no row with {rule[:80]!r}.", "Choose another value.")
    names = own_columns(chosen, _of_target(release, table))
    return together(chosen, chosen["pt_root_id"].rename("root_id"), names)._replace(by=rule)


def _of_target(release: Release, table: str) -> set[str]:
    target = release.table_info(table).reference_table
    if not target:
        return set()
    read = release.sample if release.is_large(target) else release.table
    return set(read(target).columns)


def _age(rows: pd.DataFrame) -> list[str]:
    """The columns by which rows are sorted from the oldest to the newest; none where they do not tell."""
    return [name for name in ("created", "id") if name in rows]


def _order(cave: Cave, datastack: str, table: str, rows: pd.DataFrame) -> tuple[str, tuple[str, ...]]:
    column, values = cave.profile(datastack).type_order.get(table, ("", ()))
    if column not in rows:
        raise BadInput(f"The profile of {datastack} gives no order for the rows of {table}.", "Choose by a column.")
    return column, values


def _rules(release: Release, table: str) -> dict[str, str]:
    ordered = {ORDER: "the order of this datastack"} if table in release.profile.type_order else {}
    if is_of_synapses(release, table):
        return {NEWEST: "the newest", **ordered}
    large = release.is_large(table)
    rows = release.sample(table) if large else _rooted_rows(release, table)
    if not large and not rows["pt_root_id"].duplicated().any():
        return {}
    names = own_columns(rows, _of_target(release, table))
    texts = [name for name in names if isinstance(rows[name].dtype, pd.StringDtype)]
    values = release.text_values(table) if large else {name: sorted(rows[name].dropna().unique()) for name in texts}
    kind, system = type_columns.type_column(rows[texts]), system_column(rows)
    systems = values.get(system or "", [])
    usual = _usual(release, table, rows) or (large and USUAL_SYSTEM in systems)
    result = {ALL: "all rows"} if usual else {}
    result |= {NEWEST: "the newest"} if _age(rows) else {}
    for name in texts:
        several, most = values.get(name, []), MOST_SYSTEMS if name == system else MOST_VALUES
        if name != kind and 1 < len(several) <= most:
            result |= {f"{name}={value}": f"{name.replace('_', ' ')}: {value}" for value in several}
    wide = 1 < len(systems) <= MOST_SYSTEMS
    return result | ordered | ({EACH: f"each {system} in a column".replace("_", " ")} if wide else {})
