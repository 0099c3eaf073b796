"""Rows of the tables that say something about nuclei: cell types of several makers, areas, corrected points."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from localcave.cortex import recipe
from localcave.cortex.ids import Ints, stage_rng
from localcave.cortex.model import Cortex, annotation, bound_point, names, table
from localcave.cortex.population import lateral_um
from localcave.cortex.recipe import N_NEURON_TYPES, NEURONS, TYPE, TYPES, UNTYPED

CLASSES = ("excitatory_neuron", "inhibitory_neuron", "nonneuron")


def reference(target_id: Ints, system: pa.Array, cell_type: pa.Array) -> pa.Table:
    """A cell_type_reference table; annotation ids follow the order of the rows."""
    columns = annotation(len(target_id))
    return table({**columns, "target_id": pa.array(target_id), "classification_system": system, "cell_type": cell_type})


def class_code(type_code: NDArray[np.integer]) -> NDArray[np.integer]:
    """Index into `CLASSES` by type."""
    return (type_code >= recipe.N_EXCITATORY).astype(np.int8) + (type_code >= N_NEURON_TYPES)


def metamodel(cortex: Cortex) -> pa.Table:
    """aibs_metamodel_celltypes_v661: every typed nucleus, a few of them twice with different types."""
    rng = stage_rng(cortex.seed, "metamodel")
    typed = np.flatnonzero(cortex.nuclei.type_code != UNTYPED)
    n_twice = round(recipe.TYPE_ROWS * cortex.size.nuclei_share) - len(typed)
    excitatory = typed[cortex.nuclei.type_code[typed] == TYPE["5P-IT"]]
    again = rng.choice(excitatory, max(n_twice, 1), replace=False)
    rows = np.concatenate([typed, again])
    code = np.concatenate([cortex.nuclei.type_code[typed], np.full(len(again), TYPE["4P"])])
    order = rng.permutation(len(rows))
    rows, code = rows[order], code[order]
    return reference(cortex.nuclei.id[rows], names(CLASSES, class_code(code)), names(TYPES, code))


def neuron_svm(cortex: Cortex) -> pa.Table:
    """nucleus_ref_neuron_svm: neuron or not, for every nucleus."""
    order = stage_rng(cortex.seed, "svm").permutation(len(cortex.nuclei.id))
    system = pa.array(["is_neuron"] * len(order))
    return reference(
        cortex.nuclei.id[order], system, names(("not-neuron", "neuron"), cortex.nuclei.is_neuron[order].astype(np.int8))
    )


_ = (bound_point, lateral_um, NEURONS)
