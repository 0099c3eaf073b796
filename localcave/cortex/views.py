"""Rows of the views: what CAVE computes from the tables of a version."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from localcave.cortex import base_tables, recipe, reference_tables
from localcave.cortex.ids import Ints, stage_rng
from localcave.cortex.model import Cortex, bound_point, names, positions, table
from localcave.cortex.recipe import N_NEURON_TYPES, TYPES, UNTYPED

LOOKUP_OFFSET_NM = np.array([0.0, 0.0, 400.0])


def _ends(cortex: Cortex, version: int) -> tuple[Ints, Ints]:
    """Root ids of pre and post of all synapses."""
    roots, cut = cortex.roots(version), cortex.supervoxels
    return roots[cut.of_pre], roots[cut.of_post]


def in_out_degree(cortex: Cortex, version: int) -> pa.Table:
    """synapses_pni_2_in_out_degree: inputs and outputs of every root, null where it has none."""
    size = pa.array(cortex.synapses.size.astype(np.float64))
    pre, post = _ends(cortex, version)
    sides = [
        pa.table({"root_id": root, "size": size}).group_by("root_id").aggregate([("size", "count"), ("size", "mean")])
        for root in (post, pre)
    ]
    inputs = sides[0].rename_columns({"size_count": "n_input", "size_mean": "avg_input_size"})
    outputs = sides[1].rename_columns({"size_count": "n_output", "size_mean": "avg_output_size"})
    joined = inputs.join(outputs, "root_id", join_type="full outer").combine_chunks().sort_by("root_id")
    for name in ("avg_input_size", "avg_output_size"):
        at = joined.schema.get_field_index(name)
        joined = joined.set_column(at, name, joined[name].cast(pa.float32()))
    return joined.select(["root_id", "n_input", "avg_input_size", "n_output", "avg_output_size"])


def _nucleus_of_cell(cortex: Cortex, version: int) -> tuple[Ints, Ints]:
    """Roots with exactly one nucleus at a version, and that nucleus (index)."""
    roots = cortex.roots(version)[cortex.supervoxels.of_nucleus]
    result, first, count = np.unique(roots, return_index=True, return_counts=True)
    single = (count == 1) & (result > 0)
    return result[single], first[single]


def connections_with_nuclei(cortex: Cortex, version: int) -> pa.Table:
    """connections_with_nuclei: synapses between each two cells that have one nucleus each."""
    pre, post = _ends(cortex, version)
    roots, nucleus = _nucleus_of_cell(cortex, version)
    both = np.isin(pre, roots) & np.isin(post, roots)
    rows = {
        "pre_pt_root_id": pre[both],
        "post_pt_root_id": post[both],
        "size": cortex.synapses.size[both].astype(float),
    }
    pairs = (
        pa.table(rows).group_by(["pre_pt_root_id", "post_pt_root_id"]).aggregate([("size", "count"), ("size", "sum")])
    )
    pairs = pairs.rename_columns({"size_count": "n_syn", "size_sum": "sum_size"})
    pairs = pairs.sort_by([("pre_pt_root_id", "ascending"), ("post_pt_root_id", "ascending")])
    for side in ("pre", "post"):
        at = np.searchsorted(roots, pairs[f"{side}_pt_root_id"].to_numpy())
        pairs = pairs.append_column(f"{side}_nuc_id", pa.array(cortex.nuclei.id[nucleus[at]]))
    return pairs


def nucleus_lookup(cortex: Cortex, version: int) -> pa.Table:
    """nucleus_detection_lookup_v1: nuclei with the point at which their root id is looked up."""
    nuclei, roots = cortex.nuclei, cortex.roots(version)[cortex.supervoxels.of_nucleus]
    point = bound_point(cortex, "pt", nuclei.position_nm, cortex.supervoxels.of_nucleus, version)
    columns = {"id": pa.array(nuclei.id), "volume": pa.array(nuclei.volume_um3.astype(np.float32)), **point}
    columns["orig_root_id"] = pa.array(roots)
    return table(columns | positions("pt_position_lookup", nuclei.position_nm + LOOKUP_OFFSET_NM))


def single_neurons(cortex: Cortex, version: int) -> pa.Table:
    """single_neurons: nuclei of neurons that are alone in their root."""
    _, nucleus = _nucleus_of_cell(cortex, version)
    rows = np.sort(nucleus[cortex.nuclei.is_neuron[nucleus]])
    supervoxel = cortex.supervoxels.of_nucleus[rows]
    point = bound_point(cortex, "pt", cortex.nuclei.position_nm[rows], supervoxel, version)
    return table({"id": pa.array(cortex.nuclei.id[rows]), **point})


def cell_info(cortex: Cortex, version: int) -> pa.Table:
    """aibs_cell_info: for every nucleus its types, proofreading and area in one row."""
    nuclei = cortex.nuclei
    code, n = nuclei.type_code, len(nuclei.id)
    typed, neuron = code != UNTYPED, (code != UNTYPED) & (code < N_NEURON_TYPES)
    roots = cortex.roots(version)[cortex.supervoxels.of_nucleus]
    proof = base_tables.proofreading(cortex, version)
    proofread_roots, at = proof["pt_root_id"].to_numpy(), np.full(n, -1)
    order = np.argsort(proofread_roots)
    place = np.searchsorted(proofread_roots[order], roots).clip(0, len(proofread_roots) - 1)
    hit = (proofread_roots[order][place] == roots) & (roots > 0)
    at[hit] = order[place[hit]]
    row = pa.array(at, mask=~hit)
    labels = reference_tables.m_types(
        stage_rng(cortex.seed, "cell info"), np.where(neuron, code, UNTYPED), nuclei.frame_um[:, 1]
    )
    nothing = pa.nulls(n, pa.string())
    columns = {"id": pa.array(nuclei.id), "pt_root_id": pa.array(roots)}
    columns["nuc_volume"] = pa.array(nuclei.volume_um3.astype(np.float32))
    columns["broad_type"] = _where(typed, names(reference_tables.CLASSES, reference_tables.class_code(code)), nothing)
    columns["broad_type_source"] = _where(typed, pa.array(["aibs_metamodel_celltypes_v661"] * n), nothing)
    columns["cell_type"] = _where(typed, names(TYPES, np.maximum(code, 0)), nothing)
    columns["cell_type_source"] = columns["broad_type_source"]
    columns["mtype"] = _where(neuron, pa.array(labels, pa.string()), nothing)
    for name, source in (
        ("dendrite_cleaned", "status_dendrite"),
        ("axon_cleaned", "status_axon"),
        ("dendrite_strategy", "strategy_dendrite"),
        ("axon_strategy", "strategy_axon"),
    ):
        columns[name] = proof[source].combine_chunks().take(row)
    columns["visual_area"] = names(recipe.AREAS, nuclei.area)
    return table(columns | positions("pt_position", nuclei.position_nm))


def _where(condition: np.ndarray, yes: pa.Array, no: pa.Array) -> pa.Array:
    return pc.if_else(pa.array(condition), yes, no)
