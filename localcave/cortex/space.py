"""Between the frame of the cortex (x, depth, z in micrometres) and nanometres of the volume.

The constants are those of `standard_transform.minnie_ds` (5 degrees about z, then the pia at depth 0).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from localcave.cortex.ids import Floats
from localcave.cortex.recipe import VOLUME_MAX_NM, VOLUME_MIN_NM, VOXEL_NM

_COS, _SIN = np.cos(np.deg2rad(5)), np.sin(np.deg2rad(5))
_PIA_NM = 396_671.0322102845
UP = np.array([-_SIN, -_COS, 0.0])
"""Unit vector towards the pia, in nanometres of the volume."""


def to_nm(frame_um: Floats) -> Floats:
    """Positions (n, 3) of the volume in nm for x, depth, z in um."""
    x, y = frame_um[:, 0] * 1000, frame_um[:, 1] * 1000 + _PIA_NM
    return np.column_stack([x * _COS + y * _SIN, -x * _SIN + y * _COS, frame_um[:, 2] * 1000])


def depth_um(position_nm: Floats) -> Floats:
    """Depth below the pia of positions (n, 3) in nm."""
    depth: Floats = (position_nm[..., 0] * _SIN + position_nm[..., 1] * _COS - _PIA_NM) / 1000
    return depth


def to_voxels(position_nm: Floats) -> NDArray[np.int32]:
    """Voxels of 4, 4, 40 nm, (n, 3) int32."""
    return np.rint(position_nm / VOXEL_NM).astype(np.int32)


def inside(position_nm: Floats, shallowest_um: float = 2.0) -> Floats:
    """Positions moved to the nearest place inside the volume and below the pia."""
    above = np.clip(shallowest_um - depth_um(position_nm), 0, None) * 1000
    moved: Floats = np.clip(position_nm - above[..., None] * UP, VOLUME_MIN_NM + 1000, VOLUME_MAX_NM - 1000)
    return moved
