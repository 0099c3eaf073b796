"""A cell's partners: its synapses grouped by the cell at their other end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeAlias, TypedDict

import numpy as np
import numpy.typing as npt
import pandas as pd

from services.cave.client import Cave
from services.cave.release import Release
from services.cells import cell_types, cells, edge_view, role_faults, synapse_filter
from services.cells.cell_types import TypeRows, type_rows
from services.cells.cells import Cell
from services.cells.edge_view import WEIGHT, EdgeView
from services.core.directions import Direction
from services.core.errors import BadInput, NotFound, TooLarge
from services.core.parallel import gather
from services.core.records import Version
from services.filters.nodes import Everything, Node
from services.tables import live

Ids: TypeAlias = npt.NDArray[np.int64]
UNDIRECTED = "These are contacts, which have no direction: {} counts as presynaptic."
PARTNER_COLUMNS = ("root_id", "num_syn", "net_size", "mean_size", "num_soma", "soma_depth_um", "nucleus_id")


class Totals(TypedDict):
    """What one direction sums up to. Autapses and synapses whose other end has root id 0 are in none of the
    partners; they are counted apart, None where nobody knows: a view of pairs may leave them out."""

    num_syn: int
    num_partners: int
    autapses: int | None
    root_zero: int | None


class Cut(TypedDict):
    """An answer that CAVE cut: `shown` synapses, or pairs of cells where those were read, of `total`; None if it did
    not say of how many."""

    shown: int
    total: int | None


@dataclass(frozen=True)
class Connectivity:
    """A cell with its partners; `inputs` and `outputs` are frames of :func:`partners`. `warnings` are sentences,
    those of the cell among them. `type_by` is the rule by which rows of the type table were chosen (see
    :mod:`cell_types`), `types` what that table says of partners; of one that refers to synapses, `typed_synapses` has
    the rows of each direction instead.
    `truncated` tells of each direction whether CAVE cut its synapses; when `whole`, they were asked for in as many
    pieces as it took, so it did not. `sized` tells whether synapses have a size at all. `notices` are those of the
    owners of its tables. `only` is the line that synapses had to pass to be counted at all ("" = none; see
    :mod:`synapse_filter`), `before` how many CAVE sent of each direction. `view` is the view of pairs that partners are
    counted from, None = their synapses."""

    datastack: str
    version: Version
    cell: Cell
    type_table: str | None
    inputs: pd.DataFrame
    outputs: pd.DataFrame
    totals: dict[Direction, Totals]
    warnings: tuple[str, ...]
    truncated: Mapping[Direction, Cut | None] = field(default_factory=lambda: dict.fromkeys(Direction))
    whole: bool = False
    sized: bool = True
    notices: tuple[str, ...] = ()
    type_by: str = ""
    types: tuple[TypeRows, ...] = ()
    typed_synapses: Mapping[Direction, pd.DataFrame] = field(default_factory=dict)
    only: str = ""
    before: Mapping[Direction, int] = field(default_factory=dict)
    view: EdgeView | None = None

    @property
    def cut(self) -> tuple[str, ...]:
        """The sentence of `warnings` that tells what CAVE cut; none where it cut nothing."""
        return _truncation(self.truncated, self.view)

    def side(self, direction: str) -> pd.DataFrame:
        """The partners of "in" or "out"."""
        return self.inputs if direction == Direction.IN else self.outputs


def partners(
    synapses: pd.DataFrame,
    direction: Direction,
    root_id: int,
    somas: pd.DataFrame | None,
    types: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """One row for each cell that makes ("in") or receives ("out") synapses with the cell `root_id`.

    `synapses` has pre_pt_root_id, post_pt_root_id and size, and WEIGHT where its rows stand for several; `somas` is as
    of :func:`cells.somas`, sorted by root id, None where nobody knows of any; `types` has any columns, indexed by
    unique root ids.

    Columns: root_id, num_syn (int64), net_size (sum of sizes) and mean_size (net_size / num_syn), both float64 in
    voxels and blank unless the size of each synapse is known, num_soma (int64, blank without `somas`), soma_depth_um
    (float64) and
    nucleus_id (Int64), both blank unless
    there is exactly one soma, then those of `types`. Most synapses first, equal ones by root id. Autapses and
    partners with root id 0 are left out.
    """
    ids = _partner_ids(synapses, direction)
    counted = (ids != root_id) & (ids != 0)
    # CAVE keeps sizes as float32, whose sums lose digits
    sizes = synapses["size"].to_numpy(np.float64, na_value=np.nan)[counted]
    roots, which = np.unique(ids[counted], return_inverse=True)
    num_syn = np.bincount(which, weights=_weights(synapses)[counted], minlength=len(roots)).astype(np.int64)
    net_size = np.bincount(which, weights=sizes, minlength=len(roots)).astype(np.float64)
    order = np.argsort(-num_syn, kind="stable")  # equal ones stay by root id
    frame = pd.DataFrame({"root_id": roots[order], "num_syn": num_syn[order], "net_size": net_size[order]})
    frame["mean_size"] = frame["net_size"] / frame["num_syn"]
    somata = _unknown_somas(len(frame)) if somas is None else _soma_columns(frame["root_id"].to_numpy(), somas)
    frame = frame.assign(**somata)
    if types is None:
        return frame
    joined = types.reindex(frame["root_id"]).reset_index(drop=True)
    return pd.concat([frame, joined.rename(columns={name: f"{name}_type" for name in frame.columns})], axis=1)


def totals(synapses: pd.DataFrame, direction: Direction, root_id: int) -> Totals:
    """What the synapses of one direction sum up to."""
    partner, weights = _partner_ids(synapses, direction), _weights(synapses)
    counted = (partner != root_id) & (partner != 0)
    apart = [int(weights[partner == end].sum()) for end in (root_id, 0)]
    autapses, root_zero = (number or None if WEIGHT in synapses else number for number in apart)
    return Totals(
        num_syn=int(weights[counted].sum()),
        num_partners=len(pd.unique(partner[counted])),
        autapses=autapses,
        root_zero=root_zero,
    )


def read(
    release: Release,
    cell_id: int,
    id_type: str = "auto",
    *,
    type_table: str | None = None,
    type_by: str = "",
    whole: bool = False,
    lenient: bool = False,
    only: str = "",
) -> Connectivity:
    """The cell that an id means (see :func:`cells.find`), with its partners at a version, counted from a view of
    connected pairs where the datastack has one that fits, else from its synapses.

    With the soma and type tables held this takes one round trip: both synapse queries go out while the root
    id is checked. A stale root id takes three more, to find its heir and the synapses of that. CAVE cuts what has too
    many synapses, unless `whole` asks for all of them in pieces. A type table that refers to synapses takes one more.
    `type_by` chooses among several rows of a cell in the type table (see :func:`cell_types.type_rows`). When `lenient`,
    a type table that cannot say types, or a rule that does not fit it, is left out, and a warning says why.
    Synapses that the filter `only` does not keep are not counted; "" is that of the profile, "all" none.

    Raises BadInput, NotFound and what CAVE raises.
    """
    shape = release.synapse_shape()
    line, only = only.strip(), synapse_filter.chosen(release, only)
    where = synapse_filter.parse(release, only)
    view = edge_view.fitting(release, only)
    if view and type_table and cell_types.is_of_synapses(release, type_table):
        view = None  # it says nothing of single synapses
    read_side = partial(synapse_filter.read, release, where=only, whole=whole)
    if view:
        read_side = partial(edge_view.read, release, view, whole=whole)
    guess = cell_id if cell_id >> cells.LAYER_BITS > 1 else None  # by its bits a root id, with nobody asked
    early = [] if guess is None else [partial(_if_valid, partial(read_side, guess, way)) for way in Direction]
    cell, type_answer, nuclei, *synapses_of = gather(
        partial(cells.find, release, cell_id, id_type),
        lambda: _types_or_why(release, type_table, type_by, lenient=lenient),
        partial(cells.somas, release),
        *early,
    )
    if cell.root_id != guess or any(rows is None for rows in synapses_of):
        synapses_of = gather(*(partial(read_side, cell.root_id, way) for way in Direction))
    incoming, outgoing = synapses_of
    roots = np.unique(np.concatenate([_partner_ids(rows, way) for way, rows in _ways(incoming, outgoing)]))
    if type_answer.large:
        type_answer = _types_or_why(release, type_table, type_by, roots, lenient=lenient)
    somata = nuclei if cells.nucleus_table(release) else None
    typed = {}
    if synapse_table := type_answer.synapse_table:
        typed = _of_synapses(release, cell.root_id, synapse_table, type_answer.by, whole=whole)
    types = {
        way: cell_types.of_synapses([typed[way]]) if typed else type_answer.rows for way, _ in _ways(incoming, outgoing)
    }
    sides = {
        way: partners(rows, way, cell.root_id, somata, None if (typed_rows := types[way]) is None else typed_rows.frame)
        for way, rows in _ways(incoming, outgoing)
    }
    cut = {way: rows.attrs.get("truncated") for way, rows in _ways(incoming, outgoing)}
    if not release.volume.has_depth:
        sides = {way: side.drop(columns="soma_depth_um") for way, side in sides.items()}
    return Connectivity(
        datastack=release.datastack,
        version=release.version,
        cell=cell,
        type_table=type_answer.table,
        inputs=sides[Direction.IN],
        outputs=sides[Direction.OUT],
        totals={way: totals(rows, way, cell.root_id) for way, rows in _ways(incoming, outgoing)},
        warnings=(
            *role_faults.missing(release),
            *cell.warnings,
            *live.of_cells(release.datastack, release.version),
            *type_answer.messages,
            *_truncation(cut, view),
            *(() if shape.directed else (UNDIRECTED.format(shape.first),)),
            *_narrowed(where, incoming, outgoing, usual=not line, view=view),
            *_misread(incoming, outgoing),
            *_untyped(typed, type_answer.table),
        ),
        truncated=cut,
        whole=whole,
        sized=shape.sized,
        notices=release.notices(type_answer.table, view.name if view else None, *release.roles.of_cells),
        type_by=type_answer.by,
        types=(type_answer.rows.of_ids(roots),) if type_answer.rows else (),
        typed_synapses=typed,
        only=only,
        before={way: rows.attrs.get("all", int(_weights(rows).sum())) for way, rows in _ways(incoming, outgoing)},
        view=view,
    )


def synapses(cave: Cave, connectivity: Connectivity, direction: Direction) -> pd.DataFrame:
    """The synapses that a cell's partners were counted from, in the cache since then; see :meth:`Cave.synapses`."""
    release = Release(cave, connectivity.datastack, connectivity.version)
    return synapse_filter.read(
        release, connectivity.cell.root_id, direction, where=connectivity.only, whole=connectivity.whole
    )


