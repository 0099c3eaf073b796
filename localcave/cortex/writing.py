"""Writes a cortex as a datastack folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from localcave.cortex import (
    base_tables,
    catalogue,
    function_tables,
    recipe,
    reference_tables,
    segmentation,
    tag_tables,
    views,
    workshop_tables,
)
from localcave.cortex.ids import CHUNK_BITS
from localcave.cortex.model import Cortex, Step
from localcave.folder.writer import DatastackWriter

OLDER = recipe.VERSIONS[-2::-1]
N_STEPS = 5
SORTED_BY: dict[str | None, tuple[str, ...]] = {"synapses_pni_2": ("target_id",)}
"""Order of the rows by reference table, where it is not the id."""

GROWING: dict[str, Callable[[Cortex, int], pa.Table]] = {
    "proofreading_status_and_strategy": base_tables.proofreading,
    "proofreading_status_public_release": workshop_tables.public_release,
    "vortex_astrocyte_proofreading_status": workshop_tables.astrocytes,
}
BOUND: dict[str, Callable[[Cortex, int], pa.Table]] = {
    "nucleus_detection_v0": base_tables.nucleus_detection,
    "nucleus_alternative_points": reference_tables.alternative_points,
    "allen_soma_coarse_cell_class_model_v1": reference_tables.coarse_cell_class,
    "vortex_manual_nodes_of_ranvier": tag_tables.nodes_of_ranvier,
    "vortex_manual_myelination_v0": workshop_tables.myelination,
}
FIXED: dict[str, Callable[[Cortex], pa.Table]] = {
    "nucleus_ref_neuron_svm": reference_tables.neuron_svm,
    "aibs_metamodel_celltypes_v661": reference_tables.metamodel,
    "aibs_metamodel_mtypes_v661_v2": reference_tables.metamodel_mtypes,
    "allen_v1_column_types_slanted_ref": reference_tables.column_types,
    "aibs_column_nonneuronal_ref": reference_tables.column_nonneuronal,
    "allen_column_mtypes_v2": reference_tables.column_mtypes,
    "baylor_log_reg_cell_type_coarse_v1": reference_tables.baylor_coarse,
    "baylor_gnn_cell_type_fine_model_v2": reference_tables.baylor_fine,
    "nucleus_functional_area_assignment": reference_tables.functional_area,
    "coregistration_manual_v4": function_tables.coregistration,
    "functional_properties_v3_bcm": function_tables.functional_properties,
    "digital_twin_properties_bcm_coreg_v4": function_tables.digital_twin,
    "synapse_target_predictions_ssa": tag_tables.target_predictions,
    "vortex_compartment_targets": tag_tables.compartment_targets,
    "vortex_axon_backtrace_column": tag_tables.axon_backtrace,
    "gamlin_2023_mcs_met_types": workshop_tables.met_types,
}
VIEWS: dict[str, Callable[[Cortex, int], pa.Table]] = {
    "synapses_pni_2_in_out_degree": views.in_out_degree,
    "connections_with_nuclei": views.connections_with_nuclei,
    "nucleus_detection_lookup_v1": views.nucleus_lookup,
    "single_neurons": views.single_neurons,
    "aibs_cell_info": views.cell_info,
}
EXAMPLE_STATE = 5560000000000000
VIEW_VERSIONS = {"connections_with_nuclei": (recipe.NEWEST_VERSION,)}
"""Views that not all versions have: this one is large."""


def write(cortex: Cortex, folder: Path, step: Step) -> None:
    """Write all tables, views, the segmentation and the skeletons."""
    writer = DatastackWriter(folder, recipe.DATASTACK, catalogue.INFO)
    for number, version in enumerate(recipe.VERSIONS):
        valid = version != recipe.EXPIRED_VERSION
        writer.add_version(
            version, recipe.VERSION_TIME[version], recipe.VERSION_EXPIRES[version], valid=valid, id=number + 1
        )
    step("writing synapses")
    _write_synapses(cortex, writer)
    step("writing tables")
    _write_tables(cortex, writer)
    step("writing views")
    _write_views(cortex, writer)
    step("writing the segmentation")
    oldest = f"{recipe.OLDEST}+00:00"
    writer.set_segmentation(
        recipe.PCG_TABLE,
        oldest,
        segmentation.supervoxel_table(cortex),
        segmentation.history_table(cortex),
        cortex.history.operations,
        graph={"chunk_size": segmentation.CHUNK_VX, "spatial_bits": CHUNK_BITS},
    )
    step("writing skeletons")
    writer.set_skeletons(segmentation.skeleton_table(cortex))
    writer.add_state(EXAMPLE_STATE, segmentation.example_state(cortex))
    writer.finish()


def _write_synapses(cortex: Cortex, writer: DatastackWriter) -> None:
    name, newest = "synapses_pni_2", recipe.NEWEST_VERSION
    order = ["post_pt_root_id", "pre_pt_root_id"]
    writer.add_table(
        newest, name, base_tables.synapses(cortex, newest), catalogue.metadata(name, newest), sorted_by=order
    )
    for version in OLDER:
        rows = base_tables.synapses(cortex, version, base_tables.changed_synapses(cortex, version))
        writer.add_table(version, name, rows, catalogue.metadata(name, version), base_version=newest)


def _write_tables(cortex: Cortex, writer: DatastackWriter) -> None:
    """Tables that grow are written whole for every version, the others as what differs from the newest one."""
    for name, expanded in GROWING.items():
        every = {version: expanded(cortex, version) for version in recipe.VERSIONS}
        for version, rows in every.items():
            writer.add_table(version, name, rows, catalogue.metadata(name, version), sorted_by=("id",))
        writer.add_live(name, live_rows(every))
    for name, bound in BOUND.items():
        versions = catalogue.ONLY_IN.get(name, recipe.VERSIONS[::-1])
        rows = bound(cortex, versions[0])
        _write_versions(writer, name, rows, versions, [_changed(rows, bound(cortex, v)) for v in versions[1:]])
    for name, fixed in FIXED.items():
        versions = catalogue.ONLY_IN.get(name, recipe.VERSIONS[::-1])
        rows = fixed(cortex)
        _write_versions(writer, name, rows, versions, [rows.slice(0, 0)] * (len(versions) - 1))


def live_rows(every: Mapping[int, pa.Table]) -> pa.Table:
    """All rows that a table ever had, from those of each version, oldest first: one for each run of versions in which
    an id has the same values (its root id aside, which edits change), with when it was `created` and `deleted`
    (null = still there). Both lie in the middle between two versions."""
    times = [pd.Timestamp(recipe.VERSION_TIME[version], tz="UTC") for version in every]
    between = [pd.Timestamp(recipe.OLDEST, tz="UTC"), *(a + (b - a) / 2 for a, b in pairwise(times)), pd.NaT]
    frames = [rows.to_pandas().assign(place=place) for place, rows in enumerate(every.values())]
    rows = pd.concat(frames).sort_values(["id", "place"], ignore_index=True)
    compared = [name for name in rows if name not in ("pt_root_id", "place")]
    same = (rows[compared] == rows[compared].shift()).all(axis=1) & (rows["place"] == rows["place"].shift() + 1)
    runs = rows.groupby((~same).cumsum())["place"]
    ever = rows[~same.shift(-1, fill_value=False)].drop(columns="place").reset_index(drop=True)
    ever["created"] = [between[place] for place in runs.first()]
    ever["deleted"] = pd.Series([between[place + 1] for place in runs.last()], dtype="datetime64[us, UTC]")
    moment = pa.timestamp("us", "UTC")
    schema = next(iter(every.values())).schema.append(pa.field("created", moment)).append(pa.field("deleted", moment))
    return pa.Table.from_pandas(ever, schema=schema, preserve_index=False, safe=False)


def _changed(new: pa.Table, old: pa.Table) -> pa.Table:
    """Rows of `old` with another root id than in `new`, which has the same rows."""
    return old.filter(pc.not_equal(old["pt_root_id"], new["pt_root_id"]))


def _write_versions(
    writer: DatastackWriter, name: str, rows: pa.Table, versions: tuple[int, ...], older: list[pa.Table]
) -> None:
    order = SORTED_BY.get(catalogue.TABLES[name][1], ("id",))
    writer.add_table(versions[0], name, rows, catalogue.metadata(name, versions[0]), sorted_by=order)
    for version, changed in zip(versions[1:], older, strict=True):
        writer.add_table(version, name, changed, catalogue.metadata(name, version), base_version=versions[0])


def _write_views(cortex: Cortex, writer: DatastackWriter) -> None:
    for name, view in VIEWS.items():
        for version in VIEW_VERSIONS.get(name, recipe.VERSIONS):
            rows = view(cortex, version)
            writer.add_view(version, name, rows, catalogue.view_metadata(name), catalogue.view_schema(name))
