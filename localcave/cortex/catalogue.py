"""What CAVE's metadata say about the tables and views of the demo cortex."""

from __future__ import annotations

from typing import Any

from localcave.cortex import recipe

SYNTHETIC = "Synthetic data in the likeness of minnie65_public: no row describes a real cell. "

_NUC, _SYN = "nucleus_detection_v0", "synapses_pni_2"
TABLES: dict[str, tuple[str, str | None, str, str, str | None]] = {
    # name: schema type, reference table, created, description, notice
    "nucleus_detection_v0": (
        "nucleus_detection", None, "2020-11-02T18:56:35.530100",
        "Nuclei detected in the volume: position of the centre, volume in cubic micrometres, and the root id of the cell. "
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
        "Cell types of a hierarchical model on features of soma, nucleus and spines: classification_system is the class, "
        "cell_type the type. Drop root ids that occur more than once before counting.",
        "Predictions from a model trained on hand labels of one column; expect about one wrong type in ten.",
    ),
    "proofreading_status_and_strategy": (
        "compartment_proofread_status_strategy", None, "2024-05-29T22:11:04.270000",
        "Proofreading status and strategy of axon and dendrite by cell. valid_id is the root id that was assessed: where it "
        "differs from pt_root_id, the cell was edited since.",
        "Read the strategy before analysing outputs: only axons with status_axon are complete in any sense.",
    ),
}  # fmt: skip
OTHER_RESOLUTION: dict[str, tuple[float, float, float]] = {}
BOUND = {"nucleus_detection", "synapse", "compartment_proofread_status_strategy"}
"""Schema types with points in the segmentation."""

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
