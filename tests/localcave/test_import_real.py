"""Real rows of minnie65_public, imported by the example's TOML and read back through caveclient over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from caveclient import CAVEclient

from localcave.importer.importing import import_datastack
from tests.servers import ROOT, start_localcave

CELL = 864691135771609595
TYPES = "aibs_metamodel_celltypes_v661"
VERSION = 1300
COUNTS = {
    "23P": 19_673, "4P": 14_737, "6P-IT": 11_675, "5P-IT": 7_914, "astrocyte": 7_466, "oligo": 6_945,
    "6P-CT": 6_777, "BC": 3_321, "microglia": 2_488, "MC": 2_449, "5P-ET": 2_179, "OPC": 1_570, "BPC": 1_486,
    "pericyte": 1_159, "5P-NP": 963, "NGC": 621,
}  # fmt: skip
"""Of the files' own description."""


@pytest.fixture(scope="module")
def sample(realdata: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample") / "minnie65_sample"
    import_datastack(ROOT / "examples" / "minnie65_sample.toml", folder, data=realdata)
    return folder


@pytest.fixture(scope="module")
def client(sample: Path) -> Iterator[CAVEclient]:
    with start_localcave([sample]) as url:
        yield CAVEclient(
            "minnie65_sample", server_address=url, auth_token="any", write_server_cache=False, version=VERSION
        )


@pytest.fixture(scope="module")
def cells(realdata: Path) -> pd.DataFrame:
    return pd.read_feather(realdata / "cell_info_1300.feather")


def test_the_cell_types_are_those_of_the_file(client: CAVEclient, cells: pd.DataFrame) -> None:
    types = client.materialize.query_table(TYPES, split_positions=True, desired_resolution=[1, 1, 1])
    assert len(types) == 91_423
    assert types["cell_type"].value_counts().to_dict() == COUNTS
    types = types.sort_values("id_ref").reset_index(drop=True)
    assert types["pt_root_id"].tolist() == cells["pt_root_id"].tolist()
    assert types["cell_type"].tolist() == cells["cell_type_auto"].tolist()
    for axis in "xyz":
        assert np.array_equal(types[f"pt_position_{axis}"].to_numpy(int), cells[f"pt_position_{axis}"].to_numpy(int))
    assert (types["pt_root_id"] == 0).sum() == 1


def test_a_filter_leaves_the_rows_of_a_type(client: CAVEclient) -> None:
    assert len(client.materialize.query_table(TYPES, filter_equal_dict={"cell_type": "5P-NP"})) == 963


def test_manual_types_and_proofreading_are_those_of_the_file(client: CAVEclient, cells: pd.DataFrame) -> None:
    manual = client.materialize.query_table("allen_v1_column_types_slanted_ref")
    expected = cells[cells.cell_type_manual != ""]
    assert manual["cell_type"].value_counts().to_dict() == expected.cell_type_manual.value_counts().to_dict()
    assert dict(zip(manual.pt_root_id, manual.cell_type, strict=True)) == dict(
        zip(expected.pt_root_id, expected.cell_type_manual, strict=True)
    )
    proofread = client.materialize.query_table("proofreading_status_and_strategy")
    expected = cells[cells.proofreading_strategy != ""]
    assert dict(zip(proofread.pt_root_id, proofread.strategy_axon, strict=True)) == dict(
        zip(expected.pt_root_id, expected.proofreading_strategy, strict=True)
    )
    assert proofread.status_axon.all()
    assert proofread.status_dendrite.isna().all()


def test_the_synapses_of_the_cell_are_those_of_the_file(client: CAVEclient, realdata: Path) -> None:
    expected = pd.read_csv(realdata / "23P_corner_50.csv").set_index("id").sort_index()
    requested = {"post_ids": CELL, "split_positions": True, "desired_resolution": [1, 1, 1]}
    assert len(client.materialize.synapse_query(**requested)) == 2_699
    synapses = client.materialize.synapse_query(**requested, remove_autapses=False)
    assert len(synapses) == 2_707
    synapses = synapses.set_index("id").sort_index()
    assert synapses.index.tolist() == expected.index.tolist()
    assert synapses["pre_pt_root_id"].tolist() == expected["pre_pt_root_id"].tolist()
    assert synapses["size"].astype(int).tolist() == expected["size"].tolist()
    for axis in "xyz":
        got_um = synapses[f"ctr_pt_position_{axis}"].to_numpy(float) / 1000
        assert np.abs(got_um - expected[f"ctr_pt_{axis}"].to_numpy()).max() < 1e-6
    partners = synapses[synapses.pre_pt_root_id != CELL].groupby("pre_pt_root_id").size()
    assert (partners.sum(), len(partners), partners.max(), partners.idxmax()) == (2_699, 2_380, 10, 864691135684442807)


def test_roots_of_the_sample_can_be_looked_up(client: CAVEclient) -> None:
    roots = [CELL, 864691135684442807, 864691136274724621]
    assert client.chunkedgraph.is_latest_roots(roots).all()
    assert not client.chunkedgraph.is_latest_roots([CELL + 1])[0]
    table = client.materialize.query_table("nucleus_detection_v0", filter_equal_dict={"pt_root_id": roots[2]})
    assert client.chunkedgraph.get_root_id(int(table.pt_supervoxel_id[0])) == roots[2]
    assert client.chunkedgraph.suggest_latest_roots(CELL) == CELL


def test_the_sample_says_that_its_files_are_of_two_versions(client: CAVEclient) -> None:
    assert "version 343" in client.materialize.get_table_metadata("synapses_pni_2")["notice_text"]
    assert "version 343" in client.info.get_datastack_info()["description"]