def _truncation(truncated: Mapping[Direction, Cut | None], view: EdgeView | None) -> tuple[str, ...]:
    """A sentence for the synapses or pairs that CAVE cut, with both numbers of each direction; else none."""
    noun = "pairs of cells" if view else "synapses"
    sentences = [
        f"{cut['shown']:,} of {cut['total']:,} {way.noun} {noun}"
        if cut["total"]
        else f"{cut['shown']:,} {way.noun} {noun}"
        for way, cut in truncated.items()
        if cut
    ]
    return (f"CAVE sent only {' and '.join(sentences)}; the counts below are of these.",) if sentences else ()


def _narrowed(
    where: Node, incoming: pd.DataFrame, outgoing: pd.DataFrame, *, usual: bool, view: EdgeView | None
) -> tuple[str, ...]:
    """A sentence for the synapses that the filter of synapses leaves; none where there is no filter."""
    if view:
        having = "" if isinstance(where, Everything) else f" of synapses where {where.describe()}"
        return (f"Partners are counted from the pairs{having} in {view.name}; write all to count every synapse.",)
    if isinstance(where, Everything):
        return ()
    kept_counts = [f"{len(rows):,} of {rows.attrs['all']:,} {way.noun}" for way, rows in _ways(incoming, outgoing)]
    message = f"Only synapses where {where.describe()} are counted: {' and '.join(kept_counts)} synapses."
    return (f"{message} That is usual for this datastack; write all to count every synapse." if usual else message,)


