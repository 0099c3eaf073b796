"""Depth, layer and units of positions in tables of the demo, against standard_transform itself."""

from dataclasses import replace

import numpy as np
import pytest
import standard_transform

from services.cave.release import Release
from services.core.errors import BadInput
from services.tables import tables
from services.tables.tables import TableQuery
from services.views.addresses import TableAddress
from services.views.table_opening import open_view

DS, TYPES = "karst_demo", "aibs_metamodel_celltypes_v661"


@pytest.fixture(scope="module")
def types(cave):
    return tables.open_table(Release(cave, DS, cave.versions(DS)[0]), TYPES)


def voxels(frame):
    return frame[[f"pt_position_{axis}" for axis in "xyz"]].to_numpy(float)


def test_depth_and_layer_are_those_of_standard_transform(cave, types):
    depths = standard_transform.minnie_ds.transform("nm").apply(voxels(types.frame) * [4, 4, 40])[:, 1]
    assert np.allclose(types.frame["soma_depth_um"].to_numpy(float), depths, atol=0.001)
    layers = cave.volume(DS).layers
    for depth, layer in zip(depths, types.frame["layer"], strict=True):
        assert layer == [name for name, top in layers if depth >= top or name == layers[0][0]][-1]
    kept = tables.select(types, TableQuery("layer = L4 and soma_depth_um < 300"))
    assert len(kept) == sum((depths >= dict(layers)["L4"]) & (depths.round(3) < 300))


def test_positions_in_other_units_filter_and_sort_in_them(types):
    for unit, factor in (("nm", 1), ("um", 1000)):
        shown = tables.with_units(types, unit)
        assert np.allclose(voxels(shown.frame), voxels(types.frame) * [4, 4, 40] / factor)
        assert {column.unit for column in shown.columns if column.kind == "position"} == {unit}
        low, high = np.quantile(voxels(shown.frame)[:, 2], [0.3, 0.6]).round(3)
        boxes = {"pt_position_z": f"{low}..{high}"}
        span = voxels(types.frame)[:, 2] * 40 / factor
        assert len(tables.select(shown, TableQuery(boxes=boxes))) == ((span >= low) & (span <= high)).sum()


@pytest.mark.parametrize("unit", ["vx", "nm", "um"])
def test_a_box_in_um_keeps_the_same_rows_in_every_unit(types, unit):
    points = voxels(types.frame) * [4, 4, 40] / 1000
    low, high = np.quantile(points, [0.2, 0.7], axis=0).round(2)
    line = "pt_position in box (" + ", ".join(f"{a}..{b}" for a, b in zip(low, high, strict=True)) + ") um"
    wanted = types.frame.loc[((points >= low) & (points <= high)).all(axis=1), "id"]
    assert 0 < len(wanted) < len(types.frame)
    assert set(tables.select(tables.with_units(types, unit), TableQuery(line))["id"]) == set(wanted)


@pytest.mark.parametrize("unit", ["nm", "um"])
def test_a_box_in_voxels_keeps_the_same_rows_in_every_unit(types, unit):
    low, high = np.quantile(voxels(types.frame), [0.2, 0.7], axis=0).astype(int)
    line = "pt_position in box (" + ", ".join(f"{a}..{b}" for a, b in zip(low, high, strict=True)) + ") vx"
    inside = ((voxels(types.frame) >= low) & (voxels(types.frame) <= high)).all(axis=1)
    assert 0 < inside.sum() < len(types.frame)
    kept = tables.select(tables.with_units(types, unit), TableQuery(line))
    assert set(kept["id"]) == set(types.frame.loc[inside, "id"])


def test_a_switch_of_the_unit_keeps_the_rows_of_the_filter(cave, types):
    median = int(np.median(voxels(types.frame)[:, 0]))
    box = f"pt_position in box ({median}.., .., ..)"
    for where, boxes in ((f"pt_position_x > {median}", {}), ("", {"pt_position_x": f">{median}"}), (box, {})):
        requested = TableAddress(DS, table=TYPES, where=where, boxes=boxes, unit="um", filters_in="vx")
        shown = open_view(cave, requested)
        view, table, message = shown.address, shown.table, shown.messages
        assert isinstance(table, tables.TableFrame)
        assert not message and not view.filters_in and "filters_in" not in view.href()
        kept = voxels(types.frame)[:, 0] >= median if where == box else voxels(types.frame)[:, 0] > median
        assert set(tables.select(table, TableQuery(view.where, view.boxes))["id"]) == set(types.frame.loc[kept, "id"])
    written_in_um = replace(requested, where="pt_position_x > 100", filters_in="")  # as ever, the numbers of an address
    assert open_view(cave, written_in_um).address.where == "pt_position_x > 100"
    wrong = replace(requested, where="pt_position_x > 1 and")
    shown = open_view(cave, wrong)
    assert shown.address.where == wrong.where and "positions now count in µm" in shown.messages[0]


def test_an_unknown_unit_is_told(types):
    with pytest.raises(BadInput, match="miles"):
        tables.with_units(types, "miles")


def test_opening_leaves_what_is_cached_alone(cave, types):
    assert "layer" not in Release(cave, DS, types.version).table(TYPES).columns


def test_what_tells_a_cell_comes_first_and_bookkeeping_last(cave, types):
    columns = {column.name: column.title for column in types.columns}
    assert list(columns)[:4] == ["pt_root_id", "target_id", "cell_type", "classification_system"]
    assert list(columns)[-5:] == ["id", "id_ref", "pt_supervoxel_id", "valid", "valid_ref"]
    assert (columns["target_id"], columns["id"]) == ("nucleus id", "annotation id")
    nuclei = tables.open_table(Release(cave, DS, cave.versions(DS)[0]), "nucleus_detection_v0")
    assert [(column.name, column.title) for column in nuclei.columns[:2]] == [
        ("pt_root_id", "root id"),
        ("id", "nucleus id"),
    ]
