"""The whole cortex in memory, and how its parts look at a version."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from localcave.cortex import arbors as arbor_module
from localcave.cortex import recipe, space
from localcave.cortex.arbors import Arbors
from localcave.cortex.edits import Editor, make_history
from localcave.cortex.history import History
from localcave.cortex.ids import SYNAPSE_GAP, Floats, Ints, level2_ids, stage_rng
from localcave.cortex.nuclei import Nuclei, make_nuclei
from localcave.cortex.placement import Synapses, place
from localcave.cortex.population import Population, make_population
from localcave.cortex.recipe import Size
from localcave.cortex.supervoxels import Supervoxels, make_supervoxels
from localcave.cortex.wiring import Wiring, wire
from localcave.segmentation.trees import tree_roots

Step = Callable[[str], None]
CYTOPLASM = 1.25
"""Radius of a soma against that of its nucleus."""


@dataclass(frozen=True)
class Cortex:
    """Everything drawn; `atom` is the atom of every supervoxel and `synapse_id` ascends with x."""

    seed: int
    size: Size
    nuclei: Nuclei
    population: Population
    wiring: Wiring
    arbors: Arbors
    synapses: Synapses
    synapse_id: Ints
    supervoxels: Supervoxels
    history: History
    atom: Ints

    def roots(self, version: int) -> Ints:
        """Root id of every supervoxel at a version, with a last entry 0 for "no supervoxel" (index -1)."""
        return self._roots[version]

    @cached_property
    def _roots(self) -> dict[int, Ints]:
        times = {version: np.datetime64(time, "us") for version, time in recipe.VERSION_TIME.items()}
        return {version: np.append(self.history.root_at(time)[self.atom], 0) for version, time in times.items()}

    @cached_property
    def roots_now(self) -> Ints:
        """Root id of every supervoxel now."""
        roots: Ints = self.history.owner_root[self.supervoxels.owner]
        return roots

    @cached_property
    def level2(self) -> Ints:
        """Level 2 id of every supervoxel: of an arbor one for each part between branch points that lies in a chunk
        and always was in one root, so that meshparty finds a node in each of its segments; of all else one for each
        atom and chunk."""
        chunk, n_nodes = self.supervoxels.chunk, len(self.arbors.parent)
        above = np.where(self.arbors.parent >= 0, self.arbors.parent, np.arange(n_nodes))
        is_only_child = np.bincount(above, minlength=n_nodes)[above] == 1
        together = is_only_child & (chunk[:n_nodes] == chunk[above]) & (self.atom[:n_nodes] == self.atom[above])
        top = tree_roots(np.where(together, above, np.arange(n_nodes)))
        return level2_ids(np.concatenate([top, n_nodes + self.atom[n_nodes:]]), chunk)


def draw(seed: int, size: Size, step: Step) -> Cortex:
    """Draw a cortex; `step` is told what comes next."""
    step("nuclei")
    nuclei = make_nuclei(seed, size)
    population = make_population(seed, size, nuclei)
    step("connections")
    wiring = wire(seed, size, population)
    step("arbors")
    first_nucleus = np.flatnonzero(np.isin(nuclei.cell, population.proofread))
    volume = np.empty(nuclei.n_cells)
    volume[nuclei.cell[first_nucleus]] = nuclei.volume_um3[first_nucleus]
    soma_radius_nm = CYTOPLASM * 1000 * (3 * volume[population.proofread] / (4 * np.pi)) ** (1 / 3)
    arbors = arbor_module.grow(seed, population, soma_radius_nm)
    step("synapses")
    synapses, arbors = place(seed, population, wiring, arbors)
    rng = stage_rng(seed, "synapse ids")
    synapse_id = np.empty(len(wiring.pre), dtype=np.int64)
    synapse_id[np.argsort(synapses.ctr_nm[:, 0], kind="stable")] = np.cumsum(
        rng.integers(1, 2 * SYNAPSE_GAP, len(wiring.pre))
    )
    step("segmentation")
    supervoxels = make_supervoxels(nuclei, population, wiring, synapses, arbors)
    atom = supervoxels.owner.copy()
    editor = Editor(stage_rng(seed, "edits"), nuclei, population, wiring, arbors, supervoxels, atom)
    history, atom = make_history(size, editor)
    return Cortex(seed, size, nuclei, population, wiring, arbors, synapses, synapse_id, supervoxels, history, atom)


def positions(name: str, position_nm: Floats) -> dict[str, pa.Array]:
    """Three int32 columns of voxels of 4, 4, 40 nm."""
    voxels = space.to_voxels(position_nm)
    return {f"{name}_{axis}": pa.array(voxels[:, number]) for number, axis in enumerate("xyz")}


def bound_point(cortex: Cortex, name: str, position_nm: Floats, supervoxel: Ints, version: int) -> dict[str, pa.Array]:
    """Columns of a point bound to the segmentation: position, supervoxel id, root id at a version."""
    ids = np.append(cortex.supervoxels.id, 0)
    return {
        **positions(f"{name}_position", position_nm),
        f"{name}_supervoxel_id": pa.array(ids[supervoxel]),
        f"{name}_root_id": pa.array(cortex.roots(version)[supervoxel]),
    }


def annotation(count: int, ids: Ints | None = None) -> dict[str, pa.Array]:
    """The columns that every table begins with: id (1, 2, ... unless given) and valid."""
    number = np.arange(1, count + 1) if ids is None else ids
    return {"id": pa.array(number), "valid": pa.array(np.ones(count, dtype=bool))}


def names(values: tuple[str, ...] | list[str], codes: NDArray[np.integer]) -> pa.Array:
    """Strings by their codes."""
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(list(values))).cast(pa.string())


def table(columns: Mapping[str, pa.Array]) -> pa.Table:
    """A table of these columns."""
    return pa.table(dict(columns))
