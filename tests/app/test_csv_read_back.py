"""A CSV comes back: read without options it has the rows, and what it says of itself is beside it."""

from __future__ import annotations

import io
import json
import re
from urllib.parse import urlsplit

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app import create_app
from localcave.importer.importing import import_datastack
from services.cave.release import Release
from services.core.settings import Settings
from tests.servers import start_localcave

DS, PROOFREADING = "karst_demo", "proofreading_status_and_strategy"
TEXTS = [
    "a#b",
    "# begins so",
    "#",
    "+5",
    "-",
    "@x",
    "=1+1",
    "'quoted'",
    "'=x",
    "null",
    "NA",
    "a,b",
    'say "x"',
    "two\nlines",
    "7",
]
ROOTS = [864691135771609595 + 2 * number for number in range(len(TEXTS))]
CELLS = """
[datastack]
name = "back"
resolution_nm = [4, 4, 40]
[version]
number = 3
timestamp = 2025-01-13T10:10:01Z
[files]
cells = "{file}"
[tables.types]
file = "cells"
schema = "cell_type_local"
[tables.types.columns]
id = "id"
pt_position = {{ from = ["{x}", "{y}", "{z}"], unit = "voxels" }}
pt_root_id = "{root}"
cell_type = "cell_type"
classification_system = {{ value = "x" }}
"""
ROWS = "/api/v1/back/3/tables/types/rows"


def config(folder, file, **columns):
    path = folder / "back.toml"
    path.write_text(CELLS.format(file=file, **({name: name for name in ("root", "x", "y", "z")} | columns)))
    return path


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    folder = tmp_path_factory.mktemp("back")
    count = list(range(1, len(TEXTS) + 1))
    pq.write_table(
        pa.table({"id": count, "root": ROOTS, "x": count, "y": count, "z": count, "cell_type": TEXTS}),
        folder / "c.parquet",
    )
    import_datastack(config(folder, "c.parquet"), folder / "out")
    with start_localcave([folder / "out"]) as url:
        yield create_app(Settings(server_address=url, cache="")).server.test_client()


def rows(client, **requested):
    answer = client.get(ROWS, query_string={"format": "csv", "sort": "id", **requested})
    assert answer.status_code == 200, answer.text
    return answer


def test_pandas_reads_a_csv_without_options(client):
    frame = pd.read_csv(io.StringIO(rows(client).text))
    assert frame["pt_root_id"].tolist() == ROOTS and frame["pt_root_id"].dtype == "int64"
    kept = {text for text in TEXTS if not re.match("'*[=+@-]", text) and text not in ("null", "NA")}
    assert kept <= set(frame["cell_type"])


def test_every_text_comes_back_as_it_is_without_the_guard(client):
    text = rows(client, guard="off").text
    assert pd.read_csv(io.StringIO(text), keep_default_na=False)["cell_type"].tolist() == TEXTS


def test_the_guard_is_one_apostrophe_before_what_a_spreadsheet_runs(client):
    result = pd.read_csv(io.StringIO(rows(client).text), keep_default_na=False)["cell_type"].tolist()
    assert result == ["'" + text if re.match("'*[=+@-]", text) else text for text in TEXTS]


def test_provenance_is_beside_a_csv_or_before_it(client):
    plain = rows(client, filter="id > 2")
    address, relation = re.fullmatch(r'<(.+)>; rel="(\w+)"; type="application/json"', plain.headers["Link"]).groups()
    beside = client.get(address.removeprefix("http://localhost"))
    assert relation == "describedby" and beside.content_type == "application/json"
    assert beside.headers["Content-Disposition"].endswith('back_v3_types.provenance.json"')
    message = json.loads(beside.text)
    assert (message["datastack"], message["table"], message["filter"], message["rows"]) == (
        "back",
        "types",
        "id > 2",
        len(TEXTS) - 2,
    )
    again = urlsplit(message["source"])
    assert client.get(f"{again.path}?{again.query}").text == plain.text
    headed = rows(client, filter="id > 2", head="on").text
    head, body = headed[: headed.index("pt_root_id")], headed[headed.index("\n", headed.index("# exported")) + 1 :]
    assert all(line.startswith("# ") for line in head.splitlines()[:-1])
    assert "# table: types\n" in head and body == plain.text


@pytest.mark.parametrize("requested", [{"head": "yes"}, {"guard": "no"}])
def test_an_unknown_choice_of_files_is_refused(client, requested):
    answer = client.get(ROWS, query_string={"format": "csv", **requested})
    assert answer.status_code == 400 and "It can be" in answer.get_json()["error"]["hint"]


@pytest.mark.parametrize("head", ["off", "on"])
def test_the_importer_reads_what_karst_wrote(client, tmp_path, head):
    (tmp_path / "export.csv").write_text(rows(client, head=head, guard="off").text, newline="")
    axes = {axis: f"pt_position_{axis}" for axis in "xyz"}
    import_datastack(config(tmp_path, "export.csv", root="pt_root_id", **axes), tmp_path / "out")
    table = pq.read_table(tmp_path / "out" / "tables" / "3" / "types.parquet")
    assert table["pt_root_id"].to_pylist() == ROOTS
    assert table["cell_type"].to_pylist() == TEXTS


def test_partners_synapses_and_changes_are_read_without_options(localcave_url, cave):
    client = create_app(Settings(server_address=localcave_url, cache="")).server.test_client()
    newest, older = (version.number for version in cave.versions(DS)[:2])
    root = int(Release.of(cave, DS, newest).table(PROOFREADING)["pt_root_id"].iloc[0])
    for what in ("partners", "synapses", f"changes?against={older}"):
        path = f"/api/v1/{DS}/{newest}/cells/{root}/{what}{'&' if '?' in what else '?'}direction=in&format=csv"
        frame = pd.read_csv(io.StringIO(client.get(path).text))
        message = client.get(f"{path}&head=only").get_json()
        assert message["rows"] == len(frame) and message["datastack"] == DS
        assert not frame.columns[0].startswith("#")