def _misread(incoming: pd.DataFrame, outgoing: pd.DataFrame) -> tuple[str, ...]:
    """What is misread in the filter of synapses in both directions: an id that is no partner may be the cell's own."""
    first, second = (rows.attrs.get("misread", ()) for rows in (incoming, outgoing))
    return tuple(sentence for sentence in first if sentence in second)


def _ways(incoming: pd.DataFrame, outgoing: pd.DataFrame) -> list[tuple[Direction, pd.DataFrame]]:
    return [(Direction.IN, incoming), (Direction.OUT, outgoing)]


def _partner_ids(synapses: pd.DataFrame, direction: Direction) -> Ids:
    ids: Ids = synapses[direction.partner].fillna(0).to_numpy(np.int64)
    return ids


def _weights(synapses: pd.DataFrame) -> Ids:
    """How many synapses each row stands for."""
    return synapses[WEIGHT].to_numpy(np.int64) if WEIGHT in synapses else np.ones(len(synapses), np.int64)


def _unknown_somas(partners: int) -> dict[str, Any]:
    blank = pd.array([pd.NA] * partners, dtype="Int64")
    return {"num_soma": blank, "soma_depth_um": np.full(partners, np.nan), "nucleus_id": blank}


def _soma_columns(roots: Ids, somas: pd.DataFrame) -> dict[str, Any]:
    sorted_roots = somas["root_id"].to_numpy()
    first = np.searchsorted(sorted_roots, roots)
    count = np.searchsorted(sorted_roots, roots, side="right") - first
    single = count == 1
    depth, nucleus = np.full(len(roots), np.nan), np.zeros(len(roots), dtype=np.int64)
    depth[single] = somas["depth_um"].to_numpy()[first[single]]
    nucleus[single] = somas["nucleus_id"].to_numpy()[first[single]]
    return {
        "num_soma": count.astype(np.int64),
        "soma_depth_um": depth,
        "nucleus_id": pd.arrays.IntegerArray(nucleus, ~single),
    }


