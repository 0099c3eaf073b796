"""The segmentation as the field's own clients read it: caveclient, cloud-volume, imageryclient, meshparty, pcg_skel."""

from __future__ import annotations

import json
import time
from itertools import pairwise
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
import pcg_skel
import pytest
import requests
from caveclient import CAVEclient
from cloudvolume import Bbox, CloudVolume
from cloudvolume.secrets import CAVE_CREDENTIALS_CACHE
from imageryclient import ImageryClient
from meshparty import trimesh_io

from tests.contract.segmentation import TOKEN, cell, client, edited, proofread, skeleton, volume

__all__ = ["cell", "client", "proofread", "skeleton", "volume"]  # fixtures


def length(vertices: np.ndarray, edges: np.ndarray) -> float:
    return float(np.linalg.norm(vertices[edges[:, 0]] - vertices[edges[:, 1]], axis=1).sum())


def box(vertices: np.ndarray) -> np.ndarray:
    return np.array([vertices.min(axis=0), vertices.max(axis=0)])


# ---------------------------------------------------------------------- skeletons
def test_the_skeletons_that_caveclient_asks_for_by_any_way_are_the_same(
    client: CAVEclient, cell: int, skeleton: dict
) -> None:
    np.testing.assert_allclose(client.skeleton.get_skeleton(cell)["vertices"], skeleton["vertices"])
    swc = client.skeleton.get_skeleton(cell, output_format="swc")
    assert length(swc[["x", "y", "z"]].to_numpy(), swc.query("parent >= 0")[["id", "parent"]].to_numpy()) == (
        pytest.approx(length(skeleton["vertices"], skeleton["edges"]) / 1000, rel=1e-4)
    )
    (many,) = client.skeleton.get_bulk_skeletons([cell], output_format="dict").values()
    np.testing.assert_allclose(many["vertices"], skeleton["vertices"])


def test_every_proofread_cell_of_every_version_has_a_skeleton(client: CAVEclient) -> None:
    for version in client.materialize.get_versions(expired=True):
        table = client.materialize.query_table("proofreading_status_and_strategy", materialization_version=int(version))
        roots = table.pt_root_id[table.pt_root_id > 0].tolist()
        assert all(client.skeleton.skeletons_exist(root_ids=roots).values()), version


def test_a_root_that_a_merge_replaced_has_the_skeleton_of_its_part(client: CAVEclient) -> None:
    graph = client.chunkedgraph
    for root in edited(client):
        log = graph.get_tabular_change_log([root])[root]
        merges = log[log.is_merge]
        if not len(merges):
            continue
        before = [int(r) for r in merges.iloc[-1].before_root_ids]
        parts = client.skeleton.fetch_skeletons(before, output_format="dict")
        whole = client.skeleton.fetch_skeletons([root], output_format="dict")[str(root)]
        if len(parts) == 2 and len(log) == 1:
            assert sum(len(part["vertices"]) for part in parts.values()) == len(whole["vertices"])
            for part in parts.values():
                assert len(part["edges"]) == len(part["vertices"]) - 1
            return
    raise AssertionError("no merge of two arbors was found")


# ---------------------------------------------------------------------- meshes and voxels
def test_the_mesh_of_the_graph_encloses_the_skeleton(
    volume: CloudVolume, cell: int, skeleton: dict, localcave_url: str
) -> None:
    mesh = volume.mesh.get(cell)[cell]
    reach = skeleton["radius"].max() + 1
    assert mesh.faces.max() < len(mesh.vertices)
    np.testing.assert_allclose(box(mesh.vertices), box(skeleton["vertices"]), atol=reach)
    manifest = f"{localcave_url}/meshing/api/v1/table/karst_demo_pcg/manifest/{cell}:0?verify=1&prepend_seg_ids=1"
    (fragment,) = requests.get(manifest, timeout=9).json()["fragments"]
    assert fragment.startswith(f"~{cell}:{cell}:")


