"""Everything that the tables of a version say about one cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from services.cave.client import Cave
from services.cave.release import Release
from services.cells import cell_types, cells, proofreading, representative, role_tables
from services.cells.cells import Cell
from services.core import space
from services.core.columns import kind_of
from services.core.errors import KarstError
from services.core.parallel import gather
from services.core.records import TableInfo
from services.core.roles import RULES
from services.core.type_columns import type_column
from services.tables import tables

COREGISTERED = RULES["coregistration"].schemas
_OF_ROW = frozenset({"id", "target_id", "valid", "created", "superceded_id"})


@dataclass(frozen=True)
class Named:
    """What one type table calls the cell: its type, and all text columns of its own as {column: text}. `nucleus_id`
    is the nucleus that was named, where the table names nuclei."""

    table: str
    nucleus_id: int | None
    cell_type: str
    values: dict[str, str]


@dataclass(frozen=True)
class Coregistered:
    """How often a table matches the cell to a recorded unit."""

    table: str
    units: int


@dataclass(frozen=True)
class Area:
    """The visual area of the soma and how far its border is; `table` says so."""

    table: str
    name: str
    border_um: float | None


@dataclass(frozen=True)
class CellCard:
    """Facts of one cell at a version; what is not known is None or empty, also all of the soma's when there is not
    exactly one. `position_vx` counts voxels of the datastack's viewer. Strategies are None where the cell is not in the
    proofreading table, and `proofreading_unknown` says in a few words why nobody knows which cells are; `coregistered`
    is None where the version has no table of that, and `type_tables` tells how many tables could name a type. `notices`
    are those of the owners of the tables that say anything of the cell."""

    types: tuple[Named, ...]
    volume_um3: float | None
    position_nm: tuple[float, float, float] | None
    position_vx: tuple[int, int, int] | None
    is_of_nucleus: bool
    depth_um: float | None
    layer: str | None
    layers: Mapping[str, str]
    area: Area | None
    strategy_axon: str | None
    strategy_dendrite: str | None
    edited_since: bool
    proofreading_unknown: str
    coregistered: tuple[Coregistered, ...] | None
    type_tables: int
    notices: tuple[str, ...]


def read(release: Release, cell: Cell) -> CellCard:
    """The card of a cell. Its tables are asked for at once, and held for all further cells."""
    infos = list(release.tables().values())
    typed = tables.type_tables(release)
    role = release.roles.coregistration.table
    matched = [info for info in infos if role and (info.name == role or info.schema_type in COREGISTERED)]
    soma_table, area_table = cells.nucleus_table(release), role_tables.table_of(release, "areas")
    somata = [info for info in infos if info.name == soma_table]
    described = [*typed, *matched, *(info for info in infos if info.name == area_table), *somata]
    proofread, *frames = gather(
        partial(proofreading.rows, release),
        *(partial(cell_types.rows_of_cells, release, info.name, [cell.root_id]) for info in described),
    )
    of = dict(zip([info.name for info in described], frames, strict=True))
    is_listed = proofread is not None and cell.root_id in proofread.index
    row = proofread.loc[cell.root_id] if is_listed else None
    resolution_nm = release.info["viewer_resolution"]
    soma = of[somata[0].name] if somata else pd.DataFrame()
    place_nm = cell.soma_position_nm or representative.point_nm(release, cell.root_id)
    return CellCard(
        types=tuple(result for info in typed for result in _names(info, of[info.name], soma_table)),
        volume_um3=_only(soma, "volume"),
        position_nm=place_nm,
        position_vx=_voxels(place_nm, resolution_nm),
        is_of_nucleus=cell.soma_position_nm is not None,
        depth_um=cell.soma_depth_um,
        layer=layer_of(release.cave, release.datastack, cell),
        layers=_layers(release.cave, release.datastack, cell.soma_depth_um),
        area=_area(area_table, release.roles.areas.column, of[area_table]) if area_table else None,
        strategy_axon=None if row is None else str(row["strategy_axon"]),
        strategy_dendrite=None if row is None else str(row["strategy_dendrite"]),
        edited_since=row is not None and bool(row["edited_since"]),
        proofreading_unknown=proofreading.unknown(release),
        coregistered=_coregistered(matched, of) if matched else None,
        type_tables=len(typed),
        notices=release.notices(*(name for name, rows in of.items() if len(rows))),
    )


def edits(release: Release, cell: Cell) -> pd.DataFrame | None:
    """The merges and splits that made a cell, see :meth:`Release.edits`; None where they cannot be told."""
    with suppress(KarstError):
        return release.edits(cell.root_id)
    return None


def _coregistered(infos: Sequence[TableInfo], of: Mapping[str, pd.DataFrame]) -> tuple[Coregistered, ...]:
    return tuple(Coregistered(info.name, len(of[info.name])) for info in infos if len(of[info.name]))


def _names(info: TableInfo, rows: pd.DataFrame, soma_table: str | None) -> list[Named]:
    """What a type table says, a row each: several nuclei, or several annotators, may each have said something."""
    texts = [str(name) for name in rows if name not in _OF_ROW and kind_of(str(name), rows[name]) == "text"]
    column = type_column(rows[texts])
    if column is None:
        return []
    nucleus = "target_id" if info.reference_table == soma_table and "target_id" in rows else None
    return [
        Named(
            info.name,
            int(row[nucleus]) if nucleus and pd.notna(row[nucleus]) else None,
            str(row[column]),
            {name: str(row[name]) for name in texts if pd.notna(row[name])},
        )
        for row in rows.dropna(subset=[column]).sort_values("id").to_dict("records")
    ]


def _area(table: str, column: str, rows: pd.DataFrame) -> Area | None:
    if len(rows) != 1 or pd.isna(rows[column].iloc[0]):
        return None
    return Area(table, str(rows[column].iloc[0]), _only(rows, "value"))


def _only(rows: pd.DataFrame, column: str) -> float | None:
    """The number of the only row; None of several."""
    if len(rows) != 1 or column not in rows or pd.isna(rows[column].iloc[0]):
        return None
    return float(rows[column].iloc[0])


def _voxels(position_nm: Sequence[float] | None, resolution_nm: Sequence[Any]) -> tuple[int, int, int] | None:
    if position_nm is None or not all(resolution_nm):
        return None
    x, y, z = np.floor(space.nm_to_voxels(position_nm, resolution_nm)).astype(int).tolist()
    return x, y, z


def _layers(cave: Cave, datastack: str, depth_um: float | None) -> dict[str, str]:
    """The layer by each source of boundaries, by its name."""
    if depth_um is None:
        return {}
    layer_sets = cave.volume(datastack).layer_columns.values()
    return {layer_set.name: str(space.layer_of([depth_um], layer_set)[0]) for layer_set in layer_sets if layer_set.name}


def layer_of(cave: Cave, datastack: str, cell: Cell) -> str | None:
    """The layer of a cell's only soma by the volume's first boundaries; None where it is not known."""
    depth_um = cell.soma_depth_um
    if depth_um is None:
        return None
    layer = space.layer_of([depth_um], cave.volume(datastack))[0]
    return None if pd.isna(layer) else str(layer)
