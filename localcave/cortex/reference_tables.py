"""Rows of the tables that say something about nuclei: cell types of several makers, areas, corrected points."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from localcave.cortex import recipe
from localcave.cortex.ids import Floats, Ints, stage_rng
from localcave.cortex.model import Cortex, annotation, bound_point, names, table
from localcave.cortex.population import lateral_um
from localcave.cortex.recipe import N_EXCITATORY, N_NEURON_TYPES, TYPE, TYPES, UNTYPED

CLASSES = ("excitatory_neuron", "inhibitory_neuron", "nonneuron")
MANUAL_NAMES = tuple("5P-PT" if name == "5P-ET" else name for name in TYPES)
"""Names of the types in all tables but the metamodel's."""
POINT_ERROR_NM = np.array([1500.0, 1500.0, 1500.0])


def reference(target_id: Ints, system: pa.Array, cell_type: pa.Array) -> pa.Table:
    """A cell_type_reference table; annotation ids follow the order of the rows."""
    columns = annotation(len(target_id))
    return table({**columns, "target_id": pa.array(target_id), "classification_system": system, "cell_type": cell_type})


def class_code(type_code: NDArray[np.integer]) -> NDArray[np.integer]:
    """Index into `CLASSES` by type."""
    return (type_code >= N_EXCITATORY).astype(np.int8) + (type_code >= N_NEURON_TYPES)


def scaled(cortex: Cortex, count: int) -> int:
    """A published number of rows at the size of this cortex, at least 1."""
    return max(1, round(count * cortex.size.nuclei_share))


def metamodel(cortex: Cortex) -> pa.Table:
    """aibs_metamodel_celltypes_v661: every typed nucleus, a few of them twice with different types."""
    rng = stage_rng(cortex.seed, "metamodel")
    code = cortex.nuclei.type_code
    typed = np.flatnonzero(code != UNTYPED)
    n_twice = max(1, scaled(cortex, recipe.TYPE_ROWS) - len(typed))
    again = rng.choice(typed[code[typed] == TYPE["5P-IT"]], n_twice, replace=False)
    rows = np.concatenate([typed, again])
    types = np.concatenate([code[typed], np.full(n_twice, TYPE["4P"])])
    order = rng.permutation(len(rows))
    rows, types = rows[order], types[order]
    return reference(cortex.nuclei.id[rows], names(CLASSES, class_code(types)), names(TYPES, types))


def neuron_svm(cortex: Cortex) -> pa.Table:
    """nucleus_ref_neuron_svm: neuron or not, for every nucleus."""
    order = stage_rng(cortex.seed, "svm").permutation(len(cortex.nuclei.id))
    answer = names(("not-neuron", "neuron"), cortex.nuclei.is_neuron[order].astype(np.int8))
    return reference(cortex.nuclei.id[order], names(("is_neuron",), np.zeros(len(order), int)), answer)


def m_types(rng: np.random.Generator, type_code: NDArray[np.integer], depth_um: Floats) -> NDArray[np.object_]:
    """M-type of neurons: within a type by depth where it spans several, else at random in the published shares."""
    result = np.full(len(type_code), "", dtype=object)
    for name, (shares, by_depth) in recipe.M_TYPES.items():
        of_type = np.flatnonzero(type_code == TYPE[name])
        labels, weights = list(shares), np.array(list(shares.values()))
        rank = np.argsort(np.argsort(depth_um[of_type] + rng.normal(0, 12, len(of_type)))) if by_depth else None
        draw = rng.random(len(of_type)) if rank is None else (rank + 0.5) / max(len(of_type), 1)
        result[of_type] = np.array(labels, dtype=object)[
            np.searchsorted(np.cumsum(weights / weights.sum()), draw).clip(0, len(labels) - 1)
        ]
    return result