def test_the_mesh_in_a_box_is_that_of_the_level_2_nodes_there(
    volume: CloudVolume, client: CAVEclient, cell: int, skeleton: dict
) -> None:
    soma = skeleton["vertices"][0] / [8, 8, 40]
    bounds = np.column_stack([soma - 2000, soma + np.array([2000, 2000, 400])]).astype(int)
    inside = client.chunkedgraph.get_leaves(cell, bounds=bounds, stop_layer=2)
    assert 0 < len(inside) < len(skeleton["lvl2_ids"])
    size = np.array([2560, 2560, 512])
    chunks = np.array([volume.meta.decode_chunk_position(node) for node in inside])
    assert ((chunks + 1) * size > bounds[:, 0]).all()
    assert (chunks * size < bounds[:, 1]).all()
    mesh = volume.mesh.get(cell, bounding_box=Bbox(bounds[:, 0], bounds[:, 1]))[cell]
    assert 0 < len(mesh.faces) < len(volume.mesh.get(cell)[cell].faces)


def test_flat_meshes_come_in_several_levels_of_detail(localcave_url: str, cell: int, skeleton: dict) -> None:
    source = f"precomputed://{localcave_url}/precomputed/karst_demo/segmentation"
    flat = CloudVolume(source, use_https=True, progress=False)
    faces = []
    for lod in range(4):
        mesh = flat.mesh.get(cell, lod=lod)[cell]
        np.testing.assert_allclose(box(mesh.vertices), box(skeleton["vertices"]), atol=skeleton["radius"].max() + 500)
        faces.append(len(mesh.faces))
    assert faces == sorted(faces, reverse=True)
    assert len(set(faces)) == 4


def test_meshparty_reads_the_mesh(
    client: CAVEclient, cell: int, localcave_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CAVE_CREDENTIALS_CACHE, urlsplit(localcave_url).netloc, TOKEN)  # as from the file of secrets
    meta = trimesh_io.MeshMeta(cv_path=client.info.segmentation_source(), disk_cache_path=str(tmp_path))
    assert len(meta.mesh(seg_id=cell).faces) > 1000


def test_what_has_no_arbor_has_a_mesh_of_its_nucleus_or_its_synapses(
    client: CAVEclient, volume: CloudVolume, proofread: pd.DataFrame
) -> None:
    log = client.chunkedgraph.get_tabular_change_log(edited(client))
    split_off = {int(r) for one in log.values() for row in one[~one.is_merge].itertuples() for r in row.after_root_ids}
    past = {int(r) for one in log.values() for row in one.itertuples() for r in row.before_root_ids}
    somata = client.materialize.query_table("nucleus_detection_v0").pt_root_id
    roots = sorted(split_off | past | set(somata[somata > 0].head(20).tolist()))
    exist = client.skeleton.skeletons_exist(root_ids=roots)
    without = [root for root in roots if not exist[root]]
    fragments = [root for root in without if root in split_off]
    assert fragments and set(without) - set(fragments)
    for root in without:
        mesh = volume.mesh.get(root)[root]
        assert len(mesh.faces) and mesh.faces.max() < len(mesh.vertices)
    root = fragments[0]
    place = [
        np.vstack(rows[f"{side}_pt_position"])
        for side in ("pre", "post")
        if len(rows := client.materialize.synapse_query(**{f"{side}_ids": root}, desired_resolution=[1, 1, 1]))
    ]
    expected, mesh = np.vstack(place), volume.mesh.get(root)[root]
    np.testing.assert_allclose(box(mesh.vertices), box(expected), atol=101)
    (piece,) = client.chunkedgraph.get_leaves(root, stop_layer=2)[:1]
    assert len(volume.mesh.get(int(piece))[int(piece)].vertices) % 12 == 0


