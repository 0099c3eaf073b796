"""Other tables beside a table: their columns joined on the nucleus or the root id.

A table of annotations in several systems is asked for as `table:system`, or `table:each` for a column of each system.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

from services.cave.client import Cave
from services.cave.release import Release
from services.core.columns import Column, beside
from services.core.errors import BadInput, KarstError, TooLarge, Upstream
from services.core.records import TableInfo
from services.core.roles import SYNAPSE_SCHEMAS
from services.core.type_columns import (
    EACH,
    MOST_SYSTEMS,
    USUAL_SYSTEM,
    agreed,
    blank_words,
    each_system,
    of_system,
    system_column,
    type_column,
    usual_system,
)
from services.tables import large_tables, live, tables
from services.tables.rows_of_ids import rows_of_ids
from services.tables.tables import NOT_KEPT, Joined, TableFrame, id_columns

KEYS = ("nucleus_id", "root_id")
NUM_ROWS = "num_rows"
OF_SYSTEM = ":"
"""Between a table to join and the system of it."""
HIDDEN = "-"
"""In an address before the name of a joined table of which no column is shown."""

_LEFT_OUT = frozenset({"depth_um", "soma_depth_um", "valid", "valid_ref"})
_KINDS = ("text", "number", "boolean", "time")
MOST_ASKED = 200_000
"""Ids that rows of a table too large to hold are asked for by: forty requests."""
MOST_NAMED = 20
"""Systems that are named where another is asked for."""
_DIFFERS = "differs"
_BLANK = "blank"


def joinable(cave: Cave, table: TableFrame) -> list[str]:
    """The tables of its version that :func:`join` can set beside a table, as far as that is known without reading them;
    those that stand there come first, each followed by its other systems."""
    have = {key for key in KEYS if len(id_columns(table).get(key, ())) == 1}
    release = Release(cave, table.datastack, table.version)
    listed = live.catalogue(release) if release.version.materialized else live.not_too_large(release)
    others = [
        info.name
        for info in listed
        if info.name not in (table.info.name, *table.joined_names) and have & _keys_known(cave, table, info)
    ]
    joined = [name for other in table.joined for name in (other.name, other.table, *_systems(release, other))]
    return [*dict.fromkeys(joined), *others]


def _systems(release: Release, joined: Joined) -> list[str]:
    """The ways to ask for the systems of a table that is joined."""
    first = release.sample(joined.table)
    column = system_column(first)
    if column is None:
        return []
    if release.is_large(joined.table):
        systems = release.text_values(joined.table).get(column, [])
    else:
        systems = sorted(release.table(joined.table)[column].dropna().unique())
    names = [*([EACH] if len(systems) <= MOST_SYSTEMS else []), *systems[:MOST_SYSTEMS]]
    return [f"{joined.table}{OF_SYSTEM}{name}" for name in names]


def table_of(other: str) -> str:
    """The name of the table in what is asked for, `table`, `table:system` or `table:each`."""
    return other.partition(OF_SYSTEM)[0]


def _keys_known(cave: Cave, table: TableFrame, other: TableInfo) -> set[str]:
    """Of KEYS those of which another table may well have one column, by what CAVE says of it. Synapses have two root
    ids; a view whose rows have no id cannot be read in parts, and CAVE would have to work out how many they are."""
    if other.kind == "view":
        names = Release(cave, table.datastack, table.version).view_columns().get(other.name, [])
        ends = {key: sum(name.endswith(key) for name in names) for key in KEYS}
        return {key for key, count in ends.items() if count == 1} if "id" in names else set()
    roles = Release(cave, table.datastack, table.version).roles
    of = {other.name, other.reference_table}
    if other.schema_type in SYNAPSE_SCHEMAS or roles.synapses.table in of:
        return set()
    return set(KEYS) if roles.somata.table in of else {"root_id"}


def with_joined(names: Sequence[str], joined: Sequence[str], requests: Sequence[str]) -> tuple[str, ...]:
    """The names of the columns to show where an address asks for `requests` (none = all): these, and all columns of
    each `joined` table that `requests` does not mention, whether by a column or, with HIDDEN before its name, to say
    that none is shown. `names` are those of all columns there are."""
    joined_tables = [*map(table_of, joined)]
    marks = [f"{HIDDEN}{other}" for other in joined_tables]
    whole = [o for o, mark in zip(joined_tables, marks, strict=True) if mark not in requests and not _of(requests, o)]
    more = [name for other in whole for name in _of(names, other)] if requests else []
    return (*(name for name in requests if name not in marks), *more)


def with_marks(joined: Sequence[str], shown: Sequence[str]) -> tuple[str, ...]:
    """The requests from which :func:`with_joined` makes exactly the columns `shown`."""
    return (*shown, *(f"{HIDDEN}{other}" for other in map(table_of, joined) if shown and not _of(shown, other)))


def is_here(name: str, joined: Sequence[str]) -> bool:
    """Whether a name in an address is that of a column of the table itself or of one of the `joined` tables, not of a
    table that was joined before."""
    other, dot, _ = name.partition(".")
    return other in map(table_of, joined) if dot else not name.startswith(HIDDEN)


def _of(names: Sequence[str], other: str) -> list[str]:
    return [name for name in names if name.startswith(f"{other}.")]


@dataclass(frozen=True)
class JoinReport:
    """How a join went. Of the table's rows, `matched` have exactly one row in `other`, `missing` none, and
    `ambiguous` several, of which those of `differing` do not agree; `blank` says of how many each column is blank for
    that."""

    other: str
    on: str
    matched: int
    missing: int
    ambiguous: int
    differing: int
    blank: Mapping[str, int]

    def sentence(self) -> str:
        """All of this in words."""
        words = {"nucleus_id": "nucleus id", "root_id": "root id"}[self.on]
        total = self.matched + self.missing + self.ambiguous
        message = (
            f"{self.matched:,} of {total:,} rows have one row of {self.other} with their {words}, {self.missing:,} none"
        )
        if self.ambiguous:
            message += f"; {self.ambiguous:,} have several"
        if self.differing:
            message += f", of which {self.differing:,} differ: texts are all named, other values are blank"
            message += blank_words(self.blank)
        return message + "."


def join(cave: Cave, table: TableFrame, other: str, on: str = "auto") -> tuple[TableFrame, JoinReport]:
    """The table with the columns of another one of its version: text, numbers, true or false, as `<other>.<column>`,
    and `<other>.num_rows`, how many rows of it each row has. Where these differ, texts are all named (see
    :mod:`type_columns`) and other values blank. The number and order of rows stay as they are.

    `on` is "nucleus_id" or "root_id"; with "auto" the nucleus id where both tables have it, for a segment may have
    several nuclei. Root id 0 and blank ids match nothing. Of annotations in several systems one is read: that which is
    asked for, else as :func:`type_columns.usual_system`. Of a table too large to hold, the rows of the ids in hand are
    asked for. Raises BadInput where there is nothing to join on, and for a system that there is not, NotFound as
    `live.open_table`, TooLarge for too many ids.
    """
    release, request = Release(cave, table.datastack, table.version), other
    other, chosen = table_of(request), request.partition(OF_SYSTEM)[2]
    right, key, own_column, foreign = _beside(release, table, other, on, chosen)
    system = _system(release, right, foreign, chosen)
    if chosen == EACH and system:
        right = _wide(right, *system)
    layers = cave.volume(table.datastack).layer_columns
    values = [column for column in right.columns if _is_value(column) and column.name not in layers]
    new = tuple(
        Column(
            f"{other}.{column.name}", f"{column.title} ({other})", column.kind, column.unit, decimals=column.decimals
        )
        for column in values
    )
    count = Column(f"{other}.{NUM_ROWS}", f"rows ({other})", "number")
    if {column.name for column in table.columns} & {count.name, *(column.name for column in new)}:
        raise BadInput(f"{other} is joined already.", "Choose another table.")
    derived = table.derived.of("join", request, key, *(system or ()))

    def load() -> pd.DataFrame:
        rows = right.frame if chosen == EACH else of_system(right.frame, system)
        return _extra(table.frame[own_column], rows, foreign, [column.name for column in values])

    extra = derived.get(load)
    frame = table.frame.copy(deep=False)
    for column, name in zip((*new, count), extra.columns.drop(_DIFFERS), strict=True):
        frame[column.name] = extra[name].array
    wide = replace(
        table,
        columns=beside((*table.columns, *new, count)),
        frame=frame,
        derived=derived,
        joined=(*table.joined, Joined(other, own_column, foreign, system, request, wide=chosen == EACH)),
    )
    rows = extra[NUM_ROWS].to_numpy(np.int64)
    matched, missing = int((rows == 1).sum()), int((rows == 0).sum())
    differing, ambiguous = int(extra[_DIFFERS].sum()), len(rows) - matched - missing
    return wide, JoinReport(other, key, matched, missing, ambiguous, differing, extra.attrs.get(_BLANK, {}))


def join_all(
    cave: Cave, table: TableFrame, others: Sequence[str], on: str = "auto"
) -> tuple[TableFrame, tuple[JoinReport, ...]]:
    """Several tables joined one after the other."""
    reports = []
    for other in dict.fromkeys(others):
        table, report = join(cave, table, other, on)
        reports.append(report)
    return table, tuple(reports)


def join_possible(cave: Cave, table: TableFrame, others: Sequence[str]) -> tuple[TableFrame, list[str]]:
    """Those of several tables that can be joined, and sentences on how each join went, or why it was left out."""
    messages: list[str] = []
    for other in dict.fromkeys(others):
        try:
            table, report = join(cave, table, other)
            messages += filter(None, (report.sentence(), table.joined[-1].sentence()))
        except Upstream:  # CAVE may answer the next time
            raise
        except KarstError as error:
            messages.append(f"{other[:80]} does not stand beside this table: {error.message}")
    return table, messages


def _beside(release: Release, table: TableFrame, other: str, on: str, chosen: str) -> tuple[TableFrame, str, str, str]:
    """The other table, what to join on, and the columns that have it. Of one too large to hold, the rows of the ids of
    `table`, those of the system `chosen` alone, or of the usual one. Raises as :func:`join`."""
    if not (release.version.materialized and large_tables.is_large(release, other)):
        right = live.open_table(release, other)
        return right, *_keys(table, right, on)
    first = release.sample(other)
    sampled = tables.table_of(release, tables.describe(release, other), first, derived=NOT_KEPT)
    key, own_column, foreign = _keys(table, sampled, on)
    ids = table.frame[own_column].dropna().astype("int64").drop_duplicates()
    column, system = system_column(first), chosen or _usual(release, other)
    equal = {column: system} if column and system and system != EACH else {}
    most = MOST_ASKED if equal or not column else large_tables.MOST_NARROWED
    if len(ids) > most:
        words = {"nucleus_id": "nucleus ids", "root_id": "root ids"}[key]
        raise TooLarge(
            f"{other} is too large to hold, and its rows are asked for by {most:,} {words} at most, not {len(ids):,}.",
            "Open it as the table, and join this one to it.",
        )
    read = partial(rows_of_ids, release, other, foreign, ids[ids != 0].tolist(), equal)
    rows = table.derived.of("rows beside", other, key, *equal.values()).get(read)
    return tables.table_of(release, sampled.info, rows, derived=NOT_KEPT), key, own_column, foreign


def _usual(release: Release, table: str) -> str:
    """The system that is read of a table too large to hold; "" where it has none of that name."""
    role = release.roles.cell_types
    if role.table == table and role.system:
        return role.system
    column = system_column(release.sample(table))
    return USUAL_SYSTEM if column and USUAL_SYSTEM in release.text_values(table).get(column, ()) else ""


def _system(release: Release, right: TableFrame, foreign: str, chosen: str) -> tuple[str, str] | None:
    """The column and the value of the system that is read, or for EACH the columns of the systems and of what they say;
    None where all rows are. Raises BadInput for a system that no row is of."""
    name, rows = right.info.name, right.frame
    large, column = release.version.materialized and release.is_large(name), system_column(rows)
    if not chosen and large:
        usual = _usual(release, name)
        return (column, usual) if column and usual else None
    if not chosen:
        return usual_system(rows, name, release.roles.cell_types, foreign)
    if column is None:
        raise BadInput(f"{name} has no systems of annotations.", "Join it by its name alone.")
    if chosen == EACH:
        texts = [
            text_column.name
            for text_column in right.columns
            if text_column.kind == "text" and _is_value(text_column) and text_column.name != column
        ]
        value = type_column(rows[texts])
        if value is None:
            raise BadInput(f"{name} has no texts to put into columns.", "Join it by its name alone.")
        return column, value
    systems = release.text_values(name).get(column, []) if large else [*rows[column].dropna().unique()]
    if chosen not in systems:
        listed = ", ".join(sorted(systems)[:MOST_NAMED])
        raise BadInput(f"{name} has no row of the system {chosen[:80]!r}.", f"Its systems are {listed}.")
    return column, chosen


def _wide(right: TableFrame, system: str, value: str) -> TableFrame:
    """The table with a column for each system."""
    frame = each_system(right.frame, system, value)
    new = [name for name in map(str, frame) if name not in right.frame]
    remaining = [column for column in right.columns if column.name in frame]
    return replace(
        right, frame=frame, columns=(*remaining, *(Column(name, name.replace("_", " "), "text") for name in new))
    )


def _keys(left: TableFrame, right: TableFrame, on: str) -> tuple[str, str, str]:
    """What to join on, and the columns that have it."""
    if on not in ("auto", *KEYS):
        raise BadInput(f"{on[:40]!r} is not an id to join on.", f"Choose one of auto, {', '.join(KEYS)}.")
    have, has = id_columns(left), id_columns(right)
    for key in KEYS if on == "auto" else (on,):
        if len(have.get(key, ())) == len(has.get(key, ())) == 1:
            return key, have[key][0].name, has[key][0].name
    raise BadInput(_no_key(left, right, on), "Choose another table.")


def _no_key(left: TableFrame, right: TableFrame, on: str) -> str:
    """Why two tables have no column to join on."""
    sides = ((left.info.name, id_columns(left)), (right.info.name, id_columns(right)))
    several = [
        f"{name} has several columns of {key.replace('_', ' ')}s: {', '.join(column.name for column in ids[key])}"
        for key in (KEYS if on == "auto" else (on,))
        if all(key in ids for _, ids in sides)
        for name, ids in sides
        if len(ids[key]) > 1
    ]
    if several:
        return f"{'; '.join(dict.fromkeys(several))}. A join needs one of each table."
    words = "nucleus or root ids" if on == "auto" else on.replace("_", " ") + "s"
    return f"{left.info.name} and {right.info.name} do not both have {words} to join on."


def _is_value(column: Column) -> bool:
    return column.kind in _KINDS and column.name not in _LEFT_OUT and not column.name.startswith(("created", "."))


def _extra(left_ids: pd.Series, right: pd.DataFrame, foreign: str, names: list[str]) -> pd.DataFrame:
    """What the rows of `right` that each of `left_ids` has say together in the columns `names`, `num_rows`, how many
    they are, and whether they differ (bool). `attrs` tells of how many each column is blank because they differ."""
    keyed = right[(right[foreign].fillna(0) != 0).to_numpy(bool)]
    keyed = keyed.sort_values("id", kind="stable") if "id" in keyed else keyed
    ids = keyed[foreign].astype("int64")
    counts = ids.value_counts()
    own_keys = left_ids.fillna(0).astype("int64")
    repeated = ids.duplicated(keep=False).to_numpy(bool)
    alone = keyed.loc[~repeated, names].set_axis(ids[~repeated])
    differing: set[int] = set()
    blank: dict[str, int] = {}
    if repeated.any():
        rows, keys = keyed[repeated], ids[repeated]
        every = pd.Index(np.unique(keys.to_numpy()))
        columns = {name: agreed(rows[name], keys, every) for name in names}
        differing.update(*(several.tolist() for _, several in columns.values()))
        other = [name for name in names if not isinstance(rows[name].dtype, pd.StringDtype)]
        blank = {name: int(own_keys.isin(columns[name][1]).sum()) for name in other}
        together = pd.DataFrame({name: values for name, (values, _) in columns.items()}, index=every)
        alone = pd.concat([alone, together.astype(alone.dtypes)])
    result = alone.reindex(own_keys).reset_index(drop=True)
    result[NUM_ROWS] = pd.array(counts.reindex(own_keys).fillna(0).to_numpy(np.int64), dtype="Int64")
    result[_DIFFERS] = own_keys.isin(differing).to_numpy(bool)
    result.attrs[_BLANK] = blank
    return result
