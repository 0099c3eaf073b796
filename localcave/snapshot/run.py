"""One version of a datastack in the making: which rows of which tables are wanted, and those that were brought."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from localcave.errors import InputError
from localcave.snapshot.parts import Baker, Piece, Where
from localcave.snapshot.remote import RemoteCave

PROOFREADING = "proofreading_status_and_strategy"
CELLS_PER_PIECE = 64
TARGETS_PER_PIECE = 10_000
"""CAVE takes 20,000 ids in a filter without trouble."""


@dataclass(frozen=True)
class Condition:
    """The rows of a table or view whose column has one of some values."""

    table: str
    column: str
    values: tuple[str | int | float | bool, ...]

    @classmethod
    def of(cls, text: str) -> Condition:
        """Read `TABLE.COLUMN=VALUE,VALUE`. A value in double quotes is text, whatever it looks like.

        Raises InputError for what is none.
        """
        place, equals, values = text.partition("=")
        table, dot, column = place.strip().rpartition(".")
        if not (table and dot and column and equals and values.strip()):
            raise InputError(f"{text!r} is no condition; write TABLE.COLUMN=VALUE or TABLE.COLUMN=VALUE,VALUE")
        return cls(table, column, tuple(map(_value, re.findall(r'"[^"]*"|[^,"]+', values))))


def _value(text: str) -> str | int | float | bool:
    text = text.strip()
    if text in ("true", "false") or re.fullmatch(r'"[^"]*"|-?[0-9]{1,18}(\.[0-9]+)?', text):
        value: str | int | float | bool = json.loads(text)
        return value
    return text


@dataclass(frozen=True)
class Request:
    """What to bake. `tables` empty: every table and view of at most `largest_table` rows. `where`: the only rows of
    some tables. `synapses_of`: `all`, `proofread`, a table, root ids, or a file of them; empty: of the cells of the
    first table of cells in `where`, else the synapses that `where` chooses, else none. `skeletons`: those of the same
    cells."""

    datastack: str
    versions: tuple[int, ...]
    server: str
    token: str | None = None
    tables: tuple[str, ...] = ()
    where: tuple[Condition, ...] = ()
    synapses_of: str = ""
    skeletons: bool = False
    largest_table: int = 1_000_000
    workers: int = 4
    rows_per_request: int = 100_000
    attempts: int = 8
    first_wait_s: float = 0.5


Progress = Callable[[int, int], None]
"""Told how many more rows were brought, and how many more turned out to be wanted."""


@dataclass
class Run:
    """One version in the making; what is brought is kept in `folder`."""

    request: Request
    folder: Path
    remote: RemoteCave
    progress: Progress
    info: dict[str, Any]
    tables: dict[str, dict[str, Any]]
    views: dict[str, dict[str, Any]]
    rows: dict[str, pa.Table] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    whole: dict[str, Piece] = field(default_factory=dict)
    synapses: list[Piece] = field(default_factory=list)
    references: list[str] = field(default_factory=list)
    """Tables of what is told of synapses."""
    cells: list[int] = field(default_factory=list)
    """Root ids whose synapses, and skeletons, are wanted."""
    expected: dict[str, int] = field(default_factory=dict)
    """Rows of the tables and views, as the server counts them; of `references` at most as many as of synapses."""

    @property
    def version(self) -> int:
        return self.remote.version

    @property
    def synapse_table(self) -> str:
        return self.info.get("synapse_table") or ""

    def prepare(self) -> None:
        """Choose and count what is wanted; bring the table of the cells already, on which hangs which synapses are."""
        names = chosen(self)
        self.references = [name for name in names if self.refers_to_synapses(name)]
        self.whole = whole_pieces(self, [n for n in names if n not in (self.synapse_table, *self.references)])
        self.bake({name: [self.whole[name]] for name in cell_tables(self)})
        self.cells = cells(self)
        if self.synapse_table in self.tables:
            self.synapses = synapse_pieces(self)
            for name in (self.synapse_table, *self.references):
                require_rows(self, name)
            synapses = sum(self.baker.counts(self.synapses))
            if not synapses and self.conditions_of(self.synapse_table):
                raise InputError(f"no row of {self.synapse_table} of the chosen cells meets the condition")
            self.expected |= dict.fromkeys((self.synapse_table, *self.references), synapses)

    def bring(self) -> None:
        """Bring all that was chosen."""
        self.bake({name: [piece] for name, piece in self.whole.items() if name not in self.rows})
        if self.synapses:
            self.bake({self.synapse_table: self.synapses})
            targets = self.rows[self.synapse_table]["id"].to_pylist()
            self.bake({n: batches(self, n, "target_id", targets, TARGETS_PER_PIECE) for n in self.references})

    @cached_property
    def baker(self) -> Baker:
        """What brings the pieces."""
        return Baker(
            self.remote,
            self.folder,
            self.request.rows_per_request,
            self.request.workers,
            lambda rows: self.progress(rows, 0),
        )

    def bake(self, pieces_of: Mapping[str, Sequence[Piece]]) -> None:
        """Bring tables and views; a table is the rows of its pieces in the order of `id`, each id once."""
        pieces = [piece for parts in pieces_of.values() for piece in parts]
        self.progress(0, sum(self.baker.counts(pieces)))
        files = dict(zip(pieces, self.baker.bake(pieces), strict=True))
        for name, parts in pieces_of.items():
            tables = [pq.ParquetFile(path).read() for piece in parts for path in files[piece]]
            rows = pa.concat_tables(tables, promote_options="permissive")
            self.rows[name] = _once(rows) if name in self.tables else rows

    def view_schema(self, name: str) -> dict[str, Any]:
        """Columns of a view and their types."""
        get = self.remote.client.materialize.get_view_schema
        schema: dict[str, Any] = self.remote.ask(lambda: get(name, self.version), f"read the columns of {name}")
        return schema

    def conditions_of(self, name: str) -> Where:
        """What the rows of a table or view must be. Raises InputError for a column that it does not have."""
        conditions = [condition for condition in self.request.where if condition.table == name]
        columns = self.remote.columns(Piece(name, is_view=name in self.views, key="")) if conditions else []
        for condition in conditions:
            if condition.column not in columns:
                raise InputError(f"{name} has no column {condition.column!r}; it has {', '.join(columns)}")
        return tuple((condition.column, condition.values) for condition in conditions)

    def refers_to_synapses(self, name: str) -> bool:
        return bool(self.synapse_table) and self.tables.get(name, {}).get("reference_table") == self.synapse_table


def chosen(run: Run) -> list[str]:
    """Names of the tables and views to bake, with the tables that they refer to and that of the somata."""
    available = {**run.tables, **run.views}
    names = list(run.request.tables or available)
    cells = table_of_cells(run)
    limited = [condition.table for condition in run.request.where]
    for name in [*names, *limited, *([cells] if cells else [])]:
        if name not in available:
            near = difflib.get_close_matches(name, available, n=3)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            raise InputError(f"version {run.version} has no table or view {name!r}{hint}")
    chosen: dict[str, None] = {}
    waiting = [*names, *limited, cells, run.info.get("soma_table") or ""]
    while waiting:
        name = waiting.pop(0)
        if name in available and name not in chosen:
            chosen[name] = None
            waiting.append(run.tables.get(name, {}).get("reference_table") or "")
    return list(chosen)


def whole_pieces(run: Run, names: Iterable[str]) -> dict[str, Piece]:
    """A piece for each whole table or view, leaving out those too large or not ours to read unless they were named."""
    needed = {*run.request.tables, table_of_cells(run), *(condition.table for condition in run.request.where)}
    pieces: dict[str, Piece] = {}
    for name in names:
        piece = Piece(name, is_view=name in run.views, key="", where=run.conditions_of(name))
        try:
            count = run.remote.count(piece)
        except InputError as error:
            if name in needed:
                raise
            run.notes.append(f"{name} is left out: {error}")
            continue
        if piece.where and not count:
            raise _no_row(run, piece)
        if count > run.request.largest_table and name not in needed:
            run.notes.append(f"{name} is left out: its {count:,} rows are more than {run.request.largest_table:,}")
            continue
        run.expected[name] = count
        pieces[name] = piece if count <= run.request.rows_per_request else _keyed(run, piece, count)
    return pieces


def require_rows(run: Run, name: str) -> None:
    """Raises InputError when no row of a table is as the conditions say."""
    piece = Piece(name, key="", where=run.conditions_of(name))
    if piece.where and not run.remote.count(piece):
        raise _no_row(run, piece)


def _no_row(run: Run, piece: Piece) -> InputError:
    conditions = " and ".join(f"{column}={','.join(map(str, values))}" for column, values in piece.where)
    return InputError(f"no row of {piece.name} in version {run.version} has {conditions}")


def _keyed(run: Run, piece: Piece, count: int) -> Piece:
    """The piece with a column to cut it by: `id`, or the first integer column of a view."""
    key = "id"
    if piece.is_view:
        schema = run.view_schema(piece.name)
        integers = [column for column, entry in schema.items() if entry["type"] == "integer"]
        key = next(iter(sorted(integers, key=lambda c: (c != "id", not c.endswith("_id")))), "")
    keyed = replace(piece, key=key)
    if not key or run.remote.count(keyed) != count:
        raise InputError(f"{piece.name} has {count:,} rows and no column of ids to read it by in parts")
    return keyed


def synapse_pieces(run: Run) -> list[Piece]:
    """The pieces of the synapse table: whole, or of the chosen cells, else all that meet a condition."""
    name, where = run.synapse_table, run.conditions_of(run.synapse_table)
    no_cells = not run.request.synapses_of and not table_of_cells(run)
    if name in run.request.tables or run.request.synapses_of == "all" or (where and no_cells):
        return [Piece(name, where=where)]
    # no cells: an empty table of the right columns, so that every query has an answer
    return [
        piece
        for side in ("pre_pt_root_id", "post_pt_root_id")
        for piece in batches(run, name, side, run.cells, CELLS_PER_PIECE)
    ]


def batches(run: Run, name: str, column: str, ids: Sequence[int], size: int) -> list[Piece]:
    """Pieces of the rows whose column is one of `ids`. Raises InputError when `where` has that column too."""
    where = run.conditions_of(name)
    if column in dict(where):
        raise InputError(f"the rows of {name} are chosen by their {column} already; leave that condition out")
    starts = range(0, max(len(ids), 1), size)
    return [Piece(name, column=column, ids=tuple(ids[start : start + size]), where=where) for start in starts]


def cell_tables(run: Run) -> list[str]:
    """The table whose cells are wanted, and those that it refers to for their root ids."""
    names, name = [], table_of_cells(run)
    while name in run.whole and name not in names:
        names.append(name)
        name = run.tables.get(name, {}).get("reference_table") or ""
    return names


def table_of_cells(run: Run) -> str:
    """The table whose cells' synapses are wanted, if it is a table that says so."""
    limited = [condition.table for condition in run.request.where]
    of_cells = [name for name in limited if name != run.synapse_table and not run.refers_to_synapses(name)]
    word = run.request.synapses_of or next(iter(of_cells), "")
    if word == "proofread":
        return run.info.get("proofreading_status_table") or PROOFREADING
    return "" if word in ("", "all") or _ids_in(word) is not None else word


