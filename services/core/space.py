"""Positions: voxels, nanometres, and micrometres along the cortical axes.

The axes of a volume are those of `standard_transform`: depth grows from the pia down, x and z lie along
the surface. Where a volume has no transform ("identity"), they are the raw axes in um.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import standard_transform
from standard_transform.base import TransformSequence

from services.core.profiles import LayerSet, Volume

Floats: TypeAlias = npt.NDArray[np.float64]
AXES = "xyz"


def points(frame: pd.DataFrame, column: str = "pt_position") -> Floats:
    """The split position `<column>_x`, `_y`, `_z` as float64 of shape (rows, 3); null is NaN."""
    names = [f"{column}_{axis}" for axis in AXES]
    return np.column_stack([frame[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in names])


def voxels_to_nm(points_vx: npt.ArrayLike, resolution_nm: Sequence[float]) -> Floats:
    """Voxels to nanometres; shape (..., 3) in and out."""
    return np.asarray(points_vx, dtype=np.float64) * np.asarray(resolution_nm, dtype=np.float64)


def nm_to_voxels(points_nm: npt.ArrayLike, resolution_nm: Sequence[float]) -> Floats:
    """Nanometres to (fractional) voxels; shape (..., 3) in and out."""
    return np.asarray(points_nm, dtype=np.float64) / np.asarray(resolution_nm, dtype=np.float64)


def nm_to_um(points_nm: npt.ArrayLike, volume: Volume) -> Floats:
    """Nanometres of shape (rows, 3) to (x, depth, z) in um along the volume's own axes."""
    points = np.asarray(points_nm, dtype=np.float64).reshape(-1, 3)
    if not len(points):
        return points
    turned: Floats = _transform(volume.transform).apply(points)
    return turned


def positions_um(frame: pd.DataFrame, column: str, resolution_nm: Sequence[float], volume: Volume) -> pd.DataFrame:
    """The positions of `frame` (split, in voxels of `resolution_nm`) along the volume's axes.

    Returns float64 columns, called as :attr:`Volume.axes`, with the index of `frame`; null gives NaN.
    """
    um = nm_to_um(voxels_to_nm(points(frame, column), resolution_nm), volume)
    return pd.DataFrame(um, columns=list(volume.axes), index=frame.index)


def depth_um(frame: pd.DataFrame, column: str, resolution_nm: Sequence[float], volume: Volume) -> Floats:
    """Only the depth below the pia in um of :func:`positions_um`; NaN where the volume has none."""
    return depths_of(voxels_to_nm(points(frame, column), resolution_nm), volume)


def depths_of(points_nm: npt.ArrayLike, volume: Volume) -> Floats:
    """The depth below the pia in um of nanometres of shape (rows, 3); NaN where the volume has none."""
    depths: Floats = nm_to_um(points_nm, volume)[:, 1]
    return depths if volume.has_depth else np.full(len(depths), np.nan)


def layer_of(depths_um: npt.ArrayLike, volume: Volume | LayerSet) -> pd.Categorical:
    """The layer of each depth, as ordered categories from the top down.

    A layer begins at its top and ends where the next begins; the first also holds what lies above its top.
    NaN depth, or a volume without layers, gives null; those of a volume are its first ones.
    """
    depths = np.asarray(depths_um, dtype=np.float64)
    names = [name for name, _ in volume.layers]
    tops = np.array([top for _, top in volume.layers[1:]], dtype=np.float64)
    codes = np.where(np.isnan(depths) | (not names), -1, np.searchsorted(tops, depths, side="right"))
    return pd.Categorical.from_codes(codes.tolist(), dtype=pd.CategoricalDtype(names, ordered=True))


@cache
def _transform(name: str) -> TransformSequence:
    datasets = {"minnie65": standard_transform.minnie_ds, "v1dd": standard_transform.v1dd_ds}
    if name in datasets:
        return datasets[name].transform("nm")
    if name == "identity":
        nm_to_um = TransformSequence()
        nm_to_um.add_scaling(1e-3)
        return nm_to_um
    raise ValueError(f"{name!r} is no transform of standard_transform; use one of {', '.join(datasets)} or identity")
