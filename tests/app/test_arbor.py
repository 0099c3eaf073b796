"""The arbor of a cell by the API, against the folder that localcave serves it from and a plain caveclient."""

from __future__ import annotations

import io
import time
from concurrent.futures import ThreadPoolExecutor

import flask
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from caveclient import CAVEclient
from cloudvolume import CloudVolume
from PIL import Image

from api import blueprint
from services.cave.client import Cave
from services.core.errors import Upstream
from services.core.settings import Settings
from tests.faults.proxy import hang, proxied

API = "/api/v1/karst_demo/latest/cells"
KINDS = {1: "soma", 2: "axon", 3: "dendrite", 4: "apical dendrite"}


@pytest.fixture(scope="module")
def plain(localcave_url):
    return CAVEclient("karst_demo", server_address=localcave_url, auth_token="x", write_server_cache=False)


@pytest.fixture(scope="module")
def stored(small_cortex, plain):
    """An excitatory cell that is the same now as at the newest version: root id, points in um, edges, compartment."""
    known = set(plain.materialize.query_table("proofreading_status_and_strategy").pt_root_id)
    rows = pq.read_table(small_cortex / "skeletons" / "skeletons.parquet").to_pylist()
    row = next(row for row in rows if row["root_id"] in known and 4 in row["compartment"])
    points = np.array(row["vertices_nm"]).reshape(-1, 3) / 1000
    edges, kinds = np.array(row["edges"]).reshape(-1, 2), np.array(row["compartment"])
    return row["root_id"], points, edges, kinds, np.array(row["radius_nm"]) / 1000


def rows(client, path):
    answer = client.get(f"{API}/{path}")
    assert answer.status_code == 200, answer.text
    return pd.DataFrame(answer.json["rows"])


def test_the_swc_file_is_the_skeleton(client, stored):
    root, points, edges, kinds, radius = stored
    answer = client.get(f"{API}/{root}/skeleton.swc")
    assert f"karst_demo_{root}.swc" in answer.headers["Content-Disposition"]
    names = ["id", "kind", "x", "y", "z", "radius", "parent"]
    swc = pd.read_csv(io.StringIO(answer.text), sep=" ", comment="#", names=names)
    assert swc["id"].tolist() == list(range(1, len(points) + 1))
    assert (swc["parent"] < swc["id"]).all() and swc["parent"].eq(-1).sum() == 1
    assert (swc["kind"].iloc[0], swc["parent"].iloc[0]) == (1, -1)
    place = {tuple(point): number for number, point in enumerate(np.round(points, 3).tolist())}
    number = [place[tuple(point)] for point in swc[["x", "y", "z"]].round(3).to_numpy().tolist()]
    assert swc["kind"].tolist() == kinds[number].tolist()
    np.testing.assert_allclose(swc["radius"], radius[number], atol=1e-3)
    ways = {frozenset((number[i], number[above - 1])) for i, above in enumerate(swc["parent"]) if above > 0}
    assert ways == {frozenset(edge) for edge in edges.tolist()}


def test_cable_and_synapses_by_compartment(client, stored, plain):
    root, points, edges, kinds, _ = stored
    result = rows(client, f"{root}/arbor").set_index("compartment")
    length = np.linalg.norm(points[edges[:, 0]] - points[edges[:, 1]], axis=1)
    for code in (2, 3, 4):
        of = kinds[edges].max(axis=1) == code  # the soma, 1, gives way to what leaves it
        assert result.loc[KINDS[code], "cable_um"] == pytest.approx(length[of].sum(), rel=1e-6)
    assert result["cable_um"].sum() == pytest.approx(length.sum(), rel=1e-6)
    for way, ids in (("in", {"post_ids": root}), ("out", {"pre_ids": root})):
        synapses = plain.materialize.synapse_query(**ids, desired_resolution=[1, 1, 1], remove_autapses=False)
        places = np.stack(synapses.ctr_pt_position.to_list()) / 1000
        away = np.linalg.norm(places[:, None] - points, axis=2)
        near = np.where(away.min(axis=1) <= 10, [KINDS[kind] for kind in kinds[away.argmin(axis=1)]], "elsewhere")
        assert result[f"num_{way}"].to_dict() == {name: (near == name).sum() for name in result.index}
        assert result.loc["axon", f"{way}_per_um"] == pytest.approx(
            (near == "axon").sum() / result.loc["axon", "cable_um"]
        )
    assert result["num_out"].idxmax() == "axon"
    assert result["out_per_um"].isna()["elsewhere"]


def test_spheres_around_the_soma_meet_the_arbor_as_often_as_it_crosses_them(client, stored):
    root, points, edges, kinds, _ = stored
    result = rows(client, f"{root}/arbor?of=sholl").set_index("radius_um")
    away = np.linalg.norm(points - points[kinds == 1][0], axis=1)
    for radius in (30, 100, 200):
        inside = away < radius
        crossing = inside[edges[:, 0]] != inside[edges[:, 1]]
        assert result.loc[radius].sum() == crossing.sum()
    assert result.iloc[-1].sum() == 0


def test_the_depth_profile_has_all_of_the_cable(client, stored):
    root, points, edges, kinds, _ = stored
    result = rows(client, f"{root}/arbor?of=depth").set_index("depth_um")
    length = np.linalg.norm(points[edges[:, 0]] - points[edges[:, 1]], axis=1)
    assert result["axon"].sum() == pytest.approx(length[kinds[edges].max(axis=1) == 2].sum(), rel=1e-6)
    assert result.drop(columns="axon").sum().sum() + result["axon"].sum() == pytest.approx(length.sum(), rel=1e-6)
    apical = result["apical dendrite"]
    assert apical[apical > 0].index.min() < result["dendrite"][result["dendrite"] > 0].index.max()