def cells(run: Run) -> list[int]:
    """Root ids whose synapses are wanted, ascending, without 0."""
    table = table_of_cells(run)
    if not table:
        return sorted(set(_ids_in(run.request.synapses_of) or ()) - {0})
    rows = run.rows[table]
    if run.request.synapses_of == "proofread" and "status_axon" in rows.column_names:
        status = rows["status_axon"]
        is_finished = (
            status if pa.types.is_boolean(status.type) else pc.is_in(status, pa.array(["t", "clean", "extended"]))
        )
        rows = rows.filter(pc.fill_null(is_finished, False))
    while "pt_root_id" not in rows.column_names:
        target = run.tables[table].get("reference_table")
        if not target or "target_id" not in rows.column_names:
            raise InputError(f"{table} names no cells: it has neither pt_root_id nor a table that it refers to")
        rows, table = run.rows[target].filter(pc.is_in(run.rows[target]["id"], rows["target_id"])), target
    return sorted(set(rows["pt_root_id"].drop_null().to_pylist()) - {0})


def _ids_in(text: str) -> list[int] | None:
    """Root ids in the text, or in the file that it names; None when it is neither."""
    if not text:
        return []
    if Path(text).is_file():
        text = Path(text).read_text()
    words = re.split(r"[\s,]+", text.strip())
    return [int(word) for word in words] if all(re.fullmatch(r"[0-9]{1,19}", word) for word in words) else None


def _once(rows: pa.Table) -> pa.Table:
    """Rows in the order of their ids, each id once: a synapse between two chosen cells is brought from both sides."""
    _, first = np.unique(rows["id"].to_numpy(), return_index=True)
    return rows.take(pa.array(first))
