"""Long lists of ids are kept by a real CAVE and mean the same rows wherever the line that names them is read."""

import contextlib
import io
import json

import flask
import numpy as np
import pytest

from api import blueprint
from app import create_app
from callbacks import population_views, populations
from services.cave.client import Cave
from services.cave.release import Release
from services.core.errors import BadInput, NotFound
from services.core.settings import Settings
from services.filters.filters import parse_box, parse_line
from services.populations import sets
from services.tables import saved_ids, tables
from services.tables.scripts import table_snippet
from services.tables.tables import TableQuery
from services.views.addresses import LONGEST_ADDRESS, TableAddress
from tests import tiny
from tests.servers import free_port, start_localcave

DS, TYPES = "karst_demo", "aibs_metamodel_celltypes_v661"


@pytest.fixture(scope="module")
def types(cave):
    return tables.open_table(Release(cave, DS, cave.versions(DS)[0]), TYPES)


@pytest.fixture(scope="module")
def roots(types):
    result = types.frame["pt_root_id"].drop_duplicates().to_numpy(np.int64)
    return result[result > 0][:1500].tolist()


@pytest.fixture(scope="module")
def number(cave, roots):
    return saved_ids.save(cave, DS, roots)


@pytest.fixture(scope="module")
def server(localcave_url):
    return create_app(Settings(server_address=localcave_url, cache="", datastack=DS)).server


def kept(cave, types, where, boxes=None):
    return set(tables.select(types, saved_ids.query(cave, DS, where, boxes))["id"])


def test_another_karst_on_the_same_cave_reads_the_list(localcave_url, types, roots, number):
    other = Cave(Settings(server_address=localcave_url, cache=""))
    wanted = set(types.frame.loc[types.frame["pt_root_id"].isin(roots), "id"])
    assert kept(other, types, f"pt_root_id in saved({number})") == wanted
    assert kept(other, types, "", {"pt_root_id": f"In saved( {number} )"}) == wanted
    rest = set(types.frame["id"]) - wanted
    assert kept(other, types, f"root_id not in saved({number})") == rest
    assert kept(other, types, "", {"pt_root_id": f"not in saved({number})"}) == rest
    both = kept(other, types, f"pt_root_id in saved({number}) and cell_type = BC")
    assert both == wanted & set(types.frame.loc[types.frame["cell_type"] == "BC", "id"])


def test_the_same_ids_are_sent_once(cave, roots, number):
    before = cave.counts["requests"]
    assert saved_ids.save(cave, DS, reversed(roots)) == number
    assert cave.counts["requests"] == before + 1  # whether they are still there


def test_a_line_is_written_and_read_back_as_it_was(cave, types, number):
    query = saved_ids.query(cave, DS, f"pt_root_id in saved({number}) or not (id not in saved({number}))")
    node = tables.filter_of(types.columns, query)
    assert parse_line(node.text(), types.columns, query.saved) == node
    assert f"is one of {1500:,} saved ids" in node.describe()
    assert "saved" in parse_line("cell_type in (saved, BC)", types.columns).text()  # which is also a word


@pytest.mark.parametrize(
    "case",
    [
        ("pt_root_id in saved(5560000000000000)", "no list of ids saved as 5560000000000000", 20),
        ("pt_root_id in saved({state})", "no list of ids", 20),
        ("cell_type in saved({number})", "holds no ids", 19),
        ("pt_root_id in saved(x)", "no list of ids saved as x", 20),
        ("pt_root_id in saved({number}, 5)", "one list", 14),
        ("pt_root_id in saved", "expected", None),
    ],
)
def test_what_is_no_list_is_said_where_it_stands(cave, types, number, case):
    line, words, at = case
    state = cave.upload_state(DS, {"layers": []})
    query = saved_ids.query(cave, DS, line.format(number=number, state=state))
    with pytest.raises(BadInput) as raised:
        tables.filter_of(types.columns, query)
    if words != "expected":
        assert words in raised.value.message
    assert at is None or raised.value.position == at


def test_a_box_points_at_the_number(types):
    column = next(column for column in types.columns if column.name == "pt_root_id")
    with pytest.raises(BadInput) as raised:
        parse_box(column, "  in saved(77)")
    assert raised.value.position == 11


