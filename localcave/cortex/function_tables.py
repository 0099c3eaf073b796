"""Rows of the tables about function: which recorded unit is which nucleus, and what it prefers to see."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from localcave.cortex import recipe
from localcave.cortex.ids import Floats, Ints, stage_rng
from localcave.cortex.model import Cortex, annotation, table
from localcave.cortex.recipe import N_EXCITATORY, UNTYPED
from localcave.cortex.reference_tables import scaled

SCANS = ((4, 7), (5, 3), (5, 6), (5, 7), (6, 2), (6, 4), (6, 6), (6, 7), (7, 3), (7, 4), (7, 5), (8, 5), (9, 3), (9, 4))
"""Session and scan of the functional recordings."""
DEEPEST_RECORDED_UM = 500.0
PREFERENCE_CLUSTERS_UM = 450.0
"""Preferred directions drift over this distance, so that neighbours are not quite independent."""


def _units(cortex: Cortex, stage: str, count: int) -> tuple[Ints, dict[str, pa.Array]]:
    """Nuclei (with repetitions: a cell was seen in several scans) and the columns that name a recorded unit."""
    rng = stage_rng(cortex.seed, "units")
    nuclei = cortex.nuclei
    recorded = (nuclei.type_code != UNTYPED) & (nuclei.type_code < N_EXCITATORY) & (nuclei.cell >= 0)
    recorded &= nuclei.frame_um[:, 1] < DEEPEST_RECORDED_UM
    proofread = np.isin(nuclei.cell, cortex.population.proofread)
    weight = np.where(proofread[recorded], 8.0, 1.0)
    n = scaled(cortex, recipe.COREGISTERED_ROWS)
    distinct = rng.choice(np.flatnonzero(recorded), round(n / 1.22), replace=False, p=weight / weight.sum())
    rows = np.concatenate([distinct, rng.choice(distinct, n - len(distinct))])
    scan = np.array(SCANS)[rng.integers(0, len(SCANS), n)]
    unit = rng.integers(1, 12_000, n)
    field = rng.integers(1, 9, n)
    chosen = np.sort(stage_rng(cortex.seed, stage).permutation(n)[: scaled(cortex, count)])
    columns = {**annotation(len(chosen)), "target_id": pa.array(nuclei.id[rows[chosen]])}
    for name, values in (("session", scan[:, 0]), ("scan_idx", scan[:, 1]), ("unit_id", unit), ("field", field)):
        columns[name] = pa.array(values[chosen].astype(np.int32))
    return rows[chosen], columns


def coregistration(cortex: Cortex) -> pa.Table:
    """coregistration_manual_v4: which recorded unit is which nucleus."""
    rows, columns = _units(cortex, "coregistration", recipe.COREGISTERED_ROWS)
    rng = stage_rng(cortex.seed, "residuals")
    residual = rng.gamma(3.0, 2.0, len(rows))
    columns["residual"] = pa.array(residual.astype(np.float32))
    columns["score"] = pa.array((rng.normal(6, 5, len(rows)) - residual / 2).astype(np.float32))
    return table(columns)


def _tuning(cortex: Cortex, rows: Ints, stage: str) -> dict[str, Floats]:
    """Tuning of the cells of nuclei: what belongs to a cell is the same in all its rows, up to noise."""
    cell = stage_rng(cortex.seed, "tuning")
    total = len(cortex.nuclei.id)
    drift = 2 * np.pi * cortex.nuclei.frame_um[:, [0, 2]].sum(axis=1) / PREFERENCE_CLUSTERS_UM
    direction = (drift + cell.normal(0, 1.6, total)) % (2 * np.pi)
    selective = cell.beta(2, 3, total)
    rng = stage_rng(cortex.seed, stage)
    direction = (direction[rows] + rng.normal(0, 0.08, len(rows))) % (2 * np.pi)
    gosi = np.clip(selective[rows] * rng.normal(0.8, 0.05, len(rows)), 0, 1)
    gdsi = np.clip(gosi * rng.beta(2, 3, len(rows)), 0, 1)
    cc_max = np.clip(rng.beta(5, 3, len(rows)), 0.05, 1)
    cc_norm = np.clip(rng.beta(5, 2.7, len(rows)), 0, 1)
    return {
        "direction": direction,
        "gOSI": gosi,
        "gDSI": gdsi,
        "OSI": np.clip(gosi * 1.25, 0, 1),
        "DSI": np.clip(gdsi * 1.25, 0, 1),
        "cc_max": cc_max,
        "cc_norm": cc_norm,
        "cc_abs": cc_max * cc_norm,
        "readout_loc_x": np.clip(rng.normal(0, 0.35, len(rows)), -1, 1),
        "readout_loc_y": np.clip(rng.normal(0, 0.35, len(rows)), -1, 1),
    }


def functional_properties(cortex: Cortex) -> pa.Table:
    """functional_properties_v3_bcm: preferred orientation and direction in radians."""
    rows, columns = _units(cortex, "properties", recipe.FUNCTIONAL_ROWS)
    tuning = _tuning(cortex, rows, "properties tuning")
    del columns["field"]
    columns["pref_ori"] = _float(tuning["direction"] % np.pi)
    columns["pref_dir"] = _float(tuning["direction"])
    return table(columns | {name: _float(tuning[name]) for name in ("gOSI", "gDSI", "cc_abs")})


def digital_twin(cortex: Cortex) -> pa.Table:
    """digital_twin_properties_bcm_coreg_v4: the same and more of a model of each unit, in degrees."""
    rows, columns = _units(cortex, "twin", recipe.DIGITAL_TWIN_ROWS)
    tuning = _tuning(cortex, rows, "twin tuning")
    del columns["field"]
    degrees = np.rad2deg(tuning.pop("direction"))
    columns["pref_ori"] = _float(degrees % 180)
    columns["pref_dir"] = _float(degrees)
    order = ("gOSI", "gDSI", "cc_abs", "cc_max", "cc_norm", "OSI", "DSI", "readout_loc_x", "readout_loc_y")
    return table(columns | {name: _float(tuning[name]) for name in order})


def _float(values: Floats) -> pa.Array:
    return pa.array(values.astype(np.float32))
