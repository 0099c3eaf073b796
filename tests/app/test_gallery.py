"""The gallery: every figure gives a number of the demo, equal to that of caveclient and pandas."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from caveclient import CAVEclient

from services.cave.client import Cave
from services.core.errors import NotFound
from services.gallery import files, numbers
from services.gallery.files import Figure

DEMO = "karst_demo"
TYPES, PROOFREAD, COLUMN = (
    "aibs_metamodel_celltypes_v661",
    "proofreading_status_and_strategy",
    "allen_v1_column_types_slanted_ref",
)
FIGURES = {figure.name: figure for figure in files.figures()}


@pytest.fixture(scope="module")
def client(localcave_url: str) -> CAVEclient:
    client = CAVEclient(DEMO, server_address=localcave_url, auth_token="none", write_server_cache=False)
    client.version = max(client.materialize.get_versions())
    return client


def here(cave: Cave, client: CAVEclient, name: str) -> dict[str, float]:
    frame = numbers.compare(cave.release(DEMO, client.version), FIGURES[name])
    assert frame["published"].notna().all()
    return dict(zip(frame["name"], frame["here"].astype(float), strict=True))


def test_shares_of_types_and_cells_with_one_soma(cave: Cave, client: CAVEclient) -> None:
    rows = client.materialize.query_table(TYPES)
    once = rows[(rows["pt_root_id"] != 0) & ~rows["pt_root_id"].duplicated(keep=False)]
    shares = once["cell_type"].value_counts(normalize=True)
    message = here(cave, client, "1_types")
    assert message == pytest.approx({name: shares.get(name, np.nan) for name in message}, nan_ok=True)
    assert here(cave, client, "3_single_somata") == pytest.approx({"one soma": len(once) / len(rows)})
    assert sum(here(cave, client, "2_classes").values()) == pytest.approx(1)


def test_strengths_and_targets(cave: Cave, client: CAVEclient) -> None:
    status = client.materialize.query_table(PROOFREAD)
    axons = set(status.loc[status["strategy_axon"] != "none", "pt_root_id"]) - {0}

    def edges(pre: set[int], post: set[int]) -> pd.Series:
        rows = client.materialize.query_table(
            "synapses_pni_2", filter_in_dict={"pre_pt_root_id": sorted(pre), "post_pt_root_id": sorted(post)}
        )
        rows = rows[rows["pre_pt_root_id"] != rows["post_pt_root_id"]]
        return rows.groupby(["pre_pt_root_id", "post_pt_root_id"]).size()

    counts = edges(axons, set(status["pt_root_id"]) - {0}).value_counts(normalize=True)
    message = here(cave, client, "4_strengths")
    assert message == pytest.approx({name: counts.get(int(name), np.nan) for name in message}, nan_ok=True)

    typed = client.materialize.query_table(COLUMN)
    typed = (
        typed[typed["pt_root_id"] != 0].drop_duplicates("pt_root_id", keep=False).set_index("pt_root_id")["cell_type"]
    )
    sizes = edges(axons & set(typed.index), set(typed.index)).reset_index(name="count")
    rows = ["BC", "MC", "BPC", "NGC"]
    sizes["row"] = sizes["pre_pt_root_id"].map(typed)
    sizes["column"] = sizes["post_pt_root_id"].map(typed).where(lambda names: names.isin(rows), "excitatory")
    table = pd.crosstab(sizes["row"], sizes["column"], sizes["count"], aggfunc="sum").fillna(0)
    table = table.div(table.sum(axis=1), axis=0)
    message = here(cave, client, "6_targets")
    for name, share in message.items():
        row, column = name.split(" → ")
        if row in table.index:
            assert share == pytest.approx(table.loc[row].get(column, 0)), name


def test_outputs_and_orphans(cave: Cave, client: CAVEclient) -> None:
    message = here(cave, client, "5_outputs")
    assert any(value > 0 for value in message.values())
    somata = set(client.materialize.query_table("nucleus_detection_v0")["pt_root_id"])
    status = client.materialize.query_table(PROOFREAD)
    roots = sorted(set(status["pt_root_id"]) - {0})[:10]
    rows = client.materialize.query_table("synapses_pni_2", filter_in_dict={"post_pt_root_id": roots})
    share = 1 - rows["pre_pt_root_id"].isin(somata - {0}).mean()
    assert here(cave, client, "7_orphans") == pytest.approx({"orphan axons": share})


def test_a_version_without_the_table_says_so(cave: Cave, client: CAVEclient) -> None:
    of = {"table": "nowhere", "column": "cell_type"}
    figure = Figure("none", "None", "shares", "", 1, "", "/", of, {"a": 1.0})
    with pytest.raises(NotFound, match="nowhere"):
        numbers.compare(cave.release(DEMO, client.version), figure)


def test_a_wrong_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "1_wrong.toml").write_text('title = "Wrong"')
    with pytest.raises(ValueError, match=r"1_wrong.toml has no kind"):
        files.figures(tmp_path)
    assert all(figure.kind in numbers.KINDS for figure in FIGURES.values()) and len(FIGURES) == 7