def test_a_cut_out_shows_the_nucleus_and_its_root(
    client: CAVEclient, volume: CloudVolume, proofread: pd.DataFrame, localcave_url: str
) -> None:
    row = proofread[proofread.pt_root_id > 0].iloc[3]
    voxel = np.array([row[f"pt_position_{axis}"] for axis in "xyz"])
    images = ImageryClient(
        image_source=client.info.image_source(), segmentation_source=client.info.segmentation_source(), auth_token="any"
    )
    picture = images.image_cutout(voxel // [2, 2, 1], bbox_size=(64, 64, 1))
    assert np.squeeze(picture).shape == (64, 64)
    assert np.all(picture < 150), "the middle of a nucleus is dark"
    x, y, z = voxel // [2, 2, 1]
    seen = volume.download(np.s_[x : x + 4, y : y + 4, z : z + 1], agglomerate=True)
    assert set(np.unique(seen)) == {client.chunkedgraph.get_root_id(int(row.pt_supervoxel_id))}


# ---------------------------------------------------------------------- level 2
def test_the_level_2_graph_is_a_graph_in_space(client: CAVEclient, cell: int, skeleton: dict) -> None:
    edges = np.array(client.chunkedgraph.level2_chunk_graph(cell))
    leaves = client.chunkedgraph.get_leaves(cell, stop_layer=2)
    assert set(np.unique(edges)) == set(leaves) == set(skeleton["lvl2_ids"])
    assert set(client.chunkedgraph.get_children(cell)) == set(leaves)
    data = client.l2cache.get_l2data(leaves.tolist(), attributes=["rep_coord_nm", "size_nm3"])
    place = np.array([data[str(node)]["rep_coord_nm"] for node in leaves])
    ends = place[np.searchsorted(leaves, edges)]
    assert np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1).max() < 60_000
    assert all(any((skeleton["vertices"] == at).all(axis=1)) for at in place[:20])
    child, parent = skeleton["edges"].T
    radius = np.where(skeleton["compartment"] == 1, 0, skeleton["radius"])
    thick, thin = radius[child], np.where(radius[parent] > 0, radius[parent], radius[child])
    long = np.linalg.norm(skeleton["vertices"][child] - skeleton["vertices"][parent], axis=1)
    known = (np.pi / 3 * long * (thick**2 + thick * thin + thin**2)).sum()
    known += 4 / 3 * np.pi * float(skeleton["radius"][skeleton["compartment"] == 1][0]) ** 3
    assert sum(data[str(node)]["size_nm3"] for node in leaves) == pytest.approx(known, rel=1e-6)


def test_pcg_skel_finds_the_length_of_the_arbor(client: CAVEclient, proofread: pd.DataFrame) -> None:
    for supervoxel in proofread.pt_supervoxel_id.iloc[[0, 7, 20]]:
        root = int(client.chunkedgraph.get_root_id(int(supervoxel)))
        arbor = client.skeleton.fetch_skeletons([root], output_format="dict")[str(root)]
        known = length(np.array(arbor["vertices"]), np.array(arbor["edges"]))
        assert pcg_skel.pcg_skeleton(root, client).path_length() == pytest.approx(known, rel=0.1)


def test_meshparty_finds_a_level_2_node_in_each_segment_between_branch_points(
    client: CAVEclient, proofread: pd.DataFrame
) -> None:
    root = int(client.chunkedgraph.get_root_id(int(proofread.pt_supervoxel_id.iloc[5])))
    work = pcg_skel.get_meshwork_from_client(
        root, client=client, synapses=True, restore_graph=True, restore_properties=True, skeleton_version=4
    )
    assert all(len(segment) for segment in work.segments())
    assert set(work.anno.lvl2_ids.df.lvl2_id) == set(client.chunkedgraph.get_leaves(root, stop_layer=2))
    strahler = work.anno.segment_properties.df
    assert len(strahler) == len(work.anno.lvl2_ids.df)


def test_what_has_no_skeleton_has_no_graph_and_says_so(client: CAVEclient, localcave_url: str) -> None:
    nuclei = client.materialize.query_table("nucleus_detection_v0").query("pt_root_id > 0")
    exist = client.skeleton.skeletons_exist(root_ids=nuclei.pt_root_id.head(300).tolist())
    for root in (root for root, there in exist.items() if not there):
        leaves = client.chunkedgraph.get_leaves(root, stop_layer=2)
        if len(leaves) == 1:
            assert client.chunkedgraph.level2_chunk_graph(root) == []
            continue
        with pytest.raises(requests.HTTPError, match="404"):
            client.chunkedgraph.level2_chunk_graph(root)
        assert client.l2cache.get_l2data(leaves[:1].tolist()) == {str(leaves[0]): {}}
        return
    raise AssertionError("no such cell was found")


