"""Where the rows of a table are: depth and layer as columns, positions in voxels, nm or um."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace

import pandas as pd

from services.core import space
from services.core.bound_points import PLACE, positions
from services.core.columns import Column
from services.core.errors import BadInput
from services.core.profiles import Volume
from services.core.records import TableInfo
from services.filters.boxes import UNIT_NM

UNITS = ("vx", "nm", "um")


def depth_columns(frame: pd.DataFrame, info: TableInfo, volume: Volume, *, of_somas: bool) -> pd.DataFrame:
    """Depth below the pia and layer of each row, of its first known position, where the volume's axes are known.

    Columns: soma_depth_um or depth_um (Float64; blank where there is no position), and layer (string) where the
    volume has layers, one such column for each source of them (see :attr:`Volume.layer_columns`). None at all for a
    table without positions, or where names clash.
    """
    result, name = positions(frame), "soma_depth_um" if of_somas else "depth_um"
    if result is None or not volume.has_depth or {name, *volume.layer_columns} & set(frame.columns):
        return pd.DataFrame(index=frame.index)
    depths = space.depth_um(result, PLACE, info.voxel_resolution_nm, volume)
    # to the nm: what lies behind is noise of the rotation
    columns = {name: pd.Series(depths.round(3), frame.index, dtype="Float64")}
    for layer, by in volume.layer_columns.items():
        columns[layer] = pd.Series(space.layer_of(depths, by), frame.index).astype("string")
    return pd.DataFrame(columns)


def titled_layers(columns: Sequence[Column], volume: Volume, among: Container[str]) -> tuple[Column, ...]:
    """The columns, those of layers `among` them called by the source of the boundaries, where it has a name."""
    by = {name: layers for name, layers in volume.layer_columns.items() if name in among and layers.name}
    return tuple(
        replace(column, title=f"layer ({by[column.name].name})") if column.name in by else column for column in columns
    )


def with_voxels(columns: Sequence[Column], voxel_nm: Sequence[float]) -> tuple[Column, ...]:
    """The columns, those of positions in voxels of this size along x, y and z."""
    sizes = {axis: float(size) for axis, size in zip("xyz", voxel_nm, strict=True)}
    return tuple(
        replace(column, voxel_nm=sizes[column.name[-1]]) if column.kind == "position" else column for column in columns
    )


def columns_in(columns: Sequence[Column], unit: str) -> tuple[Column, ...]:
    """The columns, those of positions in another unit."""
    return tuple(
        replace(column, unit=unit, decimals=2 if unit == "um" else column.decimals)
        if column.kind == "position"
        else column
        for column in columns
    )


def counted_in(info: TableInfo, columns: Sequence[Column], unit: str) -> tuple[TableInfo, tuple[Column, ...]]:
    """What is known of a table and its columns once its positions are in "nm" or "um" instead of voxels.

    Raises BadInput for another unit.
    """
    if unit not in UNIT_NM:
        raise BadInput(f"{unit[:20]!r} is not a unit of positions.", f"Choose one of {', '.join(UNITS)}.")
    size_nm = UNIT_NM[unit]
    return replace(info, voxel_resolution_nm=(size_nm, size_nm, size_nm)), columns_in(columns, unit)


def in_unit(frame: pd.DataFrame, columns: Sequence[Column], unit: str) -> pd.DataFrame:
    """`frame` with its positions in "nm" or "um" (Float64) instead of voxels."""
    shown = frame.copy(deep=False)
    for column in columns:
        if column.kind == "position" and column.voxel_nm:
            shown[column.name] = frame[column.name].astype("Float64") * column.voxel_nm / UNIT_NM[unit]
    return shown
