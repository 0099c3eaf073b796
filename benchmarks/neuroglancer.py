"""Links to Neuroglancer, and their points beside nglui's one object for each."""

from __future__ import annotations

import itertools
import json
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

import numpy as np
import pandas as pd
from nglui.statebuilder import ViewerState

from benchmarks.measure import Row, compare, median_ms
from services.cave.client import Cave
from services.cave.release import Release
from services.core.settings import Settings
from services.neuroglancer.links import Link, table_link
from services.neuroglancer.state_parts import SEGMENTATION
from services.neuroglancer.table_state import table_state
from services.tables import tables

DATASTACK = "karst_demo"
TYPES = "aibs_metamodel_celltypes_v661"
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


def rows(server: str) -> Iterator[Row]:
    """Links of 1,000 rows of the demo served at `server`, and a state of 20,000 points beside nglui's, as JSON text."""
    yield from _links(server)
    many = points_frame(20_000)
    row = compare(
        "Neuroglancer state of 20,000 points",
        lambda: json.dumps(direct_state(many)),
        "nglui",
        lambda: json.dumps(nglui_state(many)),
        repeats=3,
    )
    yield replace(row, target="0.1x")


def _links(server: str) -> Iterator[Row]:
    """Each link is of other rows than the one before, so that each state is put into the state service."""
    with tempfile.TemporaryDirectory() as cache:
        cave = Cave(Settings.from_env({"CAVE_SERVER_ADDRESS": server, "KARST_CACHE": cache}))
        version = next(version.number for version in cave.versions(DATASTACK) if version.valid)
        table = tables.open_table(Release.of(cave, DATASTACK, version), TYPES)
        starts = itertools.count(0, 1_000)

        def make() -> Link:
            start = next(starts)
            return table_link(cave, table, table.frame.iloc[start : start + 1_000], group_by="cell_type")

        yield Row(
            "Neuroglancer link of 1,000 rows by type, state uploaded", f"{median_ms(make, 25):.1f} ms", target="50 ms"
        )
        sent = [len(link.url + link.panel_url + link.description) for link in (make(), make())]
        yield Row("sent to the browser for such a link", f"{max(sent) / 1000:.1f} kB", target="100 kB")
