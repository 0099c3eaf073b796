"""Populations of the demo cortex against caveclient and pandas."""

from __future__ import annotations

import flask
import numpy as np
import pandas as pd
import pytest
from caveclient import CAVEclient

from api import blueprint
from services.cave.client import Cave
from services.cave.release import Release
from services.core.errors import NotFound
from services.populations import figure_reads, population, tags

DEMO = "karst_demo"
PROOFREAD = "proofreading_status_and_strategy"


@pytest.fixture(scope="module", params=["newest", "oldest"])
def demo(request: pytest.FixtureRequest, localcave_url: str) -> CAVEclient:
    client = CAVEclient(DEMO, server_address=localcave_url, auth_token="none", write_server_cache=False)
    valid = client.materialize.get_versions()
    client.version = max(valid) if request.param == "newest" else min(valid)
    return client


def test_what_proofreading_changed(cave: Cave, localcave_url: str) -> None:
    """Cells of a table with types at both versions, followed by nucleus, against pandas."""
    client = CAVEclient(DEMO, server_address=localcave_url, auth_token="none", write_server_cache=False)
    app = flask.Flask("changes")
    app.extensions["karst"] = cave
    app.register_blueprint(blueprint)
    versions = sorted(client.materialize.get_versions())[-2:]
    counts, left_out, types = [], [], "aibs_metamodel_celltypes_v661"
    for version in versions:
        client.version = version
        rows = client.materialize.query_table(types)
        rows = rows[rows["cell_type"] == "BC"]
        soma = client.materialize.query_table("nucleus_detection_v0")
        soma = soma[soma["pt_root_id"] != 0].drop_duplicates("pt_root_id", keep=False).set_index("pt_root_id")["id"]
        ids = sorted(set(rows["pt_root_id"]) - {0})
        known = client.materialize.query_table(PROOFREAD)
        axons = set(known.loc[known["status_axon"].isin([True, "t"]), "pt_root_id"])
        left_out.append(f"{len(set(ids) - axons)} of {len(ids)} cells left out: axon not proofread.")
        raw = client.materialize.query_table(
            "synapses_pni_2", filter_in_dict={"pre_pt_root_id": ids, "post_pt_root_id": ids}
        )
        raw = raw[raw["pre_pt_root_id"] != raw["post_pt_root_id"]]
        names = [raw[f"{end}_pt_root_id"].map(lambda root, soma=soma: soma.get(root, root)) for end in ("pre", "post")]
        counts.append(raw.groupby([names[0].rename("pre"), names[1].rename("post")]).size())
    expected = pd.concat(counts, axis=1, keys=["before", "after"]).fillna(0).astype(int)
    query, address = {"pre": f"{types}:cell_type = BC"}, f"/api/v1/{DEMO}/latest/populations/changes"
    query |= {"proofread": "off", "against": str(versions[0])}
    message = app.test_client().get(address, query_string=query).get_json()
    rows = pd.DataFrame(message["rows"])
    assert len(rows) == len(expected) > 5 and message["against"] == str(versions[0])
    assert sorted(zip(rows["num_syn_before"], rows["num_syn"], strict=True)) == sorted(map(tuple, expected.to_numpy()))
    moved = (expected["before"] > 0) & (expected["after"] > expected["before"])
    assert (rows["change"] == "more").sum() <= moved.sum()
    some = app.test_client().get(address, query_string=query | {"proofread": "axon", "limit": "1"}).get_json()
    then, now = (f"Presynaptic set: {one}" for one in left_out)
    assert {now, f"At version {versions[0]}: {then}"} < set(some["messages"])
    assert some["sets"]["pre_before"]["cells_named"] > some["sets"]["pre_before"]["cells"] > 0


@pytest.mark.filterwarnings("error:The behavior of DataFrame concatenation")
def test_demo_against_pandas(cave: Cave, demo: CAVEclient) -> None:
    release = Release.of(cave, DEMO, demo.version)
    if PROOFREAD not in release.tables():
        with pytest.raises(NotFound):
            population.choose(release, f"{PROOFREAD}:")
        return
    rows = demo.materialize.query_table(PROOFREAD)
    ids = sorted({int(root) for root in rows["pt_root_id"]} - {0})
    pair = population.choose(release, f"{PROOFREAD}:", proofread="off")
    assert pair.pre.ids.tolist() == ids
    result = population.read(pair)
    raw = demo.materialize.query_table("synapses_pni_2", filter_in_dict={"pre_pt_root_id": ids, "post_pt_root_id": ids})
    raw = raw[raw["pre_pt_root_id"] != raw["post_pt_root_id"]]
    predicted = demo.materialize.query_table("synapse_target_predictions_ssa", merge_reference=False)
    known = raw["id"].map(predicted.drop_duplicates("target_id").set_index("target_id")["tag"]).dropna()
    assert len(result.synapses) > len(raw), "there are no autapses to leave out"
    drawn = figure_reads.synapses(result).result
    assert drawn["id"].tolist() == sorted(raw["id"])
    tagged = pd.Series(tags.of_synapses(result).to_numpy(), index=drawn["id"]).dropna()
    assert tagged.to_dict() == dict(zip(raw.loc[known.index, "id"], known, strict=True))
    expected = raw.groupby(["pre_pt_root_id", "post_pt_root_id"])["size"].agg(["count", "sum"]).reset_index()
    frame = result.edges.frame()
    assert len(frame) == len(expected) > 100
    ends = ["pre_pt_root_id", "post_pt_root_id"]
    for own, other in zip(frame, expected, strict=True):
        if other in ends:
            assert frame[own].astype("int64").tolist() == expected[other].tolist()
        else:
            np.testing.assert_allclose(frame[own].to_numpy(float), expected[other].to_numpy(float), rtol=1e-6)
