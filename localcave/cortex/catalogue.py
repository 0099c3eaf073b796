"""What CAVE's metadata say about the tables and views of the demo cortex."""

from __future__ import annotations

from typing import Any

from localcave.cortex import recipe

SYNTHETIC = "Synthetic demo data, like minnie65_public; no row is a real cell. "

_NUC, _SYN = "nucleus_detection_v0", "synapses_pni_2"
TABLES: dict[str, tuple[str, str | None, str, str, str | None]] = {
    # name: schema type, reference table, created, description, notice
    "nucleus_detection_v0": (
        "nucleus_detection", None, "2020-11-02T18:56:35.530100",
        "Nuclei detected in the volume: position of the centre, volume in cubic micrometres, and the root id of "
        "the cell. "
        "The id of a nucleus stays when the cell is edited; root id 0 means that the nucleus is in no segment.", None,
    ),
    "synapses_pni_2": (
        "synapse", None, "2020-11-04T12:59:33.286834",
        "Synapses with the presynaptic, postsynaptic and central point and the size of the cleft in voxels. "
        "Synapses of a cell with itself are mostly false merges.", None,
    ),
    "nucleus_ref_neuron_svm": (
        "cell_type_reference", _NUC, "2022-06-14T18:09:21.114100",
        "Whether each nucleus is of a neuron, by a support vector machine on features of the nucleus.", None,
    ),
    "aibs_metamodel_celltypes_v661": (
        "cell_type_reference", _NUC, "2023-08-21T20:45:41.120000",
        "Cell types of a hierarchical model on features of soma, nucleus and spines: classification_system is "
        "the class, "
        "cell_type the type. Drop root ids that occur more than once before counting.",
        "Predictions from a model trained on hand labels of one column; expect about one wrong type in ten.",
    ),
    "proofreading_status_and_strategy": (
        "compartment_proofread_status_strategy", None, "2024-05-29T22:11:04.270000",
        "Proofreading status and strategy of axon and dendrite by cell. valid_id is the root id that was "
        "assessed: where it "
        "differs from pt_root_id, the cell was edited since.",
        "Read the strategy before analysing outputs: only axons with status_axon are complete in any sense.",
    ),
    "aibs_metamodel_mtypes_v661_v2": (
        "cell_type_reference", _NUC, "2023-08-21T21:02:10.080000",
        "Morphological types of neurons by a model on features of soma, nucleus and spines.",
        "Predictions from a model trained on hand labels of one column.",
    ),
    "allen_v1_column_types_slanted_ref": (
        "cell_type_reference", _NUC, "2023-03-20T15:10:32.660000",
        "Cell types that people gave to all neurons of a column of V1. The thick-tufted type of layer 5 is "
        "called 5P-PT here "
        "and 5P-ET in the metamodel.", None,
    ),
    "aibs_column_nonneuronal_ref": (
        "cell_type_reference", _NUC, "2023-03-20T15:25:01.290000",
        "Cell types that people gave to the other cells of the column.", None,
    ),
    "allen_column_mtypes_v2": (
        "cell_type_reference", _NUC, "2023-08-10T18:44:13.470000",
        "Morphological types of the neurons of the column.", None,
    ),
    "baylor_log_reg_cell_type_coarse_v1": (
        "cell_type_reference", _NUC, "2023-04-04T12:31:55.150000",
        "Excitatory or inhibitory, by logistic regression on features of the proofread mesh.", None,
    ),
    "baylor_gnn_cell_type_fine_model_v2": (
        "cell_type_reference", _NUC, "2023-04-18T16:20:47.350000",
        "Types of neurons by a graph neural network. The thick-tufted type of layer 5 is called 5P-PT.", None,
    ),
    "nucleus_functional_area_assignment": (
        "reference_tag_float", _NUC, "2024-05-01T17:00:09.620000",
        "Visual area of each nucleus (tag) and its distance in micrometres to the nearest border (value).", None,
    ),
    "nucleus_alternative_points": (
        "reference_point", _NUC, "2022-10-25T19:24:28.559914",
        "Another point for nuclei whose detected point lies outside their cell.", None,
    ),
    "allen_soma_coarse_cell_class_model_v1": (
        "cell_type_local", None, "2021-04-28T16:33:21.700000",
        "Excitatory or inhibitory by an early model; the rows have points of their own.",
        "Superseded by aibs_metamodel_celltypes_v661.",
    ),
    "coregistration_manual_v4": (
        "func_unit_ext_coreg", _NUC, "2024-01-12T20:13:44.240000",
        "Functionally recorded units (session, scan_idx, unit_id) matched to nuclei by hand; residual in "
        "micrometres, score is "
        "the margin over the next best match. A cell recorded in several scans has several rows.", None,
    ),
    "functional_properties_v3_bcm": (
        "func_properties_bcm", _NUC, "2023-11-30T18:08:54.710000",
        "Tuning of recorded units; pref_ori and pref_dir in radians.",
        "Superseded by digital_twin_properties_bcm_coreg_v4, whose angles are in degrees.",
    ),
    "digital_twin_properties_bcm_coreg_v4": (
        "digital_twin_properties", _NUC, "2025-06-03T14:55:12.930000",
        "Tuning of the digital twins of recorded units; pref_ori and pref_dir in degrees.", None,
    ),
    "synapse_target_predictions_ssa": (
        "reference_tag", _SYN, "2024-12-19T22:07:31.380000",
        "Postsynaptic compartment (spine, shaft, soma) of synapses as a model predicts it; not every synapse "
        "has a row.", None,
    ),
    "vortex_compartment_targets": (
        "reference_tag", _SYN, "2024-04-16T19:38:20.840000",
        "Postsynaptic compartment of synapses as people see it.", None,
    ),
    "vortex_manual_nodes_of_ranvier": (
        "bound_tag_valid", None, "2024-04-23T13:17:41.010000",
        "Places on axons, with the root id that was looked at in valid_id.", None,
    ),
    "vortex_axon_backtrace_column": (
        "reference_tag", _SYN, "2025-10-06T15:46:02.540000",
        "Whether the axon of an input to the column could be followed back to its soma.", None,
    ),
    "vortex_manual_myelination_v0": (
        "bound_tag_valid", None, "2024-04-23T13:20:02.360000",
        "Whether the axon is myelinated (t) or not (f) at places along it; valid_id is the root id that was looked at.",
        None,
    ),
    "vortex_astrocyte_proofreading_status": (
        "proofread_status", None, "2024-11-05T19:02:33.120000",
        "Astrocytes that were looked at, by nucleus id: non, clean (of what is not theirs) or extended.", None,
    ),
    "proofreading_status_public_release": (
        "compartment_proofread_status", None, "2022-05-31T22:11:55.680000",
        "Proofreading status of axon and dendrite: non, clean or extended.",
        "Superseded by proofreading_status_and_strategy.",
    ),
    "gamlin_2023_mcs_met_types": (
        "reference_tag_float", _NUC, "2023-11-06T17:39:08.470000",
        "Martinotti cells with a predicted type (tag) and how sure it is (value).", None,
    ),
}  # fmt: skip
OTHER_RESOLUTION = {"vortex_compartment_targets": (8.0, 8.0, 40.0), "vortex_axon_backtrace_column": (1.0, 1.0, 1.0)}
BOUND = {
    "nucleus_detection", "synapse", "compartment_proofread_status_strategy", "cell_type_local", "reference_point",
    "bound_tag_valid", "proofread_status", "compartment_proofread_status",
}  # fmt: skip
"""Schema types with points in the segmentation."""
ONLY_IN = {
    "gamlin_2023_mcs_met_types": (1507, 1412),
    "digital_twin_properties_bcm_coreg_v4": (1621, 1507),
    "vortex_axon_backtrace_column": (1621,),
}
"""Versions of the tables that not all have, newest first."""

