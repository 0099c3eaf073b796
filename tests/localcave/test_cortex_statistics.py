"""The demo cortex in its full size against published facts of minnie65_public.

Every number is worked out from the files with pandas and numpy, not with the code that made them. Published numbers:
tables of the MICrONS public release, materialization versions as said beside each.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import standard_transform

from localcave.cortex import make
from localcave.folder import writer
from tests.localcave.cortex_files import (
    EXCITATORY,
    EXPIRED,
    GLIA,
    INHIBITORY,
    NEWEST,
    NUCLEI,
    OLDER,
    PROOFREADING,
    SYNAPSES,
    TYPES,
    VERSIONS,
    read_rows,
    read_single_types,
    read_time,
)  # fmt: skip

TYPE_SHARE_PERCENT = {
    "23P": 21.7, "4P": 16.3, "6P-IT": 12.9, "5P-IT": 8.7, "astrocyte": 7.9, "oligo": 7.6, "6P-CT": 7.5, "BC": 3.7,
    "MC": 2.7, "microglia": 2.7, "5P-ET": 2.4, "BPC": 1.6, "OPC": 1.6, "5P-NP": 1.1, "pericyte": 0.9, "NGC": 0.7,
}  # fmt: skip
"""Of cells with one nucleus, version 1300."""


@pytest.fixture(scope="module")
def full_make(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """The demo cortex in its full size, and the processor seconds that it took."""
    folder = tmp_path_factory.mktemp("full") / "karst_demo"
    began = time.process_time()
    make(folder, size="full", seed=1)
    return folder, time.process_time() - began


@pytest.fixture(scope="module")
def full_cortex(full_make: tuple[Path, float]) -> Path:
    """The demo cortex in its full size."""
    return full_make[0]


def test_making_it_is_quick(full_make: tuple[Path, float]) -> None:
    assert full_make[1] < 60


def test_numbers_of_nuclei_and_types(full_cortex: Path) -> None:
    nuclei, types = read_rows(full_cortex, NEWEST, NUCLEI), read_rows(full_cortex, NEWEST, TYPES)
    assert len(nuclei) == 144_120
    assert len(types) == 94_014
    assert len(read_rows(full_cortex, NEWEST, "aibs_metamodel_mtypes_v661_v2")) == 72_158
    assert len(read_rows(full_cortex, NEWEST, "allen_v1_column_types_slanted_ref")) == 1_357
    share = read_single_types(full_cortex).value_counts(normalize=True) * 100
    for name, percent in TYPE_SHARE_PERCENT.items():
        assert share[name] == pytest.approx(percent, abs=0.1), name
    assert len(read_single_types(full_cortex)) == pytest.approx(90_303, rel=0.002)
    classes = types.groupby("classification_system")["cell_type"].unique()
    assert {name: sorted(values) for name, values in classes.items()} == {
        "excitatory_neuron": sorted(EXCITATORY), "inhibitory_neuron": sorted(INHIBITORY), "nonneuron": sorted(GLIA)
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "depth_um", "volume_um3"),
    [  # 5 %, 50 %, 95 % of both, version 1300
        ("23P", (87, 168, 243), (220, 296, 400)),
        ("4P", (256, 306, 359), (201, 254, 330)),
        ("5P-ET", (392, 465, 606), (283, 438, 596)),
        ("6P-CT", (531, 617, 707), (216, 269, 340)),
        ("MC", (128, 412, 619), (209, 286, 406)),
        ("astrocyte", (52, 343, 680), (127, 161, 203)),
        ("oligo", (182, 489, 712), (77, 100, 132)),
    ],
)
def test_depth_and_volume_of_a_type(
    full_cortex: Path, name: str, depth_um: tuple[float, ...], volume_um3: tuple[float, ...]
) -> None:
    types, nuclei = read_rows(full_cortex, NEWEST, TYPES), read_rows(full_cortex, NEWEST, NUCLEI)
    rows = nuclei.loc[types.loc[types["cell_type"] == name, "target_id"]]
    voxels = rows[["pt_position_x", "pt_position_y", "pt_position_z"]].to_numpy()
    depth = standard_transform.minnie_ds.transform_vx.apply_project("y", voxels)
    assert np.quantile(depth, [0.05, 0.5, 0.95]) == pytest.approx(depth_um, rel=0.06, abs=8)
    assert rows["volume"].quantile([0.05, 0.5, 0.95]).to_numpy() == pytest.approx(volume_um3, rel=0.06)


def test_every_nucleus_lies_in_the_volume(full_cortex: Path) -> None:
    nuclei = read_rows(full_cortex, NEWEST, NUCLEI)
    position_nm = nuclei[["pt_position_x", "pt_position_y", "pt_position_z"]].to_numpy() * [4, 4, 40]
    assert (position_nm >= [110_592, 110_592, 592_640]).all()
    assert (position_nm <= [1_814_528, 1_552_384, 1_116_160]).all()
    um = standard_transform.minnie_ds.transform_nm.apply(position_nm)
    assert um[:, 1].min() > 1 and um[:, 1].max() < 830  # observed 1.2 to 828.3
    area = read_rows(full_cortex, NEWEST, "nucleus_functional_area_assignment")["tag"].value_counts(normalize=True)
    assert area["V1"] == pytest.approx(90_765 / 144_120, abs=0.04)
    assert area["RL"] == pytest.approx(31_622 / 144_120, abs=0.04)
    assert area["AL"] == pytest.approx(20_859 / 144_120, abs=0.05)
    assert 0 < area["LM"] < 0.02


@pytest.mark.parametrize("size", ["small_cortex", "full_cortex"])
def test_quirks_are_there(request: pytest.FixtureRequest, size: str) -> None:
    folder: Path = request.getfixturevalue(size)
    nuclei, types, synapses = (read_rows(folder, NEWEST, name) for name in (NUCLEI, TYPES, SYNAPSES))
    somas = nuclei.loc[nuclei["pt_root_id"] > 0, "pt_root_id"].value_counts()
    assert somas.max() == 346
    assert (somas > 1).sum() > 8
    assert (nuclei["pt_root_id"] == 0).any()
    assert (nuclei.loc[nuclei["pt_root_id"] == 0, "pt_supervoxel_id"] == 0).all()
    of_types = nuclei["pt_root_id"].reindex(types["target_id"])
    assert (of_types == 0).any()
    assert types["target_id"].duplicated().any()
    assert not nuclei.index.isin(types["target_id"]).all()
    ends = pd.concat([synapses["pre_pt_root_id"], synapses["post_pt_root_id"]])
    assert (ends == 0).any()
    assert not ends[ends > 0].isin(nuclei["pt_root_id"]).all()  # fragments
    assert not somas.index.isin(ends).all()  # cells without a synapse
    for version in VERSIONS:
        proofread = read_rows(folder, version, PROOFREADING)
        assert (proofread["valid_id"] != proofread["pt_root_id"]).any()
    least = {"small_cortex": 2_000, "full_cortex": 20_000}[size]
    assert synapses["post_pt_root_id"].value_counts().iloc[0] >= least
    both = (synapses["post_pt_root_id"].value_counts() >= least) & (synapses["pre_pt_root_id"].value_counts() >= least)
    assert both.any()


def test_proofreading_grows_with_the_published_strategies(full_cortex: Path) -> None:
    published = {  # status at 1412 is published for axons with status_axon only; 1621 lies between 1507 and 1718
        1412: {"axon_partially_extended": 1702, "axon_interareal": 156, "axon_fully_extended": 124},
        1507: {"axon_partially_extended": 1750, "none": 41, "axon_interareal": 124, "axon_fully_extended": 267},
    }
    rows = {version: read_rows(full_cortex, version, PROOFREADING) for version in VERSIONS}
    assert [len(rows[version]) for version in VERSIONS] == [2020, 2182, 2258]
    assert set(rows[EXPIRED].index) < set(rows[OLDER].index) < set(rows[NEWEST].index)
    for version, counts in published.items():
        result = rows[version]["strategy_axon"].value_counts()
        assert {name: result[name] for name in counts} == counts
        assert ((rows[version]["strategy_axon"] == "none") == ~rows[version]["status_axon"]).all()
    stale = (rows[OLDER]["valid_id"] != rows[OLDER]["pt_root_id"]).mean()
    assert 0.03 < stale < 0.1  # 112 of 2,182


@pytest.fixture(scope="module")
def wired(full_cortex: Path) -> Any:
    """Synapses of the full cortex with types and proofreading of both sides."""
    synapses = read_rows(full_cortex, NEWEST, SYNAPSES)[["pre_pt_root_id", "post_pt_root_id", "size"]]
    types = read_single_types(full_cortex)
    proofread = set(read_rows(full_cortex, NEWEST, PROOFREADING)["pt_root_id"])
    return synapses.assign(
        pre_type=synapses["pre_pt_root_id"].map(types),
        post_type=synapses["post_pt_root_id"].map(types),
        pre_proofread=synapses["pre_pt_root_id"].isin(proofread),
        post_proofread=synapses["post_pt_root_id"].isin(proofread),
        autapse=synapses["pre_pt_root_id"] == synapses["post_pt_root_id"],
    )


SCALE = 0.21
"""Numbers of synapses are the published ones times this."""


def test_number_of_synapses_and_size_on_disk(full_cortex: Path, wired: Any) -> None:
    assert 2_000_000 <= len(wired) <= 4_000_000
    assert sum(path.stat().st_size for path in full_cortex.rglob("*") if path.is_file()) < 400e6


def test_inputs_and_outputs_by_type(wired: Any) -> None:
    median_inputs = {  # proofread cells, version 1718
        "23P": 4358, "4P": 2251, "5P-IT": 2823, "5P-ET": 8127, "6P-IT": 2470, "6P-CT": 2310, "BC": 6583, "MC": 6231,
        "BPC": 2645,
    }  # fmt: skip
    inputs = wired[wired["post_proofread"]].groupby(["post_type", "post_pt_root_id"]).size()
    for name, published in median_inputs.items():
        assert inputs[name].median() == pytest.approx(SCALE * published, rel=0.15), name
    outputs = wired[wired["pre_proofread"]].groupby(["pre_type", "pre_pt_root_id"]).size()
    for name, published in {"BC": 4036, "MC": 2907, "BPC": 359}.items():  # PTC, DTC, ITC at version 795
        assert outputs[name].median() == pytest.approx(SCALE * published, rel=0.15), name
    excitatory = outputs[outputs.index.get_level_values(0).isin(EXCITATORY)]
    assert excitatory.mean() == pytest.approx(SCALE * 500, rel=0.25)  # 780,573 of 1,562 axons in V1


def test_most_inputs_come_from_fragments(wired: Any) -> None:
    inputs, outputs = wired[wired["post_proofread"]], wired[wired["pre_proofread"]]
    assert inputs["pre_type"].isna().mean() == pytest.approx(0.87, abs=0.02)  # 85-88 %
    assert outputs["post_type"].isna().mean() == pytest.approx(0.2, abs=0.03)  # about a fifth
    neurons = inputs[inputs["pre_type"].isin(EXCITATORY + INHIBITORY) & ~inputs["autapse"]]
    excitatory = neurons["pre_type"].isin(EXCITATORY).groupby(neurons["post_type"]).mean()
    published = {"23P": 0.27, "4P": 0.35, "5P-IT": 0.47, "5P-ET": 0.51, "6P-CT": 0.56, "BC": 0.53, "MC": 0.59}
    for name, share in published.items():
        assert excitatory[name] == pytest.approx(share, abs=0.04), name


def test_synapses_per_pair(wired: Any) -> None:
    inputs = wired[wired["post_proofread"] & ~wired["autapse"] & (wired["pre_pt_root_id"] > 0)]
    pairs = inputs.groupby(["post_pt_root_id", "pre_pt_root_id"]).size()
    share = pairs.value_counts(normalize=True)
    assert share[1] == pytest.approx(0.91, abs=0.02)
    assert share[2] == pytest.approx(0.065, abs=0.015)
    inside = inputs[inputs["pre_proofread"]].groupby(["pre_pt_root_id", "post_pt_root_id"]).size()
    share = inside.value_counts(normalize=True)
    published = {1: 0.66, 2: 0.155, 3: 0.068, 4: 0.039}  # version 1507, 134,753 pairs
    for number, expected in published.items():
        assert share[number] == pytest.approx(expected, abs=0.05), number
    pair = set(inside.index)
    assert np.mean([(post, pre) in pair for pre, post in pair]) == pytest.approx(0.25, abs=0.05)  # reciprocal


def test_autapses_are_rare_in_a_cell_but_not_among_proofread_ones(wired: Any) -> None:
    inputs = wired[wired["post_proofread"]]
    assert 0.002 < inputs["autapse"].mean() < 0.005
    among = inputs[inputs["pre_proofread"]]
    assert among["autapse"].mean() > 0.06  # 11-13 % in the original


def test_type_preferences(wired: Any) -> None:
    among = wired[wired["pre_proofread"] & wired["post_proofread"] & ~wired["autapse"]]
    result = among.groupby(["pre_type", "post_type"]).size().unstack(fill_value=0)
    published = pd.DataFrame(  # version 1718, synapses among proofread column cells, rows presynaptic
        {
            "23P": [6708, 4030, 1838, 14679, 172, 16325], "4P": [1373, 4181, 799, 9970, 189, 9379],
            "5P-IT": [976, 2113, 822, 4292, 189, 2845], "BC": [5068, 4602, 1683, 2518, 856, 1554],
            "BPC": [755, 413, 199, 324, 205, 938], "MC": [5293, 2904, 1050, 636, 1165, 278],
        },
        index=["23P", "4P", "5P-IT", "BC", "BPC", "MC"],
    )  # fmt: skip
    ours = result.loc[published.index, published.columns]
    assert np.corrcoef(np.log(ours.to_numpy().ravel() + 1), np.log(published.to_numpy().ravel()))[0, 1] > 0.85
    assert ours.loc["MC", "MC"] < ours.loc["BC", "BC"] / 5  # Martinotti cells avoid each other


def test_connections_become_rarer_with_distance(full_cortex: Path, wired: Any) -> None:
    nuclei = read_rows(full_cortex, NEWEST, NUCLEI).drop_duplicates("pt_root_id", keep=False).set_index("pt_root_id")
    position = nuclei[["pt_position_x", "pt_position_z"]] * [4e-3, 40e-3]
    giant = wired["pre_pt_root_id"].value_counts().index[0]
    pairs = wired[wired["pre_proofread"] & ~wired["autapse"] & (wired["pre_pt_root_id"] != giant)]
    pairs = pairs[pairs["pre_pt_root_id"].isin(position.index) & pairs["post_pt_root_id"].isin(position.index)]
    pre, post = (position.loc[pairs[side]].to_numpy() for side in ("pre_pt_root_id", "post_pt_root_id"))
    distance = np.linalg.norm(pre - post, axis=1)
    counts, edges = np.histogram(distance, bins=[0, 50, 100, 200, 300])
    density = counts / np.pi / (edges[1:] ** 2 - edges[:-1] ** 2)
    assert (np.diff(density) < 0).all()


def test_sizes(wired: Any) -> None:
    assert (wired["size"] % 4 == 0).all() and wired["size"].min() >= 160
    sizes = wired.loc[wired["post_type"] == "23P", "size"]
    assert sizes.median() == pytest.approx(4756, rel=0.12)  # 9,201 inputs of 23P cells, version 343
    assert sizes.mean() == pytest.approx(7803, rel=0.12)
    assert np.log(sizes).std() == pytest.approx(1.1, abs=0.12)
    interneurons = wired.loc[wired["pre_type"].isin(["BC", "MC"]) & wired["pre_proofread"], "size"]
    assert 2_400 < interneurons.mean() < 4_500


def test_target_compartments(full_cortex: Path, wired: Any) -> None:
    predicted = read_rows(full_cortex, NEWEST, "synapse_target_predictions_ssa").set_index("target_id")["tag"]
    assert len(predicted) / len(wired) == pytest.approx(204_331_842 / 337_312_429, abs=0.01)
    rows = wired.loc[predicted.index].assign(tag=predicted)
    rows = rows[rows["post_proofread"] & ~rows["autapse"]]
    spine = (rows["tag"] == "spine").groupby(rows["post_type"].isin(EXCITATORY)).mean()
    assert spine[True] == pytest.approx(0.703, abs=0.05)
    assert spine[False] == pytest.approx(0.198, abs=0.05)
    of_basket = rows.loc[rows["pre_type"] == "BC", "tag"].value_counts(normalize=True)
    assert of_basket["soma"] == pytest.approx(0.157, abs=0.03)
    of_martinotti = rows.loc[rows["pre_type"] == "MC", "tag"].value_counts(normalize=True)
    assert of_martinotti["soma"] < 0.04


def test_dendrites_are_as_long_as_published(full_cortex: Path) -> None:
    skeletons = pq.read_table(writer.skeleton_path(full_cortex)).to_pandas().set_index("root_id")
    types = read_single_types(full_cortex)
    length: dict[int, float] = {}
    for root, skeleton in skeletons[skeletons.index.isin(types.index)].iterrows():
        node, (child, parent) = skeleton["vertices_nm"].reshape(-1, 3), skeleton["edges"].reshape(-1, 2).T
        dendrite = skeleton["compartment"][child] > 2
        length[root] = np.linalg.norm(node[child] - node[parent], axis=1)[dendrite].sum() / 1000
    median = pd.Series(length).groupby(types).median()
    published = {"23P": 4720, "4P": 3110, "5P-IT": 4050, "5P-ET": 7269, "BC": 4176, "MC": 3808}  # um
    for name, expected in published.items():
        assert median[name] == pytest.approx(expected, rel=0.12), name


def test_versions_differ_by_edits(full_cortex: Path) -> None:
    proofread = {version: read_rows(full_cortex, version, PROOFREADING)["pt_root_id"] for version in VERSIONS}
    for earlier, later, least, most in ((EXPIRED, OLDER, 80, 180), (OLDER, NEWEST, 60, 160)):
        common = proofread[earlier].index
        changed = (proofread[earlier] != proofread[later][common]).sum()
        assert least < changed < most  # 118 of 2,020 in the original
    types = {version: read_single_types(full_cortex, version).value_counts() for version in VERSIONS}
    for version in (EXPIRED, OLDER):
        assert (types[version] / types[NEWEST]).between(0.98, 1.02).all()
    operations = json.loads(writer.segmentation_path(full_cortex, "operations.json").read_text())
    newest = read_time(NEWEST, full_cortex)
    assert any(pd.Timestamp(operation["timestamp"]) > newest for operation in operations)
    assert {operation["kind"] for operation in operations} == {"merge", "split"}


def test_functional_tables(full_cortex: Path) -> None:
    radians, twin = (
        read_rows(full_cortex, version, name)
        for version, name in ((OLDER, "functional_properties_v3_bcm"), (NEWEST, "digital_twin_properties_bcm_coreg_v4"))
    )
    assert len(radians) == 12_094 and len(twin) == 15_780
    assert radians["pref_ori"].between(0, np.pi).all() and radians["pref_dir"].between(0, 2 * np.pi).all()
    assert twin["pref_ori"].between(0, 180).all() and twin["pref_dir"].between(0, 360).all()
    assert ((twin["pref_dir"] - twin["pref_ori"]) % 180).round(2).isin([0, 180]).all()
    assert twin[["gOSI", "gDSI", "cc_abs", "cc_max", "cc_norm", "OSI", "DSI"]].stack().between(0, 1).all()
    assert twin["cc_norm"].median() == pytest.approx(0.661, abs=0.05)
    assert twin["target_id"].duplicated().any()