def metamodel_mtypes(cortex: Cortex) -> pa.Table:
    """aibs_metamodel_mtypes_v661_v2: m-types of the typed neurons."""
    rng = stage_rng(cortex.seed, "m-types")
    code = cortex.nuclei.type_code
    neurons = np.flatnonzero((code != UNTYPED) & (code < N_NEURON_TYPES))
    rows = rng.permutation(neurons)[: scaled(cortex, recipe.M_TYPE_ROWS)]
    labels = m_types(rng, code[rows], cortex.nuclei.frame_um[rows, 1])
    system = names(CLASSES, class_code(code[rows]))
    return reference(cortex.nuclei.id[rows], system, pa.array(labels, pa.string()))


def _column(cortex: Cortex) -> tuple[Ints, list[str]]:
    """Nuclei of the manually typed column, nearest to its axis, and the manual type of each."""
    code, distance = cortex.nuclei.type_code, lateral_um(cortex.nuclei.frame_um)
    alone = np.append(cortex.population.single, False)[cortex.nuclei.cell]  # cell -1 is root id 0
    queue = {}
    for name in recipe.NEURONS:
        of_type = np.flatnonzero((code == TYPE[name]) & alone)
        queue[name] = iter(of_type[np.argsort(distance[of_type], kind="stable")].tolist())
    rows, labels = [], []
    for manual, sources in recipe.MANUAL_FROM_METAMODEL.items():
        for source, count in sources.items():
            for _ in range(scaled(cortex, count)):
                nucleus = next(queue[source], None)
                if nucleus is not None:
                    rows.append(nucleus)
                    labels.append(manual)
    odd = np.flatnonzero((code != UNTYPED) & (code < N_NEURON_TYPES) & ~alone)
    odd = odd[np.argsort(distance[odd], kind="stable")][: scaled(cortex, recipe.COLUMN_ODD_ROWS)]
    return np.array([*rows, *odd]), [*labels, *(MANUAL_NAMES[c] for c in code[odd])]


def column_types(cortex: Cortex) -> pa.Table:
    """allen_v1_column_types_slanted_ref: types that people gave, which differ here and there from the model's."""
    rows, labels = _column(cortex)
    order = stage_rng(cortex.seed, "column").permutation(len(rows))
    systems = [recipe.MANUAL_SYSTEM.get(label, "aibs_coarse_excitatory") for label in labels]
    return reference(
        cortex.nuclei.id[rows[order]], *(pa.array([values[i] for i in order]) for values in (systems, labels))
    )


def column_mtypes(cortex: Cortex) -> pa.Table:
    """allen_column_mtypes_v2: m-types of the cells of the column."""
    rows, _ = _column(cortex)
    rng = stage_rng(cortex.seed, "column m-types")
    rows = rng.permutation(rows)[: scaled(cortex, recipe.COLUMN_M_TYPE_ROWS)]
    code = cortex.nuclei.type_code[rows]
    labels = m_types(rng, code, cortex.nuclei.frame_um[rows, 1])
    return reference(cortex.nuclei.id[rows], names(CLASSES, class_code(code)), pa.array(labels, pa.string()))


def column_nonneuronal(cortex: Cortex) -> pa.Table:
    """aibs_column_nonneuronal_ref: the cells of the column that are not neurons."""
    glia = np.flatnonzero(cortex.nuclei.type_code >= N_NEURON_TYPES)
    near = glia[np.argsort(lateral_um(cortex.nuclei.frame_um[glia]), kind="stable")]
    rows = near[: scaled(cortex, recipe.COLUMN_GLIA_ROWS)]
    system = names(("aibs_coarse_nonneuronal",), np.zeros(len(rows), int))
    return reference(cortex.nuclei.id[rows], system, names(TYPES, cortex.nuclei.type_code[rows]))


def _predicted(cortex: Cortex, stage: str, count: int, right: float) -> tuple[Ints, NDArray[np.integer]]:
    """Some typed neurons and what another model says of them: mostly the same, else another type of the class."""
    rng = stage_rng(cortex.seed, stage)
    code = cortex.nuclei.type_code
    neurons = np.flatnonzero((code != UNTYPED) & (code < N_NEURON_TYPES) & (cortex.nuclei.cell >= 0))
    rows = rng.permutation(neurons)[: scaled(cortex, count)]
    truth = code[rows].astype(int)
    other = np.where(
        truth < N_EXCITATORY,
        rng.integers(0, N_EXCITATORY, len(rows)),
        rng.integers(N_EXCITATORY, N_NEURON_TYPES, len(rows)),
    )
    return rows, np.where(rng.random(len(rows)) < right, truth, other)


