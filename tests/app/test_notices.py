"""What the owner of a table says about it is said wherever the table is used."""

from __future__ import annotations

import json
from collections.abc import Iterator

import flask
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from flask.testing import FlaskClient
from plotly.utils import PlotlyJSONEncoder

from api import blueprint
from components import connectivity_page, several_cells, table_page
from components.cell_facts import cell_facts
from services.cave.client import Cave
from services.cave.release import Release
from services.cells import card, cells, connectivity
from services.core.settings import Settings
from services.populations import sets
from services.tables import live
from services.views.addresses import TableAddress
from services.views.table_opening import open_view
from tests import tiny
from tests.servers import start_localcave

DS = "karst_demo"
OLD, NEW = "allen_soma_coarse_cell_class_model_v1", "aibs_metamodel_celltypes_v661"
NOTICE = f"Notice on {OLD}: Superseded by {NEW}."


def test_the_notice_is_in_the_messages_of_rows_and_of_the_page(cave: Cave, client: FlaskClient) -> None:
    rows = client.get(f"/api/v1/{DS}/latest/tables/{OLD}/rows?limit=1")
    assert rows.json["messages"] == [NOTICE]
    assert live.notices(cave, open_view(cave, TableAddress(DS, table=OLD)).table) == (NOTICE,)


def test_a_table_without_a_notice_has_no_messages(cave: Cave, client: FlaskClient) -> None:
    assert "messages" not in client.get(f"/api/v1/{DS}/latest/tables/nucleus_detection_v0/rows?limit=1").json
    assert live.notices(cave, open_view(cave, TableAddress(DS, table="nucleus_detection_v0")).table) == ()


def test_the_notice_is_in_the_provenance_of_files(client: FlaskClient) -> None:
    content = client.get(f"/api/v1/{DS}/latest/tables/{OLD}/rows?limit=1&format=parquet").data
    metadata = pq.read_schema(pa.BufferReader(content)).metadata
    assert json.loads(metadata[b"karst"])["messages"] == [NOTICE]


def test_the_notice_of_a_table_beside_is_said_too(cave: Cave, client: FlaskClient) -> None:
    rows = client.get(f"/api/v1/{DS}/latest/tables/{NEW}/rows?limit=1&join={OLD}")
    assert NOTICE in rows.json["messages"]
    assert NOTICE in live.notices(cave, open_view(cave, TableAddress(DS, table=NEW, join=(OLD,))).table)


def test_the_notice_of_a_type_table_is_a_warning_of_the_cell(cave: Cave) -> None:
    version = live.resolve(cave, DS, "latest").number
    roots = Release.of(cave, DS, version).table(NEW)["pt_root_id"]
    root = int(roots[roots > 0].iloc[0])
    assert NOTICE in connectivity.read(Release.of(cave, DS, version), root, type_table=OLD).notices
    assert NOTICE not in connectivity.read(Release.of(cave, DS, version), root, type_table=NEW).notices


def test_the_notice_of_a_table_is_said_of_a_population_of_its_rows(cave: Cave) -> None:
    release = Release.of(cave, DS, cave.versions(DS)[0].number)
    assert NOTICE in sets.resolve(release, f"{OLD}:id < 100").notes
    assert NOTICE not in sets.resolve(release, f"{NEW}:id < 100").notes


USED = {name: f"Notice on {name}: {name} was replaced." for name in ("nuclei", "synapses", "types", "proofreading")}


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    """A CAVE whose owners give notice of every table that cells are read from."""
    folder = tiny.make(tmp_path_factory.mktemp("notices") / "tiny")
    manifest = json.loads((folder / "datastack.json").read_text())
    for tables in manifest["tables"].values():
        for name, record in tables.items():
            record["metadata"]["notice_text"] = f"{name} was replaced."
    (folder / "datastack.json").write_text(json.dumps(manifest))
    with start_localcave([folder]) as url:
        app = flask.Flask("test_notices")
        app.extensions["karst"] = Cave(Settings(server_address=url, cache=""))
        app.register_blueprint(blueprint)
        yield app.test_client()


