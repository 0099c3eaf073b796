"""Rows of the tables of tags: of single synapses, and of places on axons."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from localcave.cortex import recipe
from localcave.cortex.arbors import AXON
from localcave.cortex.ids import stage_rng
from localcave.cortex.model import Cortex, annotation, bound_point, names, table
from localcave.cortex.reference_tables import scaled, tags


def target_predictions(cortex: Cortex) -> pa.Table:
    """synapse_target_predictions_ssa: postsynaptic compartment of the synapses that a model looked at."""
    rng = stage_rng(cortex.seed, "target predictions")
    predicted = np.flatnonzero(rng.random(len(cortex.synapse_id)) < recipe.PREDICTED_SHARE)
    predicted = predicted[np.argsort(cortex.synapse_id[predicted])]
    wrong = rng.random(len(predicted)) < 0.04
    tag = np.where(wrong, rng.integers(0, 3, len(predicted)), cortex.synapses.tag[predicted])
    return tags(cortex.synapse_id[predicted], recipe.TAGS, tag)


def compartment_targets(cortex: Cortex) -> pa.Table:
    """vortex_compartment_targets: what people said of some synapses."""
    rng = stage_rng(cortex.seed, "compartment targets")
    of_proofread = np.flatnonzero(cortex.synapses.post_node >= 0)
    rows = rng.choice(
        of_proofread, min(len(of_proofread), scaled(cortex, recipe.COMPARTMENT_TARGET_ROWS)), replace=False
    )
    tag = cortex.synapses.tag[rows].astype(int)
    rare = rng.random(len(rows))
    tag = np.where((tag == recipe.TAGS.index("soma")) & (rare < 0.2), 3, tag)
    tag = np.where(rare > 0.985, 4, np.where(rare > 0.97, 5, tag))
    return tags(cortex.synapse_id[rows], (*recipe.TAGS, "soma_spine", "orphan", "other"), tag)


def axon_backtrace(cortex: Cortex) -> pa.Table:
    """vortex_axon_backtrace_column: whether the axon of an input could be followed to its soma."""
    rng = stage_rng(cortex.seed, "backtrace")
    inputs = np.flatnonzero((cortex.wiring.pre >= cortex.wiring.n_cells) & (cortex.synapses.post_node >= 0))
    rows = rng.choice(inputs, scaled(cortex, recipe.BACKTRACE_ROWS), replace=False)
    code = rng.choice(3, len(rows), p=[0.55, 0.4, 0.05])
    return tags(cortex.synapse_id[rows], ("complete", "incomplete", "error"), code)


def nodes_of_ranvier(cortex: Cortex, version: int) -> pa.Table:
    """vortex_manual_nodes_of_ranvier: points on axons; valid_id is the root that was looked at."""
    rng = stage_rng(cortex.seed, "nodes of Ranvier")
    on_axon = np.flatnonzero(cortex.arbors.compartment == AXON)
    nodes = np.sort(rng.choice(on_axon, scaled(cortex, recipe.NODE_ROWS), replace=False))
    columns = annotation(len(nodes)) | bound_point(cortex, "pt", cortex.arbors.position_nm[nodes], nodes, version)
    columns["tag"] = names(("node_of_ranvier", "branch_node", "terminal"), rng.choice(3, len(nodes), p=[0.7, 0.2, 0.1]))
    columns["valid_id"] = pa.array(cortex.roots(recipe.EXPIRED_VERSION)[nodes])
    return table(columns)