@dataclass(frozen=True)
class _Types:
    """The type table that is used, if any, by which rule, and what it says of root ids; None where it is of synapses.
    `messages` tell why it is another than was asked for. A `large` one is asked only for partners that are known."""

    table: str | None = None
    by: str = ""
    rows: TypeRows | None = None
    messages: tuple[str, ...] = ()
    large: bool = False

    @property
    def synapse_table(self) -> str | None:
        """The table, if it refers to synapses."""
        return self.table if self.rows is None else None


def _if_valid(request: Callable[[], pd.DataFrame]) -> pd.DataFrame | None:
    """The synapses of a guessed root id; None if CAVE refuses it, as at a time at which it was not valid."""
    try:
        return request()
    except NotFound:
        return None


def _types_or_why(release: Release, table: str | None, by: str, roots: Ids | None = None, *, lenient: bool) -> _Types:
    """What a type table says, or, when `lenient`, a sentence for why it says nothing. Of a large one it says nothing
    before the root ids of the partners, `roots`, are known."""
    if not table:
        return _Types()
    try:
        if cell_types.is_of_synapses(release, table):
            cell_types.check_value(release, table, by)
            return _Types(table, by)
        if roots is None and release.is_large(table):
            return _Types(table, by, large=True)
        rows = type_rows(release, table, by, roots=roots)
        return _Types(table, rows.by, rows)
    except (BadInput, NotFound, TooLarge) as error:
        if not lenient:
            raise
        if not by:
            return _Types(messages=(f"{error.message} Partners are shown without their types.",))
        without = _types_or_why(release, table, "", roots, lenient=True)
        used = "The usual ones" if without.by else "All rows"
        return replace(without, messages=(f"{error.message} {used} are used.", *without.messages))


def _of_synapses(release: Release, root_id: int, table: str, by: str, *, whole: bool) -> dict[Direction, pd.DataFrame]:
    """What a type table that refers to synapses says of those of a cell."""
    read_types = partial(cell_types.synapse_rows, release, table, root_id, by=by, whole=whole)
    return dict(zip(Direction, gather(*(partial(read_types, direction=way) for way in Direction)), strict=True))


def _untyped(typed: Mapping[Direction, pd.DataFrame], table: str | None) -> tuple[str, ...]:
    """A sentence where CAVE cut the types of synapses."""
    cut = any(rows.attrs.get("truncated") for rows in typed.values())
    return (f"CAVE sent only a part of {table}; further synapses are shown without a type.",) if cut else ()