def test_the_graph_of_a_past_root_has_all_its_level_2_nodes_or_is_refused(
    client: CAVEclient, localcave_url: str
) -> None:
    logs = client.chunkedgraph.get_tabular_change_log(edited(client)).values()
    past = sorted({int(root) for log in logs for roots in log.before_root_ids for root in roots})
    exist = client.skeleton.skeletons_exist(root_ids=past)
    refused = []
    for root in (root for root in past if exist[root]):
        leaves = set(client.chunkedgraph.get_leaves(root, stop_layer=2).tolist())
        address = f"{localcave_url}/segmentation/api/v1/table/karst_demo_pcg/node/{root}/lvl2_graph"
        answer = requests.get(address, timeout=9)
        if len(leaves) > 1 and answer.status_code == 200:
            assert set(np.unique(answer.json()["edge_graph"])) == leaves
        elif len(leaves) > 1:
            assert answer.status_code == 404
            refused.append((root, answer.json()["message"]))
    assert any("only in part" in message for _, message in refused)
    root, place = refused[0][0], client.skeleton.get_skeleton(refused[0][0])["vertices"]
    with pytest.raises(requests.HTTPError, match="404"):
        client.chunkedgraph.find_path(root, place[0], place[-1])


# ---------------------------------------------------------------------- paths, splits, edits
@pytest.mark.parametrize("place", [[0, 0, 0], [float("nan"), 0, 0], [float("inf"), 0, 0]])
def test_a_path_from_a_point_that_is_not_in_the_cell_is_refused(
    localcave_url: str, cell: int, skeleton: dict, place: list[float]
) -> None:
    body = [[str(cell), *place], [str(cell), *skeleton["vertices"][-1].tolist()]]
    url = f"{localcave_url}/segmentation/api/v1/table/karst_demo_pcg/graph/find_path"
    answer = requests.post(url, data=json.dumps(body), timeout=9)
    assert answer.status_code == 400, answer.text


def test_a_path_starts_between_two_vertices_of_a_long_branch(client: CAVEclient, cell: int, skeleton: dict) -> None:
    ends = skeleton["vertices"][skeleton["edges"]]
    longest = int(np.argmax(np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1)))
    places, _, _ = client.chunkedgraph.find_path(cell, ends[longest].mean(axis=0), skeleton["vertices"][0])
    assert len(places)


def test_a_path_runs_along_the_level_2_graph(client: CAVEclient, cell: int, skeleton: dict) -> None:
    start, end = skeleton["vertices"][40], skeleton["vertices"][-1]
    places, path, failed = client.chunkedgraph.find_path(cell, start, end)
    edges = {frozenset(pair) for pair in client.chunkedgraph.level2_chunk_graph(cell)}
    assert all(frozenset(map(int, step)) in edges for step in pairwise(path))
    assert len(failed) == 0
    assert np.linalg.norm(places[0] - start) < 30_000
    assert np.linalg.norm(places[-1] - end) < 30_000


def test_contacts_are_the_synapses_with_others_in_a_box(client: CAVEclient, cell: int, skeleton: dict) -> None:
    """Areas are counted anew from the table: size in voxels of 4 x 4 x 40 nm, over a cleft of 20 nm, in 8 x 8 nm."""
    soma = skeleton["vertices"][0] / [8, 8, 40]
    bounds = np.column_stack([soma - 9000, soma + 9000]).astype(int)
    supervoxels = client.chunkedgraph.get_leaves(cell)
    expected: dict[int, list[int]] = {}
    for side, other in (("pre", "post"), ("post", "pre")):
        own = client.materialize.synapse_query(**{f"{side}_ids": cell}, split_positions=True)
        place = own[[f"{side}_pt_position_{axis}" for axis in "xyz"]] / [2, 2, 1]
        within = ((place >= bounds[:, 0]) & (place < bounds[:, 1])).all(axis=1)
        outside = ~own[f"{other}_pt_supervoxel_id"].isin(supervoxels) & (own[f"{other}_pt_root_id"] > 0)
        assert 0 < within.sum() < len(own)
        for row in own[within & outside].itertuples():
            expected.setdefault(getattr(row, f"{other}_pt_root_id"), []).append(max(1, round(row.size * 640 / 20 / 64)))
    sites = client.chunkedgraph.get_contact_sites(cell, bounds, calc_partners=True)
    assert {root: sorted(areas) for root, areas in sites.items()} == {r: sorted(a) for r, a in expected.items()}
    numbered = client.chunkedgraph.get_contact_sites(cell, bounds)
    assert sorted(numbered) == list(range(1, sum(map(len, expected.values())) + 1))
    with pytest.raises(requests.HTTPError, match="500"):
        client.chunkedgraph.get_contact_sites(17, bounds)