def baylor_coarse(cortex: Cortex) -> pa.Table:
    """baylor_log_reg_cell_type_coarse_v1: excitatory or inhibitory."""
    rows, code = _predicted(cortex, "baylor coarse", recipe.BAYLOR_COARSE_ROWS, 0.9)
    wrong = stage_rng(cortex.seed, "baylor errors").random(len(rows)) < 0.02
    answer = names(("excitatory", "inhibitory"), (class_code(code) != wrong).astype(int))
    return reference(cortex.nuclei.id[rows], names(("baylor_coarse",), np.zeros(len(rows), int)), answer)


def baylor_fine(cortex: Cortex) -> pa.Table:
    """baylor_gnn_cell_type_fine_model_v2: types of neurons, with 5P-PT for 5P-ET."""
    rows, code = _predicted(cortex, "baylor fine", recipe.BAYLOR_FINE_ROWS, 0.88)
    system = names(("excitatory", "inhibitory"), class_code(code))
    return reference(cortex.nuclei.id[rows], system, names(MANUAL_NAMES, code))


def functional_area(cortex: Cortex) -> pa.Table:
    """nucleus_functional_area_assignment: visual area and distance to its border in um."""
    nuclei = cortex.nuclei
    columns = {"id": pa.array(np.arange(1, len(nuclei.id) + 1)), "tag": names(recipe.AREAS, nuclei.area)}
    columns |= {"valid": pa.array(np.ones(len(nuclei.id), bool)), "target_id": pa.array(nuclei.id)}
    return table({**columns, "value": pa.array(nuclei.area_um.astype(np.float32))})


def alternative_points(cortex: Cortex, version: int) -> pa.Table:
    """nucleus_alternative_points: another point for some nuclei, in the cell where the detected one was not."""
    rng = stage_rng(cortex.seed, "alternative points")
    rows = np.sort(rng.choice(len(cortex.nuclei.id), scaled(cortex, recipe.ALTERNATIVE_POINTS), replace=False))
    point = cortex.nuclei.position_nm[rows] + rng.normal(0, POINT_ERROR_NM, (len(rows), 3))
    columns = {**annotation(len(rows)), "target_id": pa.array(cortex.nuclei.id[rows])}
    return table(columns | bound_point(cortex, "pt", point, cortex.supervoxels.of_nucleus[rows], version))


def coarse_cell_class(cortex: Cortex, version: int) -> pa.Table:
    """allen_soma_coarse_cell_class_model_v1: a table with positions of its own (cell_type_local)."""
    rng = stage_rng(cortex.seed, "coarse class")
    rows = np.sort(
        rng.choice(np.flatnonzero(cortex.nuclei.is_neuron), scaled(cortex, recipe.COARSE_CLASS_ROWS), replace=False)
    )
    inhibitory = (cortex.nuclei.type_code[rows] >= N_EXCITATORY).astype(int)
    columns = annotation(len(rows))
    columns["classification_system"] = names(("aibs_coarse",), np.zeros(len(rows), int))
    columns["cell_type"] = names(("excitatory", "inhibitory"), inhibitory)
    point = cortex.nuclei.position_nm[rows]
    return table(columns | bound_point(cortex, "pt", point, cortex.supervoxels.of_nucleus[rows], version))


def tags(target_id: Ints, labels: Sequence[str], codes: NDArray[np.integer]) -> pa.Table:
    """A reference_tag table."""
    ids = {"id": pa.array(np.arange(1, len(target_id) + 1)), "tag": names(tuple(labels), codes)}
    return table({**ids, "valid": pa.array(np.ones(len(target_id), bool)), "target_id": pa.array(target_id)})
