"""Skeletons, meshes and painted volumes of the demo cortex, as caveclient and Neuroglancer read them."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import requests
from caveclient import CAVEclient

from localcave.folder import writer

SOURCE = "/precomputed/karst_demo"


@pytest.fixture(scope="module")
def client(localcave_url: str) -> CAVEclient:
    return CAVEclient("karst_demo", server_address=localcave_url, auth_token="x", write_server_cache=False)


@pytest.fixture(scope="module")
def stored(small_cortex: Path) -> dict[int, dict[str, np.ndarray]]:
    """The first skeletons of the folder by root id."""
    rows = pq.read_table(writer.skeleton_path(small_cortex)).slice(0, 5).to_pylist()
    return {
        row["root_id"]: {
            "vertices": np.array(row["vertices_nm"]).reshape(-1, 3),
            "edges": np.array(row["edges"]).reshape(-1, 2),
            "radius": np.array(row["radius_nm"]),
            "compartment": np.array(row["compartment"]),
        }
        for row in rows
    }


def test_caveclient_tells_which_skeletons_exist(client: CAVEclient, stored: dict) -> None:
    known = next(iter(stored))
    assert client.skeleton.skeletons_exist(root_ids=[known, 5]) == {known: True, 5: False}
    assert client.skeleton.skeletons_exist(root_ids=known) is True


def test_fetched_skeletons_are_the_stored_ones(client: CAVEclient, stored: dict) -> None:
    fetched = client.skeleton.fetch_skeletons(list(stored), output_format="dict")
    assert {int(root) for root in fetched} == set(stored)
    for root, skeleton in fetched.items():
        for name, values in stored[int(root)].items():
            np.testing.assert_allclose(np.array(skeleton[name]), values)


def test_swc_is_a_tree_in_micrometres_with_parents_first(client: CAVEclient, stored: dict) -> None:
    root = next(iter(stored))
    swc = next(iter(client.skeleton.fetch_skeletons([root], output_format="swc").values()))
    assert len(swc) == len(stored[root]["vertices"])
    assert (swc["parent"] < swc["id"]).all()
    assert (swc["parent"] == -1).sum() == 1
    np.testing.assert_allclose(np.sort(swc["x"].to_numpy()), np.sort(stored[root]["vertices"][:, 0] / 1000), atol=1e-3)


def test_one_skeleton_comes_as_gzip_json_and_swc(localcave_url: str, stored: dict) -> None:
    root = next(iter(stored))
    base = f"{localcave_url}/skeletoncache/api/v1/karst_demo/async/get_skeleton/4/{root}"
    assert gzip.decompress(requests.get(f"{base}/flatdict", timeout=9).content).startswith(b'{"vertices"')
    lines = gzip.decompress(requests.get(f"{base}/swccompressed", timeout=9).content).decode().splitlines()
    assert len(lines) == len(stored[root]["vertices"])
    assert requests.get(f"{base}/nope", timeout=9).status_code == 400


def test_too_many_skeletons_are_refused(localcave_url: str) -> None:
    url = f"{localcave_url}/skeletoncache/api/v1/karst_demo/bulk/get_cached_skeletons/4/flatdict"
    assert requests.post(url, json={"root_ids": list(range(501))}, timeout=9).status_code == 400


def test_precomputed_skeleton_holds_the_stored_vertices(localcave_url: str, stored: dict) -> None:
    root = next(iter(stored))
    answer = requests.get(f"{localcave_url}{SOURCE}/segmentation/skeletons/{root}", timeout=9)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    vertices, edges = np.frombuffer(answer.content[:8], "<u4")
    assert (vertices, edges) == (len(stored[root]["vertices"]), len(stored[root]["edges"]))
    positions = np.frombuffer(answer.content[8 : 8 + 12 * vertices], "<f4").reshape(-1, 3)
    np.testing.assert_allclose(positions, stored[root]["vertices"])
    assert len(answer.content) == 8 + 12 * vertices + 8 * edges + 8 * vertices


def test_a_soma_is_painted_with_its_root_id(localcave_url: str, client: CAVEclient) -> None:
    somata = client.materialize.query_table("nucleus_detection_v0", split_positions=True, desired_resolution=[1, 1, 1])
    cell = somata[somata.pt_root_id > 0].iloc[0]
    scale = requests.get(f"{localcave_url}{SOURCE}/segmentation/info", timeout=9).json()["scales"][0]
    voxel = [int(cell[f"pt_position_{axis}"] // nm) for axis, nm in zip("xyz", scale["resolution"], strict=True)]
    low = [v // 64 * 64 for v in voxel]
    high = [min(at + 64, size) for at, size in zip(low, scale["size"], strict=True)]
    name = "_".join(f"{a}-{b}" for a, b in zip(low, high, strict=True))
    chunk = requests.get(f"{localcave_url}{SOURCE}/segmentation/{scale['key']}/{name}", timeout=9).content
    shape = [b - a for a, b in zip(low, high, strict=True)]
    labels = np.frombuffer(chunk, "<u8").reshape(shape[::-1])
    at = [v - a for v, a in zip(voxel, low, strict=True)]
    near = somata[(somata.pt_root_id > 0)]
    offsets = near[[f"pt_position_{axis}" for axis in "xyz"]].to_numpy(float) - [
        cell[f"pt_position_{a}"] for a in "xyz"
    ]
    distance = np.linalg.norm(offsets, axis=1)
    assert labels[at[2], at[1], at[0]] in set(near.pt_root_id[distance < 14_000])


def test_image_chunks_are_grey_and_of_full_size(localcave_url: str) -> None:
    info = requests.get(f"{localcave_url}{SOURCE}/image/info", timeout=9).json()
    key = info["scales"][-1]["key"]
    pixels = np.frombuffer(
        requests.get(f"{localcave_url}{SOURCE}/image/{key}/0-64_0-64_0-64", timeout=9).content, np.uint8
    )
    assert len(pixels) == 64**3
    assert pixels.min() > 100
    missing = requests.get(f"{localcave_url}{SOURCE}/image/{key}/9999900-9999964_0-64_0-64", timeout=9)
    assert missing.status_code == 404


def test_cells_are_labelled_with_their_type(localcave_url: str, client: CAVEclient) -> None:
    inline = requests.get(f"{localcave_url}{SOURCE}/segmentation/segment_properties/info", timeout=9).json()["inline"]
    types = client.materialize.query_table("aibs_metamodel_celltypes_v661")
    types = types[types.pt_root_id > 0].drop_duplicates("pt_root_id", keep=False)
    labels = dict(zip(inline["ids"], inline["properties"][0]["values"], strict=True))
    expected = {str(root): kind for root, kind in zip(types.pt_root_id, types.cell_type, strict=True)}
    assert expected.items() <= labels.items()
    for indices in inline["properties"][1]["values"]:
        assert indices == sorted(indices)