def test_the_fewest_nodes_that_cover_some(client: CAVEclient, cell: int) -> None:
    graph = client.chunkedgraph
    level2 = graph.get_leaves(cell, stop_layer=2)
    assert graph.get_minimal_covering_nodes(graph.get_leaves(cell).tolist()).tolist() == [cell]
    assert graph.get_minimal_covering_nodes(level2.tolist()).tolist() == [cell]
    part = [int(node) for node in level2[:2]]
    supervoxels = [int(sv) for node in part for sv in graph.get_children(node)]
    assert sorted(graph.get_minimal_covering_nodes(supervoxels).tolist()) == part


def test_a_node_at_or_above_the_layer_is_its_own_answer(client: CAVEclient, cell: int) -> None:
    graph = client.chunkedgraph
    level2 = int(graph.get_leaves(cell, stop_layer=2)[0])
    supervoxel = int(graph.get_children(level2)[0])
    assert graph.get_root_id(cell) == cell
    assert graph.get_roots([supervoxel, level2, cell, 5]).tolist() == [cell, cell, cell, 0]
    unknown = level2 | (2**20 - 1)
    assert graph.get_roots([supervoxel, level2, cell, unknown], stop_layer=2).tolist() == [level2, level2, cell, 0]


@pytest.mark.parametrize("route", ["leaves", "root"])
def test_a_layer_that_is_no_number_is_refused(localcave_url: str, cell: int, route: str) -> None:
    url = f"{localcave_url}/segmentation/api/v1/table/karst_demo_pcg/node/{cell}/{route}"
    assert requests.get(url, params={"stop_layer": "abc"}, timeout=9).status_code == 400


@pytest.mark.parametrize("bounds", ["1-2", "a-b_c-d_e-f", "2-1_0-1_0-1", "0-1_0-1_0-99999999999999999"])
def test_bounds_that_are_none_are_refused(localcave_url: str, cell: int, bounds: str) -> None:
    url = f"{localcave_url}/segmentation/api/v1/table/karst_demo_pcg/node/{cell}/leaves"
    assert requests.get(url, params={"bounds": bounds}, timeout=9).status_code == 400


# ---------------------------------------------------------------------- speed
def test_answers_for_viewers_are_quick(localcave_url: str, proofread: pd.DataFrame, client: CAVEclient) -> None:
    """Medians over HTTP, with room for a busy machine; the targets are a third of these."""
    roots = client.chunkedgraph.get_roots(proofread.pt_supervoxel_id.head(30).to_numpy()).tolist()
    graph = f"{localcave_url}/segmentation/api/v1/table/karst_demo_pcg/node"
    limits_ms = {
        f"{localcave_url}/meshing/api/v1/table/karst_demo_pcg/manifest/{{root}}:0": 60,
        f"{localcave_url}/precomputed/karst_demo/segmentation/skeletons/{{root}}": 45,
        f"{graph}/{{root}}/lvl2_graph": 300,
    }
    session = requests.Session()
    for address, limit in limits_ms.items():
        took = []
        for root in roots:
            start = time.perf_counter()
            assert session.get(address.format(root=root), timeout=9).ok
            took.append(1000 * (time.perf_counter() - start))
        assert median(took) < limit, address
