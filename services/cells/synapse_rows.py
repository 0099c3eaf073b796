"""The position of the synapses in a frame of :meth:`client.Cave.synapses`."""

from __future__ import annotations

import numpy as np
import pandas as pd

from services.core import space
from services.core.profiles import Volume

CENTRE_NM = tuple(f"ctr_pt_position_{axis}_nm" for axis in "xyz")
"""The columns of a synapse's centre, in nm."""


def depths_um(synapses: pd.DataFrame, volume: Volume) -> space.Floats:
    """The depth of each synapse below the pia in um; NaN where it has no position, or the volume has no depths."""
    points_nm = np.column_stack([synapses[name].to_numpy(np.float64, na_value=np.nan) for name in CENTRE_NM])
    return space.depths_of(points_nm, volume)
