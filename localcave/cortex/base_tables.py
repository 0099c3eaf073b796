"""Rows of the tables that hold ids: nuclei, synapses and proofreading."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from localcave.cortex import recipe
from localcave.cortex.ids import Ints, stage_rng
from localcave.cortex.model import Cortex, annotation, bound_point, names, table
from localcave.cortex.population import NO_ROW, STRATEGIES

NO_POSITION = {f"bb_{end}_position_{axis}": pa.int32() for end in ("start", "end") for axis in "xyz"}
FIRST_ASSESSMENT = "2023-06-01T00:00:00"


def nucleus_detection(cortex: Cortex, version: int) -> pa.Table:
    """nucleus_detection_v0: the bounding boxes are empty, as in the original."""
    nuclei = cortex.nuclei
    columns = annotation(len(nuclei.id), nuclei.id)
    columns["volume"] = pa.array(nuclei.volume_um3.astype(np.float32))
    columns |= bound_point(cortex, "pt", nuclei.position_nm, cortex.supervoxels.of_nucleus, version)
    columns |= {name: pa.nulls(len(nuclei.id), kind) for name, kind in NO_POSITION.items()}
    return table(columns)


def synapses(cortex: Cortex, version: int, rows: Ints | None = None) -> pa.Table:
    """synapses_pni_2, all rows or some."""
    chosen = np.arange(len(cortex.synapse_id)) if rows is None else rows
    points, cut = cortex.synapses, cortex.supervoxels
    columns = annotation(len(chosen), cortex.synapse_id[chosen])
    columns |= bound_point(cortex, "pre_pt", points.pre_nm[chosen], cut.of_pre[chosen], version)
    columns |= bound_point(cortex, "post_pt", points.post_nm[chosen], cut.of_post[chosen], version)
    centre = bound_point(cortex, "ctr_pt", points.ctr_nm[chosen], cut.of_pre[chosen], version)
    columns |= {name: values for name, values in centre.items() if "position" in name}
    columns["size"] = pa.array(points.size[chosen])
    return table(columns)


def changed_synapses(cortex: Cortex, version: int) -> Ints:
    """Synapses with another root id than at the newest version."""
    cut, old_roots, new_roots = cortex.supervoxels, cortex.roots(version), cortex.roots(recipe.NEWEST_VERSION)
    moved = old_roots != new_roots
    return np.flatnonzero(moved[cut.of_pre] | moved[cut.of_post])


def assessments(cortex: Cortex) -> dict[int, NDArray[np.datetime64]]:
    """When each slot was last assessed, as known at every version: again whenever the strategy changed."""
    rng = stage_rng(cortex.seed, "assessments")
    times_of: dict[int, NDArray[np.datetime64]] = {}
    begin, last = np.datetime64(FIRST_ASSESSMENT, "us"), None
    strategy_before = np.full(len(cortex.population.proofread), NO_ROW)
    for version in recipe.VERSIONS:
        end = np.datetime64(recipe.VERSION_TIME[version], "us")
        span = (end - begin).astype(np.int64)
        random_times = begin + (rng.random(len(strategy_before)) * span).astype(np.int64).astype("timedelta64[us]")
        strategy = cortex.population.strategy[version]
        last = random_times if last is None else np.where(strategy != strategy_before, random_times, last)
        times_of[version], strategy_before, begin = last, strategy, end
    return times_of


def proofreading(cortex: Cortex, version: int) -> pa.Table:
    """proofreading_status_and_strategy: `valid_id` is the root id that was assessed, which edits leave behind."""
    population, nuclei = cortex.population, cortex.nuclei
    rng = stage_rng(cortex.seed, "proofreading")
    number = rng.permutation(len(population.proofread)) + 1
    dendrite = rng.random(len(number)) >= recipe.DENDRITE_NOT_PROOFREAD
    extended = rng.random(len(number)) < 0.2
    slots = np.flatnonzero(population.strategy[version] != NO_ROW)
    slots = slots[np.argsort(number[slots])]
    nucleus_of = np.zeros(nuclei.n_cells, dtype=np.int64)
    nucleus_of[nuclei.cell] = np.arange(len(nuclei.id))
    supervoxel = cortex.supervoxels.of_nucleus[nucleus_of[population.proofread[slots]]]
    assessed = assessments(cortex)[version][slots]
    strategy = population.strategy[version][slots]
    columns = annotation(len(slots), number[slots])
    columns |= bound_point(cortex, "pt", population.soma_nm[population.proofread[slots]], supervoxel, version)
    columns["valid_id"] = pa.array(cortex.history.roots_at(cortex.atom[supervoxel], assessed))
    columns["status_dendrite"] = pa.array(dendrite[slots])
    columns["status_axon"] = pa.array(strategy != STRATEGIES.index("none"))
    kind = np.where(dendrite[slots], np.where(extended[slots], 2, 1), 0)
    columns["strategy_dendrite"] = names(("none", "dendrite_clean", "dendrite_extended"), kind)
    columns["strategy_axon"] = names(STRATEGIES, strategy)
    return table(columns)
