"""A class: started for the network by `make run HOST=0.0.0.0`, and reached by an address that is not 127.0.0.1."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
import requests
from caveclient import CAVEclient
from cloudvolume import CloudVolume
from playwright.sync_api import Browser, Page, expect

from tests.servers import ROOT, free_port, running

API = "/api/v1/karst_demo/latest"
HERE = "127.0.0.2"
"""Another address of this machine, which stands for that of a teacher's laptop."""


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """File of what the start says."""
    return tmp_path_factory.mktemp("classroom") / "output"


@pytest.fixture(scope="module")
def classroom(small_cortex: Path, output: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Addresses of Karst and localcave as a student has them."""
    port, cave_port = free_port(), free_port()
    environ = {
        "HOST": "0.0.0.0",
        "PORT": str(port),
        "LOCALCAVE_PORT": str(cave_port),
        "KARST_CACHE": str(tmp_path_factory.mktemp("classroom-cache")),
        "CAVE_SERVER_ADDRESS": "",
    }
    command = ["sh", "-c", 'exec bin/run "$0" > "$1"', str(small_cortex), str(output)]
    with running(command, f"http://{HERE}:{port}", environ):
        yield f"http://{HERE}:{port}", f"http://{HERE}:{cave_port}"


@pytest.fixture
def student(browser: Browser, classroom: tuple[str, str]) -> Iterator[Page]:
    """A browser that does not reach 127.0.0.1, as one on another machine does not."""
    context = browser.new_context(base_url=classroom[0])
    context.set_default_timeout(60_000)
    wrong: list[str] = []

    def block(route) -> None:
        wrong.append(route.request.url)
        route.abort()

    context.route(re.compile(r"//(127\.0\.0\.1|localhost)[:/]"), block)
    yield context.new_page()
    context.close()
    assert not wrong, wrong


@pytest.fixture(scope="module")
def root_id(classroom: tuple[str, str]) -> str:
    """A proofread cell."""
    rows = requests.get(f"{classroom[0]}{API}/tables/proofreading_status_and_strategy/rows?limit=1", timeout=60)
    answer: str = rows.json()["rows"][0]["pt_root_id"]
    return answer


@pytest.mark.parametrize("viewer", ["bundled", "spelunker"])
def test_every_address_leads_back_to_the_host_that_was_asked(
    classroom: tuple[str, str], root_id: str, viewer: str
) -> None:
    karst, server = classroom
    answer = requests.post(f"{karst}{API}/neuroglancer", json={"cell": root_id, "viewer": viewer}, timeout=60)
    assert answer.ok, answer.text
    link = answer.json()
    assert "127.0.0.1" not in unquote(json.dumps(link))
    assert f"precomputed://{server}/precomputed/karst_demo/segmentation" in json.dumps(link["state"])
    kept = requests.get(link["url"].partition("#!")[2], timeout=60)
    assert kept.url.startswith(server)
    assert kept.json() == link["state"]


def test_a_notebook_of_a_student_works(classroom: tuple[str, str]) -> None:
    _, server = classroom
    client = CAVEclient("karst_demo", server_address=server, auth_token="any", write_server_cache=False)
    assert "127.0.0.1" not in json.dumps(client.info.get_datastack_info())
    assert client.materialize.query_table("nucleus_detection_v0", limit=3).shape[0] == 3
    assert client.chunkedgraph.segmentation_info["data_dir"].startswith(server)
    meshes = CloudVolume(
        client.info.segmentation_source(), secrets={"token": "any"}, use_https=True, progress=False
    ).mesh
    root = int(client.materialize.query_table("proofreading_status_and_strategy", limit=1).pt_root_id.iloc[0])
    assert len(meshes.get(root)[root].faces)
    assert len(client.skeleton.get_skeleton(root)["vertices"])
    number = client.state.upload_state_json({"layers": [{"source": client.info.segmentation_source()}]})
    elsewhere = server.replace(HERE, "127.0.0.3")  # the laptop has moved to another network
    source = requests.get(f"{elsewhere}/nglstate/api/v1/{number}", timeout=9).json()["layers"][0]["source"]
    assert source == f"graphene://{elsewhere}/segmentation/table/karst_demo_pcg"


def test_students_save_states_only(classroom: tuple[str, str]) -> None:
    _, server = classroom
    client = CAVEclient("karst_demo", server_address=server, auth_token="any", write_server_cache=False)
    with pytest.raises(requests.HTTPError, match="403"):
        client.annotation.create_table("tags", "bound_tag", "of a student", voxel_resolution=[4, 4, 40])
    student = http.client.HTTPConnection(server.split("//")[1], timeout=9, source_address=("127.0.0.3", 0))
    student.request("POST", "/reset")
    assert student.getresponse().status == 403
    number = client.state.upload_state_json({"layers": []})
    assert client.state.get_state_json(number) == {"layers": []}


def test_a_teacher_resets_the_server_by_the_address_that_it_listens_on(classroom: tuple[str, str]) -> None:
    karst, server = classroom
    question = {"table": "nucleus_detection_v0"}
    link = requests.post(f"{karst}{API}/neuroglancer", json=question, timeout=60).json()["url"].partition("#!")[2]
    assert requests.get(link, timeout=60).ok
    command = ["make", "-s", "reset", f"HOST={HERE}", f"LOCALCAVE_PORT={server.rsplit(':', 1)[1]}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert requests.get(link, timeout=60).status_code == 500
    anew = requests.post(f"{karst}{API}/neuroglancer", json=question, timeout=60).json()["url"].partition("#!")[2]
    assert requests.get(anew, timeout=60).ok


def test_a_request_that_names_no_host_is_refused(classroom: tuple[str, str]) -> None:
    _, server = classroom
    for host in ("", "a b<c>", "x" * 300):
        answer = requests.get(f"{server}/info/api/v2/datastack/full/karst_demo", headers={"Host": host}, timeout=9)
        assert answer.status_code == 400, host


def test_the_join_page_shows_the_address_and_its_code(student: Page, classroom: tuple[str, str]) -> None:
    student.goto("/join")
    code = student.get_by_role("img", name=re.compile("QR code"))
    expect(code).to_be_visible()
    assert code.evaluate("image => image.complete && image.naturalWidth > 100")
    expect(student.locator("main")).to_contain_text('server_address="http')


def test_cells_appear_in_the_panel_of_a_student(student: Page, classroom: tuple[str, str], root_id: str) -> None:
    source = f"{classroom[1]}/precomputed/"
    with student.expect_response(lambda answer: answer.url.startswith(source) and answer.ok):
        student.goto(f"/connectivity-viewer?datastack=karst_demo&cell={root_id}&panel=on")


def test_a_link_of_the_teacher_shows_its_cell_in_the_neuroglancer_of_a_student(
    student: Page, classroom: tuple[str, str], root_id: str
) -> None:
    answer = requests.post(f"{classroom[0]}{API}/neuroglancer", json={"cell": root_id, "viewer": "bundled"}, timeout=60)
    meshes = re.compile(rf"^{re.escape(classroom[1])}/.*(mesh|skeleton)")
    with student.expect_response(lambda response: bool(meshes.search(response.url)) and response.ok):
        student.goto(answer.json()["url"])
    assert student.url.startswith(classroom[0])


def test_it_says_what_others_type(classroom: tuple[str, str], output: Path) -> None:
    text = output.read_text()
    assert f"Karst:     http://127.0.0.1:{classroom[0].rsplit(':', 1)[1]}\n" in text
    assert "Others in this network type" in text or "This machine is in no network" in text
    assert "0.0.0.0" not in text
