"""Writing points straight into a Neuroglancer state, beside nglui's one object for each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import numpy as np
import pandas as pd
from nglui.statebuilder import ViewerState

from benchmarks.measure import Row, compare, median_ms
from services.neuroglancer_parts import SEGMENTATION
from services.neuroglancer_table import table_state

VOXEL_NM = (4.0, 4.0, 40.0)
SOURCE = "precomputed://https://example.org/segmentation"
POINTS = "points"


def points_frame(count: int) -> pd.DataFrame:
    """`count` rows of a table: id, pt_root_id, split pt_position in voxels, cell_type."""
    random = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "id": pd.array(np.arange(count), "Int64"),
            "pt_root_id": pd.array(864691135000000101 + np.arange(count), "Int64"),
            "cell_type": pd.array(random.choice(["23P", "4P", "BC", "MC"], count), "string"),
        }
    )
    for axis in "xyz":
        frame[f"pt_position_{axis}"] = random.integers(10_000, 300_000, count).astype(np.int32)
    return frame


def direct_state(frame: pd.DataFrame) -> dict[str, Any]:
    """The state as Karst builds it: points of `frame` linked to segments that are listed too."""
    dimensions = {axis: [size * 1e-9, "m"] for axis, size in zip("xyz", VOXEL_NM, strict=True)}
    base = {"dimensions": dimensions, "layers": [{"type": "segmentation", "name": SEGMENTATION, "source": SOURCE}]}
    return table_state(base, frame, name=POINTS, row_voxel_nm=VOXEL_NM, voxel_nm=VOXEL_NM).state


def nglui_state(frame: pd.DataFrame) -> dict[str, Any]:
    """The same points and segments through nglui. Only its URL has ids as text, so the state is read from there."""
    viewer = ViewerState(dimensions=list(VOXEL_NM), infer_coordinates=False)
    viewer.add_segmentation_layer(source=SOURCE, name=SEGMENTATION)
    viewer.add_segments(frame["pt_root_id"].tolist())
    viewer.add_points(
        frame,
        name=POINTS,
        point_column="pt_position",
        segment_column="pt_root_id",
        description_column="cell_type",
        data_resolution=list(VOXEL_NM),
        linked_segmentation=SEGMENTATION,
    )
    state: dict[str, Any] = json.loads(unquote(viewer.to_url().split("#!", 1)[1]))
    return state


def rows() -> Iterator[Row]:
    """A state of 1,000 points, and one of 20,000 beside nglui's; both as JSON text."""
    few, many = points_frame(1_000), points_frame(20_000)
    yield Row("Neuroglancer state of 1,000 points", f"{median_ms(lambda: json.dumps(direct_state(few))):.1f} ms")
    yield compare(
        "Neuroglancer state of 20,000 points",
        lambda: json.dumps(direct_state(many)),
        "nglui",
        lambda: json.dumps(nglui_state(many)),
        repeats=3,
    )
