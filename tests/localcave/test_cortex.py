"""The demo cortex: its files, ids, arbors and history, on a small one.

Every number is worked out from the files with pandas and numpy, not with the code that made them.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from localcave.cortex import make
from localcave.folder import writer
from tests.localcave.cortex_files import (
    EXCITATORY,
    EXPIRED,
    NEWEST,
    NUCLEI,
    OLDER,
    PROOFREADING,
    SYNAPSES,
    TYPES,
    VERSIONS,
    read_rows,
    read_segmentation,
    read_single_types,
    read_time,
    read_view,
)  # fmt: skip

TABLES_AT_NEWEST = {
    SYNAPSES: "synapse", NUCLEI: "nucleus_detection", PROOFREADING: "compartment_proofread_status_strategy",
    TYPES: "cell_type_reference", "nucleus_ref_neuron_svm": "cell_type_reference",
    "aibs_metamodel_mtypes_v661_v2": "cell_type_reference", "allen_v1_column_types_slanted_ref": "cell_type_reference",
    "aibs_column_nonneuronal_ref": "cell_type_reference", "allen_column_mtypes_v2": "cell_type_reference",
    "baylor_log_reg_cell_type_coarse_v1": "cell_type_reference",
    "baylor_gnn_cell_type_fine_model_v2": "cell_type_reference",
    "nucleus_functional_area_assignment": "reference_tag_float", "nucleus_alternative_points": "reference_point",
    "allen_soma_coarse_cell_class_model_v1": "cell_type_local", "coregistration_manual_v4": "func_unit_ext_coreg",
    "digital_twin_properties_bcm_coreg_v4": "digital_twin_properties",
    "synapse_target_predictions_ssa": "reference_tag", "vortex_compartment_targets": "reference_tag",
    "vortex_manual_nodes_of_ranvier": "bound_tag_valid", "vortex_axon_backtrace_column": "reference_tag",
    "vortex_manual_myelination_v0": "bound_tag_valid", "vortex_astrocyte_proofreading_status": "proofread_status",
    "proofreading_status_public_release": "compartment_proofread_status",
    "functional_properties_v3_bcm": "func_properties_bcm",
}  # fmt: skip


def test_equal_seeds_make_equal_files(tmp_path: Path) -> None:
    for name in ("a", "b"):
        make(tmp_path / name, size="small", seed=7)
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file())
    assert len(files) > 60
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes(), file


def test_another_seed_makes_another_cortex(small_cortex: Path, tmp_path: Path) -> None:
    make(tmp_path / "c", size="small", seed=8)
    assert set(read_rows(tmp_path / "c", NEWEST, NUCLEI).index) != set(read_rows(small_cortex, NEWEST, NUCLEI).index)


def test_progress_is_told_of_every_step(tmp_path: Path) -> None:
    messages: list[tuple[str, int, int]] = []
    make(tmp_path / "d", size="small", seed=1, progress=lambda *step: messages.append(step))
    assert [done for _, done, _ in messages] == list(range(len(messages)))
    assert {total for _, _, total in messages} == {len(messages) - 1}


def test_tables_versions_and_info_are_those_of_the_original(small_cortex: Path) -> None:
    manifest = writer.read_manifest(small_cortex)
    matches = {name: entry["metadata"] for name, entry in manifest["tables"][str(NEWEST)].items()}
    assert {name: record["schema_type"] for name, record in matches.items()} == TABLES_AT_NEWEST
    assert "gamlin_2023_mcs_met_types" in manifest["tables"][str(OLDER)]
    assert {v["version"]: v["valid"] for v in manifest["versions"]} == {EXPIRED: False, OLDER: True, NEWEST: True}
    for record in matches.values():
        target = record["reference_table"]
        assert (target is not None) == ("target_id" in read_rows(small_cortex, NEWEST, record["table_name"]).columns)
        assert record["description"] and record["voxel_resolution_z"] in (1.0, 40.0)
    assert manifest["info"]["synapse_table"] == SYNAPSES
    assert manifest["info"]["soma_table"] == NUCLEI


def test_row_counts_of_the_manifest_hold(small_cortex: Path) -> None:
    for version, tables in writer.read_manifest(small_cortex)["tables"].items():
        for name, entry in tables.items():
            assert len(read_rows(small_cortex, int(version), name)) == entry["row_count"], (version, name)


def test_ids_look_like_the_originals_and_are_unique(small_cortex: Path) -> None:
    nuclei, cut = read_rows(small_cortex, NEWEST, NUCLEI), read_segmentation(small_cortex, "supervoxels")
    assert nuclei.index.is_unique and nuclei.index.min() >= 100_000 and nuclei.index.max() <= 999_999
    assert cut["supervoxel_id"].is_unique
    assert cut["supervoxel_id"].between(10**16, 10**17 - 1).all()
    assert (cut["supervoxel_id"] // 2**56 == 1).all() and (cut["level2_id"] // 2**56 == 2).all()
    roots = pd.concat([cut["root_id"], read_segmentation(small_cortex, "history")["root_id"]]).unique()
    assert all(re.fullmatch(r"86469113\d{10}", str(root)) for root in roots)
    assert (cut.groupby("level2_id")["root_id"].nunique() == 1).all()
    for name in TABLES_AT_NEWEST:
        assert read_rows(small_cortex, NEWEST, name).index.is_unique, name


def test_references_lead_somewhere(small_cortex: Path) -> None:
    for version in VERSIONS:
        for name, entry in writer.read_manifest(small_cortex)["tables"][str(version)].items():
            target = entry["metadata"]["reference_table"]
            if target:
                assert (
                    read_rows(small_cortex, version, name)["target_id"]
                    .isin(read_rows(small_cortex, version, target).index)
                    .all()
                )


def _distance_to_arbor_nm(point: np.ndarray, skeleton: Any) -> np.ndarray:
    """From points (n, 3) to the surface of a skeleton: its edges with the radius at their nodes."""
    node = skeleton["vertices_nm"].reshape(-1, 3).astype(float)
    child, parent = skeleton["edges"].reshape(-1, 2).T
    start, way, radius = node[child], node[parent] - node[child], skeleton["radius_nm"].astype(float)
    best = np.linalg.norm(point - node[0], axis=1) - radius[0]
    for lo in range(0, len(child), 256):
        part = slice(lo, lo + 256)
        to_point = point[:, None, :] - start[None, part]
        length2 = np.maximum((way[part] ** 2).sum(axis=1), 1e-9)
        along = np.clip((to_point * way[None, part]).sum(axis=2) / length2, 0, 1)
        distance = np.linalg.norm(to_point - along[..., None] * way[None, part], axis=2)
        best = np.minimum(best, (distance - radius[child[part]]).min(axis=1))
    return best


def test_synapses_lie_on_the_arbors_of_both_cells(small_cortex: Path) -> None:
    """Skeletons are those of now: cells edited since the newest version are left out."""
    skeletons = pq.read_table(writer.skeleton_path(small_cortex)).to_pandas().set_index("root_id")
    synapses = read_rows(small_cortex, NEWEST, SYNAPSES)
    checked = 0
    for root, skeleton in skeletons.iterrows():
        for side in ("pre", "post"):
            rows = synapses[synapses[f"{side}_pt_root_id"] == root]
            columns = [f"{side}_pt_position_{axis}" for axis in "xyz"]
            distance = _distance_to_arbor_nm(rows[columns].to_numpy() * [4.0, 4.0, 40.0], skeleton)
            assert (distance < 400).all(), (root, side, distance.max())
            checked += len(rows)
    assert checked > 40_000


def test_skeletons_are_trees_with_every_compartment(small_cortex: Path) -> None:
    skeletons = pq.read_table(writer.skeleton_path(small_cortex)).to_pandas()
    types = read_single_types(small_cortex)
    assert skeletons["root_id"].is_unique
    for skeleton in skeletons.itertuples():
        n = len(skeleton.radius_nm)
        edges = skeleton.edges.reshape(-1, 2)
        assert len(skeleton.vertices_nm) == 3 * n and len(skeleton.compartment) == n and len(edges) == n - 1
        assert sorted(edges[:, 0]) == list(range(1, n))  # every node but the soma has one parent
        compartments = {1, 2, 3} | ({4} if types.get(skeleton.root_id) in EXCITATORY else set())
        assert set(skeleton.compartment) == compartments or skeleton.root_id not in types.index
        assert (skeleton.compartment == 1).sum() == 1


def test_tables_agree_with_the_history_of_the_segmentation(small_cortex: Path) -> None:
    cut, history = read_segmentation(small_cortex, "supervoxels"), read_segmentation(small_cortex, "history")
    now = cut.set_index("supervoxel_id")["root_id"]
    valid_now = history[history["expired"].isna()].set_index("supervoxel_id")["root_id"]
    assert (valid_now == now[valid_now.index]).all()
    for version in VERSIONS:
        time = read_time(version, small_cortex)
        then = history[(history["created"] <= time) & ~(history["expired"] <= time)]
        assert then["supervoxel_id"].is_unique
        root = now.copy()
        root[then["supervoxel_id"]] = then["root_id"].to_numpy()
        for table, points in ((SYNAPSES, ("pre_pt", "post_pt")), (NUCLEI, ("pt",)), (PROOFREADING, ("pt",))):
            rows = read_rows(small_cortex, version, table)
            for point in points:
                bound = rows[rows[f"{point}_supervoxel_id"] > 0]
                expected = root[bound[f"{point}_supervoxel_id"]].to_numpy()
                assert (bound[f"{point}_root_id"].to_numpy() == expected).all(), (version, table)


def test_history_has_no_gaps_and_matches_the_operations(small_cortex: Path) -> None:
    history = read_segmentation(small_cortex, "history").sort_values(["supervoxel_id", "created"])
    before = history.groupby("supervoxel_id")["expired"].shift()
    first = ~history["supervoxel_id"].duplicated()
    assert (history.loc[~first, "created"] == before[~first]).all()
    assert history.groupby("root_id")[["created", "expired"]].nunique().max().max() == 1
    roots = history.drop_duplicates("root_id").set_index("root_id")
    operations = json.loads(writer.segmentation_path(small_cortex, "operations.json").read_text())
    times = [pd.Timestamp(operation["timestamp"]) for operation in operations]
    assert times == sorted(times) and len(set(times)) == len(times)
    for operation, time in zip(operations, times, strict=True):
        assert {len(operation["before_root_ids"]), len(operation["after_root_ids"])} != {1}
        assert (len(operation["before_root_ids"]) == 1) == (operation["kind"] == "split")
        assert (roots.loc[operation["before_root_ids"], "expired"] == time).all()
        assert (roots.loc[operation["after_root_ids"], "created"] == time).all()
    ended = [root for operation in operations for root in operation["before_root_ids"]]
    assert sorted(ended) == sorted(roots.index[roots["expired"].notna()])


def test_every_former_root_has_a_successor(small_cortex: Path) -> None:
    """Going by its supervoxels, as suggest_latest_roots does."""
    history, cut = read_segmentation(small_cortex, "history"), read_segmentation(small_cortex, "supervoxels")
    now = cut.set_index("supervoxel_id")["root_id"]
    for version in VERSIONS:
        roots = read_rows(small_cortex, version, PROOFREADING)[["pt_root_id", "valid_id"]].to_numpy().ravel()
        for root in set(roots.tolist()) - set(now):
            supervoxels = history.loc[history["root_id"] == root, "supervoxel_id"]
            successors = now[supervoxels].value_counts(normalize=True)
            assert successors.iloc[0] > 0.5, root


@pytest.mark.parametrize("version", VERSIONS)
def test_degrees_of_the_view_are_those_of_the_table(small_cortex: Path, version: int) -> None:
    synapses = read_rows(small_cortex, version, SYNAPSES)
    view = read_view(small_cortex, version, "synapses_pni_2_in_out_degree").set_index("root_id")
    assert view.index.is_unique
    for side, kind in (("post", "input"), ("pre", "output")):
        sizes = synapses.groupby(f"{side}_pt_root_id")["size"].agg(["count", "mean"])
        counted = view[f"n_{kind}"].dropna()
        assert (counted.sort_index() == sizes["count"].sort_index()).all()
        mean = view[f"avg_{kind}_size"].dropna()
        assert mean.sort_index().to_numpy() == pytest.approx(sizes["mean"].sort_index().to_numpy(), rel=1e-5)


def test_single_neurons_and_cell_info(small_cortex: Path) -> None:
    nuclei = read_rows(small_cortex, NEWEST, NUCLEI)
    svm = read_rows(small_cortex, NEWEST, "nucleus_ref_neuron_svm").set_index("target_id")["cell_type"]
    alone = nuclei[(nuclei["pt_root_id"] > 0) & ~nuclei["pt_root_id"].duplicated(keep=False)]
    expected = set(alone.index[svm[alone.index] == "neuron"])
    assert set(read_view(small_cortex, NEWEST, "single_neurons")["id"]) == expected
    info = read_view(small_cortex, NEWEST, "aibs_cell_info").set_index("id")
    assert len(info) == len(nuclei)
    assert (info["pt_root_id"] == nuclei["pt_root_id"]).all()
    proofread = read_rows(small_cortex, NEWEST, PROOFREADING).set_index("pt_root_id")["strategy_axon"]
    result = info.dropna(subset=["axon_strategy"]).set_index("pt_root_id")["axon_strategy"]
    assert result.sort_index().to_dict() == proofread.sort_index().to_dict()