VIEWS: dict[str, tuple[str, bool, dict[str, str]]] = {
    # name: description, live-compatible, type of each column
    "synapses_pni_2_in_out_degree": (
        "Number and mean size of the input and output synapses of every root.", False,
        {"root_id": "integer", "n_input": "integer", "avg_input_size": "float",
         "n_output": "integer", "avg_output_size": "float"},
    ),
    "connections_with_nuclei": (
        "Number and summed size of the synapses between each two roots with exactly one nucleus.", False,
        {"pre_pt_root_id": "integer", "post_pt_root_id": "integer", "n_syn": "integer", "sum_size": "float",
         "pre_nuc_id": "integer", "post_nuc_id": "integer"},
    ),
    "nucleus_detection_lookup_v1": (
        "Nuclei with the point at which their root id is looked up.", True,
        {"id": "integer", "volume": "float", "pt_position": "SpatialPoint", "pt_supervoxel_id": "integer",
         "pt_root_id": "integer", "orig_root_id": "integer", "pt_position_lookup": "SpatialPoint"},
    ),
    "single_neurons": (
        "Nuclei of neurons that are the only nucleus of their root.", False,
        {"id": "integer", "pt_position": "SpatialPoint", "pt_supervoxel_id": "integer", "pt_root_id": "integer"},
    ),
    "aibs_cell_info": (
        "One row per nucleus: types with their sources, proofreading, visual area.", False,
        {"id": "integer", "pt_root_id": "integer", "nuc_volume": "float", "broad_type": "string",
         "broad_type_source": "string", "cell_type": "string", "cell_type_source": "string", "mtype": "string",
         "dendrite_cleaned": "boolean", "axon_cleaned": "boolean", "dendrite_strategy": "string",
         "axon_strategy": "string", "visual_area": "string", "pt_position": "SpatialPoint"},
    ),
}  # fmt: skip