def test_a_long_filter_gets_an_address_that_servers_take(cave, types, roots):
    listed = ", ".join(map(str, roots))
    requested = TableQuery(f"cell_type = BC or pt_root_id in ({listed})", {"id": "1, 2"})
    short = saved_ids.shortened(cave, types, requested)
    assert short.boxes == requested.boxes and len(short.where) < 100
    assert kept(cave, types, short.where) == set(tables.select(types, TableQuery(requested.where))["id"])
    boxed = saved_ids.shortened(cave, types, TableQuery(boxes={"pt_root_id": f"not in {listed}"}))
    assert boxed.boxes["pt_root_id"].startswith("not in saved(")
    view = TableAddress(DS, str(types.version.number), TYPES, boxes=boxed.boxes)
    assert len(view.href()) < LONGEST_ADDRESS
    few = TableQuery("pt_root_id in (1, 2)")
    assert saved_ids.shortened(cave, types, few) is few
    wrong = TableQuery("nope in (" + "1, " * 2000 + ")")
    assert saved_ids.shortened(cave, types, wrong).where == wrong.where


def test_a_server_that_forgot_the_list_is_given_it_again(tmp_path):
    port, folder = free_port(), tiny.make(tmp_path / "tiny")
    settings = Settings(server_address=f"http://127.0.0.1:{port}", cache=str(tmp_path / "cache"))
    ids = list(range(1, 200))
    with start_localcave([folder], port=port):
        first = saved_ids.save(Cave(settings), "tiny", ids)
    for _ in range(2):  # the second time, what it was given instead is forgotten too
        with start_localcave([folder], port=port):
            # another process, but a cache that remembers the number
            anew = Cave(settings)
            assert saved_ids.read(anew, "tiny", first) == ()
            second = saved_ids.save(anew, "tiny", ids)
            assert second != first and saved_ids.read(anew, "tiny", second) == tuple(ids)
            first = second


def test_the_script_reads_the_list_from_cave(cave, types, number):
    query = saved_ids.query(cave, DS, f"pt_root_id not in saved({number}) and cell_type = BC")
    script = table_snippet(cave, types, query)
    assert len(script) < 5000
    names = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(script, "snippet", "exec"), names)
    page = tables.select(types, query)
    assert len(page) and sorted(names["frame"]["id"]) == sorted(page["id"])


def test_the_api_reads_the_same_line(cave, types, roots, number):
    app = flask.Flask(__name__)
    app.extensions["karst"] = cave
    app.register_blueprint(blueprint)
    path = f"/api/v1/{DS}/latest/tables/{TYPES}/rows"
    result = app.test_client().get(path, query_string={"filter": f"pt_root_id in saved({number})", "limit": 1})
    assert result.json["total"] == types.frame["pt_root_id"].isin(roots).sum()
    gone = app.test_client().get(path, query_string={"filter": "pt_root_id in saved(7)"})
    assert gone.status_code == 400 and "saved as 7" in json.loads(gone.text)["error"]["message"]


def test_too_many_ids_are_refused(cave):
    with pytest.raises(BadInput, match="more than"):
        saved_ids.save(cave, DS, range(1, saved_ids.MOST + 2))


def test_a_population_of_more_ids_than_an_address_holds(server, cave, types, roots):
    """A set of the tray with over 400 cells once led to an address that no server takes."""
    listed = ", ".join(map(str, roots))
    with server.test_request_context():
        query = {"datastack": DS, "pre_table": "ids", "pre": listed, "proofread": "off"}
        *_, href = populations.load(query, None)
        view = population_views.view_of(population_views.address_of(href))
    assert len(href) < 500
    release = Release(cave, DS, cave.versions(DS)[0])
    assert sorted(view.pair.pre.ids) == sorted(sets.resolve(release, listed).ids)
    assert saved_ids.named(cave, DS, view.address.pre) == view.address.pre
    few = ", ".join(map(str, roots[:100]))
    for text in (few, f"{listed}, 99999999999999999999", f"{listed}, {2**63}", f"{listed}, x", f"cell_type = {listed}"):
        assert saved_ids.named(cave, DS, text) == text
    with pytest.raises(NotFound, match="no list of ids under 77"):
        sets.resolve(release, "saved(77)")
