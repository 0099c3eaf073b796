"""Rows of tables that public notebooks name: of VORTEX, and those that newer tables replaced."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from localcave.cortex import base_tables, recipe
from localcave.cortex.arbors import AXON
from localcave.cortex.ids import stage_rng
from localcave.cortex.model import Cortex, annotation, bound_point, names, table
from localcave.cortex.recipe import TYPE
from localcave.cortex.reference_tables import scaled

STATUS = ("non", "clean", "extended")
MET_TYPES = ("Sst MET 1", "Sst MET 2", "Sst MET 3", "Sst MET 4")


def myelination(cortex: Cortex, version: int) -> pa.Table:
    """vortex_manual_myelination_v0: places along every proofread axon; basket cells and deep cells are myelinated most,
    and not near the soma."""
    arbors, rng = cortex.arbors, stage_rng(cortex.seed, "myelin")
    first, count = arbors.ranges(len(cortex.population.proofread), AXON)
    step = np.linspace(0, 1, recipe.MYELIN_POINTS_PER_AXON, endpoint=False)
    nodes = np.unique((first[:, None] + (step * count[:, None]).astype(np.int64))[count > 0])
    slot = arbors.slot[nodes]
    likely = np.where(cortex.population.slot_type[slot] == TYPE["BC"], 0.6, 0.3)
    myelinated = (arbors.path_um[nodes] > recipe.UNMYELINATED_UM) & (rng.random(len(nodes)) < likely)
    columns = annotation(len(nodes)) | bound_point(cortex, "pt", arbors.position_nm[nodes], nodes, version)
    columns["tag"] = names(("f", "t"), myelinated.astype(np.int8))
    columns["valid_id"] = pa.array(cortex.roots(recipe.EXPIRED_VERSION)[nodes])
    return table(columns)


def astrocytes(cortex: Cortex, version: int) -> pa.Table:
    """vortex_astrocyte_proofreading_status: some astrocytes with one nucleus each, under its id."""
    nuclei, rng = cortex.nuclei, stage_rng(cortex.seed, "astrocytes")
    single = (nuclei.type_code == TYPE["astrocyte"]) & (nuclei.cell >= 0)
    single &= (nuclei.somas_per_cell()[nuclei.cell] == 1) & single
    rows = rng.choice(np.flatnonzero(single), scaled(cortex, recipe.ASTROCYTE_ROWS), replace=False)
    rows = rows[np.argsort(nuclei.id[rows])]
    supervoxel = cortex.supervoxels.of_nucleus[rows]
    columns = annotation(len(rows), nuclei.id[rows])
    columns |= bound_point(cortex, "pt", nuclei.position_nm[rows], supervoxel, version)
    columns["status"] = names(STATUS, rng.choice(len(STATUS), len(rows), p=[0.3, 0.5, 0.2]))
    columns["valid_id"] = pa.array(cortex.roots(version)[supervoxel])
    return table(columns)


def public_release(cortex: Cortex, version: int) -> pa.Table:
    """proofreading_status_public_release: proofreading_status_and_strategy in the words of before."""
    rows = base_tables.proofreading(cortex, version)
    extended = [strategy == "axon_fully_extended" for strategy in rows["strategy_axon"].to_pylist()]
    axon = np.where(extended, 2, np.where(rows["status_axon"].to_numpy(), 1, 0))
    strategies = rows["strategy_dendrite"].to_pylist()
    dendrite = np.array([("none", "dendrite_clean", "dendrite_extended").index(strategy) for strategy in strategies])
    other_columns = rows.drop_columns(["status_axon", "status_dendrite", "strategy_axon", "strategy_dendrite"])
    return other_columns.append_column("status_dendrite", names(STATUS, dendrite)).append_column(
        "status_axon", names(STATUS, axon)
    )


def met_types(cortex: Cortex) -> pa.Table:
    """gamlin_2023_mcs_met_types: Martinotti cells with a predicted type and how sure it is."""
    nuclei, rng = cortex.nuclei, stage_rng(cortex.seed, "met types")
    rows = np.flatnonzero((nuclei.type_code == TYPE["MC"]) & (nuclei.cell >= 0))
    rows = np.sort(rng.choice(rows, min(len(rows), recipe.MET_TYPE_ROWS), replace=False))
    columns = annotation(len(rows)) | {"target_id": pa.array(nuclei.id[rows])}
    columns["tag"] = names(MET_TYPES, rng.integers(0, len(MET_TYPES), len(rows)))
    columns["value"] = pa.array(rng.beta(6, 2, len(rows)).astype(np.float32))
    return table(columns)
