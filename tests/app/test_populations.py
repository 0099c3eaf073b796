"""Populations: six cells worked out on paper, and the demo cortex against caveclient and pandas."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import flask
import networkx as nx
import pandas as pd
import pyarrow as pa
import pytest
from flask.testing import FlaskClient

from api import answers, blueprint
from services.cave.client import Cave
from services.cave.release import Release
from services.cells import partner_columns
from services.core.errors import BadInput, NotFound
from services.core.settings import Settings
from services.populations import sets
from tests import six_cells
from tests.servers import start_localcave
from tests.six_cells import CELLS, I1, I2, P1, P2, P3, SYNAPSES, VERSION, X

SIX = six_cells.DATASTACK
DEMO = "karst_demo"
PROOFREAD = "proofreading_status_and_strategy"
EDGES = {
    (P1, P2): 2,
    (P1, I1): 1,
    (P2, I1): 3,
    (P3, X): 1,
    (I1, P1): 1,
    (I1, P2): 2,
    (I1, P3): 1,
    (I2, I1): 1,
    (X, P1): 1,
}

BY_TYPE = {"pre_by": "types.cell_type", "post_by": "types.cell_type"}


@pytest.fixture
def api_client(six: Cave) -> FlaskClient:
    app = flask.Flask("test_populations")
    app.extensions["karst"] = six
    app.register_blueprint(blueprint)
    return app.test_client()


def get(client: FlaskClient, what: str, datastack: str = SIX, **query: str) -> dict[str, Any]:
    answer = client.get(f"/api/v1/{datastack}/latest/populations/{what}", query_string=query)
    assert answer.status_code == 200, answer.json
    return dict(answer.json)


def values(client: FlaskClient, **query: str) -> dict[tuple[str | None, str | None], tuple[Any, Any]]:
    rows = get(client, "matrix", **query)["rows"]
    return {(row["pre"], row["post"]): (row["value"], row["denominator"]) for row in rows}


def read_stream(content: io.BytesIO) -> pd.DataFrame:
    return pa.ipc.open_stream(content).read_pandas()


# ---- six cells on paper


def test_edges_of_six_cells(api_client: FlaskClient) -> None:
    message = get(api_client, "edges", pre="nuclei:", proofread="off")
    rows = {(int(row["pre_root_id"]), int(row["post_root_id"])): row for row in message["rows"]}
    assert {pair: row["num_syn"] for pair, row in rows.items()} == EDGES
    assert rows[(P2, I1)]["net_size"] == 60 and rows[(I1, P1)]["net_size"] == 400
    assert message["total"] == 9 and message["autapses"] == 1
    assert "1 synapse of a cell onto itself is not counted." in " ".join(message["messages"])
    assert message["sets"]["pre"] == {
        "set": "nuclei:",
        "cells": 6,
        "cells_named": 6,
        "rows": 6,
        "repeated": 0,
        "without_root": 0,
        "several_somata": 0,
        "proofread_axon": 3,
        "proofread_dendrite": 2,
    }


def test_only_proofread_axons_count_unless_asked_otherwise(api_client: FlaskClient) -> None:
    message = get(api_client, "edges", pre="nuclei:")
    assert {(int(r["pre_root_id"]), int(r["post_root_id"])) for r in message["rows"]} == {
        pair for pair in EDGES if pair[0] in six_cells.AXON_PROOFREAD
    }
    assert "Presynaptic set: 3 of 6 cells left out: axon not proofread." in message["messages"]
    both = get(api_client, "edges", pre="nuclei:", proofread="both")
    assert {(int(r["pre_root_id"]), int(r["post_root_id"])) for r in both["rows"]} == {(P1, I1), (P2, I1), (I1, P1)}


def test_a_matrix_that_is_too_large_for_json_comes_as_a_file(
    api_client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "MOST_JSON_ROWS", 8)
    refused = api_client.get(f"/api/v1/{SIX}/{VERSION}/populations/edges?pre=nuclei:&proofread=off")
    assert refused.status_code == 413 and refused.json is not None
    assert refused.json["error"]["message"] == "9 rows are too many for JSON."
    files = api_client.get(f"/api/v1/{SIX}/{VERSION}/populations/edges?pre=nuclei:&proofread=off&format=csv")
    assert files.status_code == 200 and files.text.count("\n") > len(EDGES)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("synapses", {("P", "P"): (2, None), ("P", "I"): (4, None), ("I", "P"): (4, None), (None, "P"): (1, None)}),
        ("connections", {("P", "P"): (1, None), ("P", "I"): (2, None), ("I", "P"): (3, None), ("I", None): (0, None)}),
        (
            "connected_fraction",
            {("P", "P"): (1 / 6, 6), ("P", "I"): (2 / 6, 6), ("I", "I"): (1 / 2, 2), (None, None): (None, 0)},
        ),
        (
            "synapses_per_connection",
            {("P", "P"): (2, 1), ("P", "I"): (2, 2), ("I", "P"): (4 / 3, 3), ("I", None): (None, 0)},
        ),
        ("net_size", {("P", "P"): (300, None), ("P", "I"): (360, None), ("I", "P"): (580, None)}),
        ("mean_size", {("P", "P"): (150, 2), ("P", "I"): (90, 4), ("I", "P"): (145, 4)}),
        ("output_share", {("P", "I"): (4 / 10, 10), ("I", "P"): (4 / 5, 5), (None, "P"): (1, 1)}),
        ("input_share", {("P", "P"): (2 / 12, 12), ("P", "I"): (4 / 5, 5), ("P", None): (1, 1)}),
    ],
)
def test_matrix_of_six_cells(api_client: FlaskClient, value: str, expected: dict[Any, Any]) -> None:
    message = values(api_client, pre="nuclei:", proofread="off", value=value, **BY_TYPE)
    assert len(message) == 9
    for pair, (number, denominator) in expected.items():
        assert message[pair][0] == (None if number is None else pytest.approx(number)), pair
        assert message[pair][1] == denominator, pair


def test_shares_without_a_view_of_degrees(tmp_path: Path) -> None:
    with start_localcave([six_cells.make(tmp_path / SIX, with_view=False)]) as url:
        app = flask.Flask("without_view")
        app.extensions["karst"] = Cave(Settings(server_address=url, cache=""))
        app.register_blueprint(blueprint)
        message = values(app.test_client(), pre="types:", proofread="off", value="output_share")
    assert message[("P", "I")] == (pytest.approx(0.4), 10) and message[("I", "P")] == (pytest.approx(0.8), 5)


def test_groups_and_denominators(api_client: FlaskClient) -> None:
    message = get(api_client, "matrix", pre="types:", post="nuclei:", proofread="off", post_by="cell")
    assert message["pre_by"] == "types.cell_type" and message["post_by"] == "cell"
    assert message["denominators"]["pre"] == [{"group": "I", "cells": 2}, {"group": "P", "cells": 3}]
    assert {row["post"] for row in message["rows"]} == set(map(str, CELLS))
    assert get(api_client, "matrix", pre="types:", proofread="off", pre_by="cell_type")["rows"][0]["pre"] == "I"


def test_files_have_the_same_rows(api_client: FlaskClient) -> None:
    message = get(api_client, "edges", pre="nuclei:", proofread="off")["rows"]
    for wanted, read in (("csv", pd.read_csv), ("parquet", pd.read_parquet), ("arrow", read_stream)):
        query = {"pre": "nuclei:", "proofread": "off", "format": wanted}
        answer = api_client.get(f"/api/v1/{SIX}/{VERSION}/populations/edges", query_string=query)
        frame = read(io.BytesIO(answer.data))
        assert list(frame) == ["pre_root_id", "post_root_id", "num_syn", "net_size"]
        assert frame["pre_root_id"].astype(str).tolist() == [row["pre_root_id"] for row in message], wanted


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ({}, 400, "No cells are given"),
        ({"pre": "nowhere:"}, 404, "nowhere"),
        ({"pre": "types:cell_typ = P"}, 400, "cell_typ"),
        ({"pre": "types:", "value": "weight"}, 400, "weight"),
        ({"pre": "types:", "pre_by": "types.nothing"}, 400, "nothing"),
        ({"pre": "types:", "proofread": "maybe"}, 400, "maybe"),
        ({"pre": "synapses:"}, 400, "no root ids"),
        ({"pre": "types:", "per_by": "cell"}, 400, "per_by"),
        ({"pre": "types:", "model": "degrees"}, 400, "model"),
        ({"pre": f"{P1}", "pre_by": "cell_type"}, 400, "does not name its table"),
        ({"pre": "types:", "pre_by": "nowhere.cell_type"}, 404, "nowhere"),
    ],
)
def test_bad_questions(api_client: FlaskClient, query: dict[str, str], status: int, words: str) -> None:
    answer = api_client.get(f"/api/v1/{SIX}/latest/populations/matrix", query_string=query)
    assert answer.status_code == status
    assert words in answer.json["error"]["message"]


@pytest.mark.parametrize("more", partner_columns.WORKED_OUT)
def test_columns_that_six_cells_do_not_have_are_an_answer_of_the_api(api_client: FlaskClient, more: str) -> None:
    answer = api_client.get(f"/api/v1/{SIX}/latest/cells/{P1}/partners", query_string={"direction": "in", "more": more})
    assert answer.status_code == (200 if more in (partner_columns.SHARE, partner_columns.POINTS) else 404), answer.text
    assert more in ("share", "points") or answer.json["error"]["code"] == "not_found"


def test_empty_sets_and_sets_that_do_not_meet(api_client: FlaskClient) -> None:
    text = get(api_client, "edges", pre="types:cell_type = Z", proofread="off")
    assert text["rows"] == [] and "The presynaptic set has no cells." in text["messages"]
    other = get(api_client, "edges", pre="864691136999999999", proofread="off")  # of another datastack
    assert any("No cells at version 1: 1 of the ids" in message for message in other["messages"])
    apart = get(api_client, "edges", pre=str(I2), post=str(X), proofread="off")
    assert apart["rows"] == [] and "There are no synapses among these sets." in apart["messages"]
    assert get(api_client, "matrix", pre="types:cell_type = Z", proofread="off")["rows"] == []


def test_sets_of_ids(six: Cave) -> None:
    release = Release.of(six, SIX, VERSION)
    assert sets.resolve(release, f"{P1}, 4 {X}").ids.tolist() == [P1, I1, X]  # 4 is the nucleus of I1
    for text in (f"root_id: {P1}, {X}", f"segments: ['{P1}', '{X}']", f"ids:\n{P1}\n{X}"):
        assert sets.resolve(release, text).ids.tolist() == [P1, X]
    with pytest.raises(NotFound, match="nowhere"):
        sets.resolve(release, f"nowhere: pt_root_id = {P1}")
    lost = sets.resolve(release, f"{P1} 864691136999999999")
    assert lost.ids.tolist() == [P1] and "1 of the ids" in lost.notes[0]
    rounded = sets.resolve(release, f"{P1} 864691136999999000")
    assert rounded.notes[1].startswith("1 id looks rounded by a spreadsheet or a browser (864691136999999000)")
    by_filter = sets.resolve(release, f"types:pt_root_id in (864691136999999000, {P1})")
    assert by_filter.ids.tolist() == [P1] and "1 id looks rounded" in by_filter.notes[0]
    with pytest.raises(BadInput):
        sets.resolve(release, "no ids here")


# ---- more than chance


@pytest.mark.parametrize("model", ["degrees", "depth", "distance"])
def test_null_models_of_six_cells(api_client: FlaskClient, model: str) -> None:
    query = {"pre": "nuclei:", "proofread": "off", "model": model, "permutations": "50", "seed": "7", **BY_TYPE}
    text = get(api_client, "null", **query)
    counted = "synapses" if model == "depth" else "connections"
    observed = {(row["pre"], row["post"]): row["observed"] for row in text["rows"]}
    matrix = values(api_client, pre="nuclei:", proofread="off", value=counted, **BY_TYPE)
    assert observed == {pair: number for pair, (number, _) in matrix.items()}
    assert sum(row["expected"] for row in text["rows"]) == pytest.approx(sum(observed.values()))
    assert text["permutations"] == 50 and text["seed"] == 7 and text["num"] == sum(observed.values())
    assert any("50 permutations, seed 7" in message for message in text["messages"])
    assert get(api_client, "null", **query)["rows"] == text["rows"]


def test_motifs_of_six_cells(api_client: FlaskClient) -> None:
    message = get(api_client, "motifs", pre="nuclei:", proofread="off", permutations="20")
    rows = message["rows"]
    assert "20 permutations, seed 1, of 9 connections among 6 cells" in message["messages"][-1]
    graph = nx.DiGraph(list(EDGES))
    theirs = nx.triadic_census(graph)
    message = {row["motif"]: row["observed"] for row in rows}
    assert message.pop("reciprocal") == 2
    assert message == {name: theirs[name] for name in message} and len(message) == 13


def test_likeness_of_six_cells(api_client: FlaskClient) -> None:
    """P1 has 2 outputs onto P and 1 onto I, I1 4 onto P; I2 has 1 onto I."""
    query = {"pre": "nuclei:", "proofread": "off", **BY_TYPE}
    message = get(api_client, "alike", cell=str(P1), **query)
    rows = {int(row["root_id"]): (row["similarity"], row["num_syn"], row["group"]) for row in message["rows"]}
    assert rows[I1] == (pytest.approx(2 / 5**0.5), 4, "I") and rows[I2] == (pytest.approx(1 / 5**0.5), 1, "I")
    assert rows[P3] == (0, 1, "P") and set(rows) == set(CELLS) - {P1}
    jaccard = get(api_client, "alike", cell=str(P1), measure="jaccard", **query)["rows"]
    assert {row["similarity"] for row in jaccard if int(row["root_id"]) in (I1, P2)} == {0.5}
    clusters = get(api_client, "alike", number="2", **query)["rows"]
    assert len({row["cluster"] for row in clusters if int(row["root_id"]) in (P2, I2)}) == 1
    shared = get(api_client, "partners", pre="nuclei:", proofread="off", cell=str(P1), other=str(P2))["rows"]
    assert {(int(row["root_id"]), row["of"], row["num_syn_first"], row["num_syn_second"]) for row in shared} == {
        (I1, "both", 1, 3),
        (P2, "first", 2, 0),
    }


def test_paths_of_six_cells(api_client: FlaskClient) -> None:
    def between(**query: str) -> list[int] | None:
        rows = get(api_client, "paths", pre=str(I2), post=str(P2), proofread="off", **query)["rows"]
        return [int(rows[0][name]) for name in ("via_1_root_id", "via_2_root_id") if rows[0][name]] if rows else None

    assert between() is None  # no cell of both sets leads there
    assert between(through=str(I1)) == [I1]
    assert between(through="nuclei:") == [I1]
    narrow = get(api_client, "paths", pre=str(I2), post="types:cell_type = Z", proofread="off", through="nuclei:")
    assert [narrow["sets"][side]["cells"] for side in ("pre", "post")] == [1, 0]  # not those that lead between
    assert "The postsynaptic set has no cells." in narrow["messages"]
    assert between(through=f"{P1} {P3}", steps="2") is None
    every = get(api_client, "paths", pre="nuclei:", proofread="off", order="strongest")["rows"]
    best = {(int(row["pre_root_id"]), int(row["post_root_id"])): row for row in every}
    assert best[P2, P1]["steps"] == 2 and best[P2, P1]["weakest"] == 1 and best[P1, P2]["weakest"] == 2
    assert best[P2, X]["num_syn_1"] == 3 and best[P2, X]["steps"] == 3 and int(best[P2, X]["via_2_root_id"]) == P3


@pytest.mark.parametrize(
    ("what", "query", "words"),
    [
        ("null", {"model": "random"}, "random"),
        ("null", {"model": "depth", "value": "connections"}, "connections"),
        ("null", {"permutations": "0"}, "0 permutations"),
        ("null", {"permutations": "many"}, "many"),
        ("null", {"seed": "-1"}, "seed"),
        ("alike", {"cell": "864691136999999999"}, "not among"),
        ("alike", {"cell": "P1"}, "not a root id"),
        ("alike", {"cell": "0"}, "not a root id"),
        ("alike", {"number": "0"}, "0 clusters"),
        ("partners", {"cell": str(P1)}, "Two cells"),
        ("paths", {"steps": "4"}, "4 steps"),
        ("changes", {}, "no version to compare"),
        ("changes", {"against": "77"}, "77"),
        ("difference", {}, "no other set"),
        ("difference", {"beside": "nuclei:", "value": "net_size"}, "net_size"),
        ("paths", {"through": "nowhere:"}, "nowhere"),
    ],
)
def test_bad_null_models_likeness_and_paths(
    api_client: FlaskClient, what: str, query: dict[str, str], words: str
) -> None:
    answer = api_client.get(f"/api/v1/{SIX}/latest/populations/{what}", query_string={"pre": "types:", **query})
    assert answer.status_code in (400, 404) and words in answer.json["error"]["message"]


def test_an_entry_of_the_matrix_alone(api_client: FlaskClient) -> None:
    """What pages of one entry show, as files: by hand, from the edges on paper."""
    query = {"pre": "nuclei:", "proofread": "off", "row": "P", "column": "I", **BY_TYPE}

    def edges(what: str = "edges", **other: str) -> dict[tuple[int, int], int]:
        rows = get(api_client, what, **query | other)["rows"]
        return {(int(row["pre_root_id"]), int(row["post_root_id"])): row["num_syn"] for row in rows}

    message = get(api_client, "edges", **query)
    assert edges() == edges("changes", against=str(VERSION)) == {(P1, I1): 1, (P2, I1): 3}
    assert message["messages"][0] == "Only P onto I." and (message["row"], message["column"]) == ("P", "I")
    assert (message["sets"]["pre"]["cells"], message["sets"]["post"]["cells"]) == (3, 2)
    assert edges(row="no type", column="P") == {(X, P1): 1}
    shared = get(api_client, "partners", cell=str(P1), other=str(P2), direction="out", **query)["rows"]
    assert [int(row["root_id"]) for row in shared] == [I1]  # and not P2, onto which P1 has synapses too
    reached = get(api_client, "paths", **query)["rows"]  # through cells of any type
    steps = {(int(row["pre_root_id"]), int(row["post_root_id"])): row["steps"] for row in reached}
    assert steps == {(P1, I1): 1, (P2, I1): 1, (P3, I1): 3}
    alike = get(api_client, "alike", cell=str(P1), **query)["rows"]
    assert {int(row["root_id"]) for row in alike} <= {P2, P3}
    counts = {row["motif"]: row["observed"] for row in get(api_client, "motifs", permutations="2", **query)["rows"]}
    assert {motif for motif, count in counts.items() if count} == {"021U"}
    groups = get(api_client, "difference", beside="types:cell_type = I", **query)["rows"]
    assert [(row["group"], row["first"], row["second"]) for row in groups] == [("I", 1, 1)]


def test_an_entry_that_there_is_not(api_client: FlaskClient) -> None:
    query = {"pre": "nuclei:", "row": "Q", "column": "I", **BY_TYPE}
    answer = api_client.get(f"/api/v1/{SIX}/latest/populations/edges", query_string=query)
    assert answer.status_code == 400
    assert "No presynaptic cell has 'Q' as types.cell_type." in answer.json["error"]["message"]


def test_the_script_yields_the_same(api_client: FlaskClient, six_url: str, tmp_path: Path) -> None:
    query = {"pre": "nuclei:", "proofread": "off"}
    script = api_client.get(f"/api/v1/{SIX}/latest/populations/python", query_string=query)
    assert script.status_code == 200
    names: dict[str, Any] = {}
    text = script.text.replace("CAVEclient(", "CAVEclient(auth_token='none', datastack_name=", 1)
    exec(compile(text, "edges.py", "exec"), names)
    edges = names["edges"].set_index(["pre_root_id", "post_root_id"])
    assert edges["num_syn"].to_dict() == EDGES and edges["net_size"].sum() == sum(size for *_, size in SYNAPSES[:13])
    assert (
        names["matrix"].loc[P2, I1] == 3 and names["matrix"].shape == (6, 6) and names["matrix"].to_numpy().sum() == 13
    )


def test_both_sets_in_neuroglancer(api_client: FlaskClient) -> None:
    query = {"pre": "types:cell_type = P", "post": f"{P1} {I1} {X}", "proofread": "off"}
    message = get(api_client, "neuroglancer", **query)
    layers = {layer["name"]: layer for layer in message["state"]["layers"]}
    (segments,) = (layer for layer in layers.values() if layer["type"] == "segmentation")
    colours = {set_: message["legend"][set_] for set_ in ("presynaptic", "postsynaptic", "both")}
    assert segments["segmentColors"] == {
        **{str(root): colours["presynaptic"] for root in (P2, P3)},
        **{str(root): colours["postsynaptic"] for root in (I1, X)},
        str(P1): colours["both"],
    }
    points = [layer["annotations"] for layer in layers.values() if layer["type"] == "annotation"]
    assert sum(map(len, points)) == 5 and len(points) == 3


def test_two_sets_beside_each_other(api_client: FlaskClient) -> None:
    query = {"pre": "types:cell_type = P", "post": "nuclei:", "proofread": "off", "post_by": "types.cell_type"}
    message = get(api_client, "difference", beside="types:cell_type = I", value="synapses_per_cell", **query)
    rows = {row["group"]: row for row in message["rows"]}
    assert (rows["P"]["first"], rows["P"]["second"]) == (pytest.approx(2 / 3), 2)
    assert (rows["I"]["first"], rows["I"]["second"]) == (pytest.approx(4 / 3), 0.5)
    assert rows["P"]["difference"] == pytest.approx(-4 / 3) and rows["P"]["low"] <= -4 / 3 <= rows["P"]["high"]
    share = get(api_client, "difference", beside="types:cell_type = I", **query)["rows"]
    assert {row["group"]: row["second"] for row in share} == {"I": 0.2, "P": 0.8, None: 0}
    proofread = get(api_client, "difference", beside="types:cell_type = I", **query | {"proofread": "both"})
    (left_out,) = (message for message in proofread["messages"] if message.startswith("With the second set"))
    assert left_out == "With the second set: Presynaptic set: 1 of 2 cells left out: axon not proofread."
    assert "Presynaptic set: 1 of 3 cells left out: axon not proofread." in proofread["messages"]
    beside = proofread["sets"]["beside"]
    assert (beside["set"], beside["cells"], beside["cells_named"]) == ("types:cell_type = I", 1, 2)
