"""The gallery: every figure gives a number of the demo, equal to that of caveclient and pandas."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from caveclient import CAVEclient

from services.cave.client import Cave
from services.cave.release import Release
from services.core.errors import NotFound
from services.gallery import files, numbers
from services.gallery.files import Figure

DEMO = "karst_demo"
TYPES, PROOFREAD, COLUMN = (
    "aibs_metamodel_celltypes_v661",
    "proofreading_status_and_strategy",
    "allen_v1_column_types_slanted_ref",
)
MTYPES = "aibs_metamodel_mtypes_v661_v2"
FIGURES = {figure.name: figure for figure in files.figures()}


@pytest.fixture(scope="module")
def client(localcave_url: str) -> CAVEclient:
    client = CAVEclient(DEMO, server_address=localcave_url, auth_token="none", write_server_cache=False)
    client.version = max(client.materialize.get_versions())
    return client


def here(cave: Cave, client: CAVEclient, name: str) -> dict[str, float]:
    frame = numbers.compare(Release.of(cave, DEMO, client.version), FIGURES[name])
    assert (frame["published"].notna() == bool(FIGURES[name].published)).all()
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

    for name, types, rows in (
        ("6_targets", COLUMN, ["BC", "MC", "BPC", "NGC"]),
        ("8_mtypes", MTYPES, ["PTC", "DTC", "STC", "ITC"]),
    ):
        typed = client.materialize.query_table(types)
        typed = typed[typed["pt_root_id"] != 0].groupby("pt_root_id")["cell_type"].agg(lambda own: "/".join(set(own)))
        sizes = edges(axons & set(typed.index[typed.isin(rows)]), set(typed.index)).reset_index(name="count")
        sizes["row"] = sizes["pre_pt_root_id"].map(typed)
        targets = sizes["post_pt_root_id"].map(typed)
        sizes["column"] = targets.where(targets.isin(rows), "excitatory")
        table = pd.crosstab(sizes["row"], sizes["column"], sizes["count"], aggfunc="sum").fillna(0)
        table = table.div(table.sum(axis=1), axis=0)
        message = here(cave, client, name)
        assert len(message) >= 5 * len(table) > 0
        for pair, share in message.items():
            row, column = pair.split(" → ")
            if row in table.index:
                assert share == pytest.approx(table.loc[row].get(column, 0)), pair


def test_targets_of_several_types_are_not_counted_as_excitatory(cave: Cave, localcave_url: str) -> None:
    """Which alone cells with differing rows are, at the older version."""
    client = CAVEclient(DEMO, server_address=localcave_url, auth_token="none", write_server_cache=False)
    client.version = min(client.materialize.get_versions())
    status, typed = client.materialize.query_table(PROOFREAD), client.materialize.query_table(MTYPES)
    typed = typed[typed["pt_root_id"] != 0].groupby("pt_root_id")["cell_type"].agg(lambda own: "/".join(set(own)))
    pre = sorted(set(status.loc[status["strategy_axon"] != "none", "pt_root_id"]) & set(typed.index[typed == "PTC"]))
    rows = client.materialize.query_table("synapses_pni_2", filter_in_dict={"pre_pt_root_id": pre})
    rows = rows[rows["pre_pt_root_id"] != rows["post_pt_root_id"]]
    targets = rows["post_pt_root_id"].map(typed).dropna()
    several = targets.str.contains("/")
    assert several.any()
    excitatory = ~targets[~several].isin(["PTC", "DTC", "STC", "ITC"])
    assert here(cave, client, "8_mtypes")["PTC → excitatory"] == pytest.approx(excitatory.mean())


def test_outputs_and_orphans(cave: Cave, client: CAVEclient) -> None:
    status = client.materialize.query_table(PROOFREAD)
    types = client.materialize.query_table(MTYPES).drop_duplicates("pt_root_id", keep=False)
    types = types.set_index("pt_root_id")["cell_type"]
    for name, end, proofread in (("5_outputs", "pre", "strategy_axon"), ("9_inputs", "post", "strategy_dendrite")):
        cells = sorted(set(status.loc[status[proofread] != "none", "pt_root_id"]) - {0})
        rows = client.materialize.query_table("synapses_pni_2", filter_in_dict={f"{end}_pt_root_id": cells})
        counts = rows[f"{end}_pt_root_id"].value_counts().reindex(cells, fill_value=0)
        medians = counts.groupby(types.reindex(cells)).median()
        message = here(cave, client, name)
        assert message == pytest.approx({one: medians.get(one, np.nan) for one in message}, nan_ok=True)
        assert any(value > 0 for value in message.values())
    somata = set(client.materialize.query_table("nucleus_detection_v0")["pt_root_id"])
    roots = sorted(set(status["pt_root_id"]) - {0})[:10]
    rows = client.materialize.query_table("synapses_pni_2", filter_in_dict={"post_pt_root_id": roots})
    share = 1 - rows["pre_pt_root_id"].isin(somata - {0}).mean()
    assert here(cave, client, "7_orphans") == pytest.approx({"orphan axons": share})


def test_a_version_without_the_table_says_so(cave: Cave, client: CAVEclient) -> None:
    of = {"table": "nowhere", "column": "cell_type"}
    figure = Figure("none", "None", "shares", "", 1, "", "/", of, {"a": 1.0})
    with pytest.raises(NotFound, match="nowhere"):
        numbers.compare(Release.of(cave, DEMO, client.version), figure)


def test_a_wrong_file_is_named(tmp_path: Path) -> None:
    wrong = tmp_path / "1_wrong.toml"
    wrong.write_text('title = "Wrong"')
    with pytest.raises(ValueError, match=r"1_wrong.toml has no kind"):
        files.figures(tmp_path)
    ready = (files.FOLDER / "8_mtypes.toml").read_text()
    wrong.write_text("\n".join(line for line in ready.splitlines() if not line.startswith("claim")))
    with pytest.raises(ValueError, match=r"1_wrong.toml has neither published numbers nor a claim"):
        files.figures(tmp_path)
    assert all(figure.kind in numbers.KINDS for figure in FIGURES.values()) and len(FIGURES) == 9
