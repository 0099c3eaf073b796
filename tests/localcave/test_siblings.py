"""The siblings of the demo: what makes each of them different is really in its files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import standard_transform

from localcave.folder.writer import table_path, view_path
from tests.localcave.test_cli import run


def rows(folder: Path, version: int, table: str) -> pd.DataFrame:
    return pd.read_parquet(table_path(folder, version, table))


def test_a_sibling_is_made_once_by_the_command(tmp_path: Path) -> None:
    created = run("demo", "--like", "v1dd", tmp_path / "v1dd")
    assert created.returncode == 0, created.stderr
    assert "already holds the sibling of v1dd of seed 1" in run("demo", "--like", "v1dd", tmp_path / "v1dd").stdout
    assert run("demo", "--like", "mouse", tmp_path / "mouse").returncode == 2


def test_the_pairs_of_the_fly_are_its_synapses_with_good_scores(siblings: dict[str, Path]) -> None:
    synapses = rows(siblings["karst_fly"], 783, "synapses_nt_v1")
    ends = ["pre_pt_root_id", "post_pt_root_id"]
    assert not any(str(name).startswith(("ctr_", "size")) for name in synapses)
    good = synapses[
        (synapses["cleft_score"] >= 50) & (synapses[ends[1]] != 0) & (synapses[ends[0]] != synapses[ends[1]])
    ]
    pairs = pd.read_parquet(view_path(siblings["karst_fly"], 783, "valid_connection_v2"))
    counted = good.groupby(ends).size().rename("n_syn").reset_index()
    pd.testing.assert_frame_equal(pairs.sort_values(ends, ignore_index=True), counted, check_dtype=False)
    assert pairs["n_syn"].max() > 10
    nt = synapses[["gaba", "ach", "glut", "oct", "ser", "da"]].sum(axis=1)
    assert np.allclose(nt, 1, atol=1e-5)


def test_a_cell_of_the_fly_has_several_annotations_and_one_flag(siblings: dict[str, Path]) -> None:
    annotations = rows(siblings["karst_fly"], 783, "hierarchical_neuron_annotations")
    assert annotations.groupby("target_id")["classification_system"].nunique().eq(4).all()
    assert rows(siblings["karst_fly"], 783, "proofread_neurons")["proofread"].value_counts().min() > 20


def test_somata_of_the_v1dd_lie_in_the_layers_of_their_types(siblings: dict[str, Path]) -> None:
    nuclei = rows(siblings["karst_v1dd"], 1196, "nucleus_detection_v0").set_index("id")
    types = rows(siblings["karst_v1dd"], 1196, "cell_type_multifeature_v1").set_index("target_id")["cell_type"]
    points = nuclei[[f"pt_position_{axis}" for axis in "xyz"]].to_numpy() * [9, 9, 45]
    depth = pd.Series(standard_transform.v1dd_ds.transform("nm").apply(points)[:, 1], nuclei.index)
    assert depth[types == "L2IT"].between(99, 251).all()
    assert depth[types == "L6CT"].between(549, 751).all()
