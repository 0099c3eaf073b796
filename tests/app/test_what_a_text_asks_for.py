"""One cell or several, an id or a position: what a text in an address asks for, and what is said of it."""

from __future__ import annotations

import json
import re
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from services.cave.client import Cave
from services.cave.release import Release
from services.cells import cells

DS = "karst_demo"


@pytest.fixture(scope="module")
def nuclei(cave: Cave) -> list[int]:
    """Nucleus ids of cells with one nucleus."""
    somata = cells.somas(Release.of(cave, DS, cave.versions(DS)[0].number))
    alone = somata[(somata["root_id"] != 0) & ~somata["root_id"].duplicated(keep=False)]
    return [int(one) for one in alone["nucleus_id"].iloc[:3]]


def get(client: FlaskClient, text: str, what: str = "/partners", version: str = "latest"):
    return client.get(f"/api/v1/{DS}/{version}/cells/{quote(text, safe='')}{what}", query_string={})


@pytest.mark.parametrize("between", ["\n", "\r\n", " ; ", ";", ", "])
@pytest.mark.parametrize("what", ["/partners", "/synapses"])
def test_ids_are_several_whatever_is_between_them(client, nuclei, between, what):
    answer = get(client, between.join(map(str, nuclei)), what)
    assert answer.status_code == 200, answer.text
    assert len(answer.json["cells"]) == len(nuclei)


def test_a_number_in_groups_is_one_id_and_that_is_said(client, nuclei):
    answer = get(client, f"{nuclei[0]:,}", "")
    assert answer.json["cell"]["nucleus_ids"] == [str(nuclei[0])]
    (message,) = [one for one in answer.json["cell"]["warnings"] if "put brackets around a list" in one]
    assert str(nuclei[0]) in message
    assert not [one for one in get(client, str(nuclei[0]), "").json["cell"]["warnings"] if "brackets" in one]


def test_several_positions_are_refused_and_not_read_as_ids(client, cave, nuclei):
    somata = cells.somas(Release.of(cave, DS, cave.versions(DS)[0].number)).set_index("nucleus_id").loc[nuclei[:2]]
    voxels = [f"{row.x_nm / 4:.0f}, {row.y_nm / 4:.0f}, {row.z_nm / 40:.0f}" for row in somata.itertuples()]
    for between in (" ; ", "\n"):
        answer = get(client, between.join(voxels))
        assert answer.status_code == 400
        assert answer.json["error"]["message"] == "2 positions are given, but one is read at a time."


def test_a_link_of_another_layer_says_so_where_its_id_is_no_root(client, nuclei):
    layer = {"type": "segmentation", "name": "nuc", "source": "precomputed://gs://x/nuc", "segments": [str(nuclei[0])]}
    error = get(client, json.dumps({"layers": [layer]}), "").json["error"]
    assert f"{nuclei[0]} is not a root id" in error["message"] and "nuc" in error["hint"]


def test_a_cell_of_now_says_so_wherever_it_is_read(client, nuclei):
    def warnings(answer):  # each request has its own moment of now
        return {re.sub(r"\d\d:\d\d:\d\d", "", one) for one in answer["warnings"]}

    result = warnings(get(client, str(nuclei[0]), "", version="live").json["cell"])
    partners = warnings(get(client, str(nuclei[0]), version="live").json)
    assert result and result <= partners
    assert get(client, str(nuclei[0]), "").json["cell"]["warnings"] == []
