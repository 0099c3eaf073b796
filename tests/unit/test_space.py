"""Positions, against the published vectors of minnie65's cortical axes."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core import space
from services.core.profiles import Volume

MINNIE = Volume(
    "minnie65_phase3",
    "minnie65",
    (("L1", 0.0), ("L2/3", 91.806), ("L4", 261.219), ("L5", 391.863), ("L6", 537.05), ("WM", 753.58)),
)
VOXEL_NM = (4.0, 4.0, 40.0)


@pytest.mark.parametrize(
    ("voxel", "um"),
    [
        ((178400, 143248, 21238), (660.945, 236.335, 849.52)),
        ((173584, 145120, 21127), (641.102, 242.115, 845.08)),
        ((228816, 239776, 19593), (828.190, 638.554, 783.72)),
        ((381312, 273984, 19993), (1423.927, 828.029, 799.72)),
        ((209760, 180832, 27076), (772.805, 397.032, 1083.04)),
    ],
)
def test_voxels_of_minnie65_have_the_published_depth(voxel, um):
    frame = pd.DataFrame([voxel], columns=["pt_position_x", "pt_position_y", "pt_position_z"], index=[7]).astype(
        "Int32"
    )
    turned = space.positions_um(frame, "pt_position", VOXEL_NM, MINNIE)
    assert list(turned.columns) == ["x_um", "depth_um", "z_um"]
    assert list(turned.index) == [7]
    assert turned.to_numpy()[0] == pytest.approx(um, abs=0.0006)
    assert space.depth_um(frame, "pt_position", VOXEL_NM, MINNIE)[0] == pytest.approx(um[1], abs=0.0006)


@pytest.mark.parametrize(
    ("nm", "um"),
    [
        ((590016, 776064, 622080), (520.132, 427.863, 622.08)),
        ((1365120, 763456, 812600), (1293.386, 482.858, 812.6)),
    ],
)
def test_nanometres_of_minnie65_have_the_published_depth(nm, um):
    assert space.nm_to_um([nm], MINNIE)[0] == pytest.approx(um, abs=0.0006)


def test_the_transform_is_the_published_rotation_and_shift():
    nm = np.random.default_rng(0).uniform(0, 2e6, (200, 3))
    angle = np.deg2rad(5)
    x = nm[:, 0] * np.cos(angle) - nm[:, 1] * np.sin(angle)
    y = nm[:, 0] * np.sin(angle) + nm[:, 1] * np.cos(angle) - 396671.0322102845
    assert np.allclose(space.nm_to_um(nm, MINNIE), np.column_stack([x, y, nm[:, 2]]) / 1000)


def test_a_volume_without_transform_keeps_its_axes():
    assert space.nm_to_um([[1000, 2000, 3000]], Volume("mine")).tolist() == [[1.0, 2.0, 3.0]]


def test_a_blank_position_has_no_depth_and_an_empty_table_no_rows():
    frame = pd.DataFrame({f"pt_position_{axis}": pd.array([None, 1000], dtype="Int32") for axis in "xyz"})
    depths = space.depth_um(frame, "pt_position", VOXEL_NM, MINNIE)
    assert np.isnan(depths[0])
    assert np.isfinite(depths[1])
    assert space.positions_um(frame.iloc[:0], "pt_position", VOXEL_NM, MINNIE).shape == (0, 3)


@given(st.lists(st.tuples(*[st.integers(0, 2**31 - 1)] * 3), max_size=20))
def test_voxels_survive_the_way_to_nanometres_and_back(voxels):
    given_vx = np.array(voxels, dtype=np.int64).reshape(-1, 3)
    back = space.nm_to_voxels(space.voxels_to_nm(given_vx, VOXEL_NM), VOXEL_NM)
    assert np.array_equal(np.rint(back).astype(np.int64), given_vx)


def test_a_layer_begins_at_its_top():
    layers = space.layer_of([-3.0, 0.0, 91.805, 91.806, 400.0, 900.0, np.nan], MINNIE)
    assert list(layers)[:6] == ["L1", "L1", "L1", "L2/3", "L5", "WM"]
    assert pd.isna(layers[6])
    assert list(layers.categories) == ["L1", "L2/3", "L4", "L5", "L6", "WM"]
    assert layers.ordered


def test_a_volume_without_layers_has_none():
    assert pd.isna(space.layer_of([1.0, 2.0], Volume("mine"))).all()


def test_an_unknown_transform_is_named():
    with pytest.raises(ValueError, match="mars"):
        space.nm_to_um([[1, 2, 3]], Volume("x", "mars"))