def test_edits_are_those_of_the_change_log(client, plain):
    table = plain.materialize.query_table("proofreading_status_and_strategy")
    logs = plain.chunkedgraph.get_tabular_change_log(table.pt_root_id.head(40).tolist())
    edited = next(root for root, log in logs.items() if len(log))
    untouched = next(root for root, log in logs.items() if not len(log))
    result, log = rows(client, f"{edited}/edits"), logs[edited]
    assert result["operation_id"].astype(int).tolist() == log.operation_id.tolist()
    assert result["kind"].tolist() == ["merge" if merge else "split" for merge in log.is_merge]
    assert result["after_root_ids"].tolist() == [", ".join(map(str, ids)) for ids in log.after_root_ids]
    assert rows(client, f"{untouched}/edits").empty


def test_what_has_no_skeleton_says_so(client, plain):
    nuclei = plain.materialize.query_table("nucleus_detection_v0").query("pt_root_id > 0").pt_root_id
    exist = plain.skeleton.skeletons_exist(root_ids=nuclei.head(200).tolist())
    root = next(root for root, there in exist.items() if not there)
    for path in ("skeleton.swc", "arbor", "arbor?of=sholl", "arbor?of=depth"):
        answer = client.get(f"{API}/{root}/{path}")
        assert answer.status_code == 404
        assert "no skeleton" in answer.json["error"]["message"]
    assert client.get(f"{API}/{root}/arbor?of=area").status_code == 400


def test_the_mesh_file_is_the_mesh_that_cloud_volume_reads(client, stored, localcave_url):
    root = stored[0]
    answer = client.get(f"{API}/{root}/mesh.obj")
    assert f"karst_demo_{root}.obj" in answer.headers["Content-Disposition"]
    lines = answer.text.splitlines()
    source = f"graphene://{localcave_url}/segmentation/table/karst_demo_pcg"
    mesh = CloudVolume(source, use_https=True, progress=False, secrets={"token": "any"}).mesh.get(root)[root]
    vertices = np.array([line.split()[1:] for line in lines if line.startswith("v ")], float)
    faces = np.array([line.split()[1:] for line in lines if line.startswith("f ")], int)
    np.testing.assert_allclose(vertices, mesh.vertices, atol=1e-3)
    assert (faces == mesh.faces + 1).all()
    assert len(lines) == len(vertices) + len(faces)
    assert client.get(f"{API}/17/mesh.obj").status_code == 404


def test_meshes_that_do_not_come_take_their_time_only_and_keep_nothing_waiting(stored, localcave_url):
    with proxied(localcave_url) as proxy, ThreadPoolExecutor(4) as pool:
        cave = Cave(Settings(server_address=proxy.url, cache="", timeout_s=2.0))
        assert cave.supervoxel_at("karst_demo", [1.0, 1.0, 1.0]) == 0
        proxy.break_next(hang, "manifest", times=99)
        start = time.monotonic()
        meshes = [pool.submit(cave.mesh, "karst_demo", stored[0]) for _ in range(4)]
        while sum("manifest" in request for request in proxy.requests) < 4:
            assert time.monotonic() - start < 2.0
        assert cave.supervoxel_at("karst_demo", [1.0, 1.0, 1.0]) == 0
        assert not any(mesh.done() for mesh in meshes)
        for mesh in meshes:
            with pytest.raises(Upstream, match="could not be read, or not within 2 s"):
                mesh.result()
        assert time.monotonic() - start < 2.9  # it hangs for 3


def test_the_picture_of_a_soma_is_the_image_around_its_nucleus(client, stored, plain):
    root = stored[0]
    answer = client.get(f"{API}/{root}/soma.png")
    picture = np.asarray(Image.open(io.BytesIO(answer.data)))
    nucleus = plain.materialize.query_table("nucleus_detection_v0", filter_equal_dict={"pt_root_id": root})
    nm = np.array(nucleus.pt_position.iloc[0]) * [4, 4, 40]
    left, top = (int(at // 32) for at in nm[:2] - 12_500)
    volume = plain.info.image_cloudvolume(mip=2, progress=False, fill_missing=True, bounded=False)
    assert volume.resolution.tolist() == [32, 32, 40]
    height, width = picture.shape
    assert (height * 32, width * 32) == (pytest.approx(25_000, abs=32), pytest.approx(25_000, abs=32))
    z = int(nm[2] // 40)
    assert (picture == np.asarray(volume[left : left + width, top : top + height, z : z + 1])[:, :, 0, 0].T).all()
    assert picture[height // 2, width // 2] < 150, "the middle of a nucleus is dark"
    assert client.get(f"{API}/17/soma.png").status_code == 404


def test_the_synapses_of_an_arbor_are_those_that_usually_count(localcave_url, stored, plain, tmp_path):
    (tmp_path / "datastacks").mkdir()
    (tmp_path / "datastacks" / "karst_demo.toml").write_text('synapse_filter = "size > 400"')
    app = flask.Flask("test_arbor")
    app.extensions["karst"] = Cave(Settings(server_address=localcave_url, cache="", config_dir=tmp_path))
    app.register_blueprint(blueprint)
    answer = app.test_client().get(f"{API}/{stored[0]}/arbor").json
    assert "Only synapses where size > 400 are counted." in answer["cell"]["warnings"]
    synapses = plain.materialize.synapse_query(post_ids=stored[0], remove_autapses=False)
    counted = sum(row["num_in"] for row in answer["rows"])
    assert counted == (synapses["size"] > 400).sum() < len(synapses)
    without = app.test_client().get(f"{API}/{stored[0]}/arbor?of=depth")  # nor a profile of its volume
    assert (without.status_code, "has no depths" in without.text) == (404, True)