INFO: dict[str, Any] = {
    "aligned_volume": {
        "id": 1,
        "name": recipe.ALIGNED_VOLUME,
        "display_name": "Minnie65",
        "description": "Axes, resolution and extent of the MICrONS volume minnie65; what is in it is synthetic.",
        "image_source": "precomputed://{SERVER}/precomputed/karst_demo/image",
    },
    "segmentation_source": "graphene://{SERVER}/segmentation/table/karst_demo_pcg",
    "skeleton_source": "precomputed://{SERVER}/skeletoncache/api/v1/karst_demo/precomputed/skeleton/",
    "analysis_database": None,
    "viewer_site": "https://spelunker.cave-explorer.org/",
    "synapse_table": _SYN,
    "soma_table": _NUC,
    "local_server": "{SERVER}",
    "description": "A synthetic cortex in the likeness of minnie65_public, to try things on without network or token.",
    "viewer_resolution_x": 4.0,
    "viewer_resolution_y": 4.0,
    "viewer_resolution_z": 40.0,
    "proofreading_status_table": None,
    "cell_identification_table": None,
    "proofreading_review_table": None,
}


def metadata(name: str, version: int) -> dict[str, Any]:
    """CAVE's record of a table at a version."""
    schema, reference, created, description, notice = TABLES[name]
    x, y, z = OTHER_RESOLUTION.get(name, (4.0, 4.0, 40.0))
    record: dict[str, Any] = {
        "schema": schema,
        "schema_type": schema,
        "table_name": name,
        "aligned_volume": recipe.ALIGNED_VOLUME,
        "id": 1000 * (1 + recipe.VERSIONS.index(version)) + list(TABLES).index(name),
        "valid": True,
        "created": created,
        "last_modified": recipe.VERSION_TIME[version],
        "user_id": "121",
        "description": SYNTHETIC + description,
        "notice_text": notice,
        "reference_table": reference,
        "flat_segmentation_source": None,
        "read_permission": "PUBLIC",
        "write_permission": "PRIVATE",
        "voxel_resolution_x": x,
        "voxel_resolution_y": y,
        "voxel_resolution_z": z,
    }
    if schema in BOUND:
        record |= {
            "segmentation_source": None,
            "pcg_table_name": recipe.PCG_TABLE,
            "last_updated": recipe.VERSION_TIME[version],
        }
    return record


def view_metadata(name: str) -> dict[str, Any]:
    """CAVE's record of a view."""
    description, live, _ = VIEWS[name]
    return {
        "id": 1 + list(VIEWS).index(name),
        "datastack_name": recipe.DATASTACK,
        "description": SYNTHETIC + description,
        "notice_text": None,
        "live_compatible": live,
        "voxel_resolution_x": 4.0,
        "voxel_resolution_y": 4.0,
        "voxel_resolution_z": 40.0,
    }


def view_schema(name: str) -> dict[str, dict[str, str]]:
    """Type of each column of a view."""
    return {column: {"type": kind} for column, kind in VIEWS[name][2].items()}
