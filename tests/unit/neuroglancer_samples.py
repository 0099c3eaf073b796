"""Small frames, and the datastack of MICrONS as its info service describes it."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd

from services.core.profiles import Profile, Viewer
from services.core.records import Version
from services.neuroglancer.links import SPELUNKER, empty_state, make_scene
from services.tables.groups import Groups

NEAR = 864691135000000101
"""Near here, a float64 and a JavaScript number are multiples of 128: the next lower one ends in ...000."""

VOXEL_NM = (4.0, 4.0, 40.0)
PALETTE = {"23P": "#8268dc", "BC": "#d68c66"}
TYPES_OF = Groups("cell_type", PALETTE)
VERSION = Version(1300, datetime(2025, 1, 13, 10, 10, 1, 286229, UTC), None, True)
GLOBAL_SERVER = "https://global.daf-apis.com"
MINNIE = {
    "aligned_volume": {
        "name": "minnie65_phase3",
        "image_source": "precomputed://https://bossdb-open-data.s3.amazonaws.com/iarpa_microns/minnie/minnie65/em",
    },
    "segmentation_source": "graphene://https://minnie.microns-daf.com/segmentation/table/minnie65_public",
    "skeleton_source": "precomputed://https://minnie.microns-daf.com/skeletoncache/api/v1/minnie65_public/precomputed/skeleton/",
    "local_server": "https://minnie.microns-daf.com",
    "viewer_site": "https://spelunker.cave-explorer.org/",
    "viewer_resolution_x": 4.0,
    "viewer_resolution_y": 4.0,
    "viewer_resolution_z": 40.0,
}
SCENE = make_scene("minnie65_public", MINNIE, Profile("minnie65_public", "MICrONS"), GLOBAL_SERVER)


def base(viewer: Viewer = SPELUNKER, version: Version = VERSION) -> dict[str, object]:
    """The state with nothing selected."""
    return empty_state(SCENE, viewer, version, "test")


def cells(count: int) -> pd.DataFrame:
    """Rows of a cell-type table: ids next to each other, types in turn."""
    numbers = range(count)
    return pd.DataFrame(
        {
            "id": pd.array([1000 + i for i in numbers], "Int64"),
            "pt_root_id": pd.array([NEAR + i for i in numbers], "Int64"),
            "pt_position_x": pd.array([100_000 + 10 * i for i in numbers], "Int32"),
            "pt_position_y": pd.array([200_000 + 10 * i for i in numbers], "Int32"),
            "pt_position_z": pd.array([20_000 + i for i in numbers], "Int32"),
            "cell_type": pd.array([["23P", "BC", "23P"][i % 3] for i in numbers], "string"),
            "volume": pd.array([300.5 + i for i in numbers], "Float64"),
            "valid": pd.array([True] * count, "boolean"),
        }
    )


def synapses(pairs: list[tuple[int, int, int]]) -> pd.DataFrame:
    """Synapses (pre, post, size) one above the other, 1 um apart."""
    return pd.DataFrame(
        {
            "id": pd.array(range(500, 500 + len(pairs)), "Int64"),
            "pre_pt_root_id": pd.array([pre for pre, _, _ in pairs], "Int64"),
            "post_pt_root_id": pd.array([post for _, post, _ in pairs], "Int64"),
            "size": pd.array([size for _, _, size in pairs], "Int64"),
            "ctr_pt_position_x_nm": 400_000.0,
            "ctr_pt_position_y_nm": [800_000.0 + 1000 * i for i in range(len(pairs))],
            "ctr_pt_position_z_nm": 800_000.0,
        }
    )