@pytest.mark.parametrize(
    ("path", "key", "names"),
    [
        (f"cells/{tiny.A}/partners?types=types", "warnings", ("types", "synapses", "nuclei")),
        (f"cells/{tiny.A}/synapses?direction=in", "warnings", ("synapses", "nuclei")),
        (f"cells/{tiny.A},{tiny.B}/partners?direction=in", "warnings", ("synapses", "nuclei")),
        (f"populations/edges?pre={tiny.A},{tiny.B}&proofread=off", "messages", ("synapses", "nuclei")),
        (
            f"populations/matrix?pre={tiny.A},{tiny.B}&proofread=off&pre_by=types.cell_type&post_by=cell",
            "messages",
            ("synapses", "nuclei", "types"),
        ),
    ],
)
def test_the_notice_of_each_table_that_is_used_is_said_once(
    used: FlaskClient, path: str, key: str, names: tuple[str, ...]
) -> None:
    answer = used.get(f"/api/v1/tiny/{tiny.NEWEST}/{path}")
    assert answer.status_code == 200, answer.text
    assert [one for one in answer.json[key] if "Notice" in one] == [USED[name] for name in names], answer.json[key]
    content = used.get(f"/api/v1/tiny/{tiny.NEWEST}/{path}&format=parquet").data
    provenance = json.loads(pq.read_schema(pa.BufferReader(content)).metadata[b"karst"])
    assert [one for one in provenance[key] if "Notice" in one] == [USED[name] for name in names]


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("tables/types/rows?limit=1", ("types", "nuclei")),
        ("tables/nuclei/rows?limit=1&join=types", ("nuclei", "types")),
        ("tables/types/rows?limit=1&join=types", ("types", "nuclei")),
        ("tables/types/facets?join=nuclei", ("types", "nuclei")),
        ("tables/types/crosstab?left=cell_type&right=classification_system", ("types", "nuclei")),
        ("tables/types/python?join=types", ("types", "nuclei")),
        (f"cells/{tiny.A}/partners/python?types=types&id_type=root_id", ("types", "synapses", "nuclei")),
        (f"populations/python?pre={tiny.A},{tiny.B}&proofread=off", ("synapses", "nuclei")),
    ],
)
def test_the_notice_is_said_beside_all_that_is_made_of_a_table_and_its_target(
    used: FlaskClient, path: str, names: tuple[str, ...]
) -> None:
    answer = used.get(f"/api/v1/tiny/{tiny.NEWEST}/{path}")
    assert answer.status_code == 200, answer.text
    lines = answer.json["messages"] if answer.is_json else [line.lstrip("# ") for line in answer.text.splitlines()]
    assert [line for line in lines if line.startswith("Notice on")] == [USED[name] for name in names]


def test_a_notice_that_a_set_has_is_not_said_again(used: FlaskClient) -> None:
    answer = used.get(f"/api/v1/tiny/{tiny.NEWEST}/populations/edges?pre=nuclei:id < 4&proofread=off").json
    assert [one for one in answer["messages"] if "Notice" in one] == [f"Both sets: {USED['nuclei']}", USED["synapses"]]


def test_the_notice_is_in_the_card_and_the_cell(used: FlaskClient) -> None:
    release = Release.of(used.application.extensions["karst"], "tiny", tiny.NEWEST)
    cell = used.get(f"/api/v1/tiny/{tiny.NEWEST}/cells/{tiny.B}").json["cell"]
    assert cell["warnings"] == [USED["nuclei"]]
    facts = card.read(release, cells.find(release, tiny.B))
    assert facts.notices == (USED["types"], USED["nuclei"])
    drawn = json.dumps(cell_facts(facts), cls=PlotlyJSONEncoder)
    assert drawn.count(USED["types"]) == 1


def test_the_description_of_the_datastack_is_at_hand_where_its_name_is(cave: Cave) -> None:
    view = open_view(cave, TableAddress(DS, table=NEW))
    description = view.release.profile.description
    assert description
    read = connectivity.read(view.release, int(view.table.frame["pt_root_id"].iloc[0]))
    for status in (
        table_page.status(view.table, "", (), description),
        connectivity_page.status(read, description),
        several_cells.status([read, read], description),
    ):
        (name,) = [part for part in status if getattr(part, "children", "") == DS]
        assert name.to_plotly_json()["props"]["data-help"] == description
