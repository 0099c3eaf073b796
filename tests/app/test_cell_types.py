"""Cells with several rows in a type table, rules that choose among these, and type tables that refer to synapses."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

import flask
import pandas as pd
import pyarrow as pa
import pytest
from plotly.utils import PlotlyJSONEncoder

from api import blueprint
from app import create_app
from callbacks import connectivity_viewer
from localcave.folder.writer import DatastackWriter
from services.cave.client import Cave
from services.cave.release import Release
from services.cells import (
    cell_types,
    connectivity,
    partner_sets,
    partner_synapses,
    partner_table,
    several_cells,
    verdict,
)
from services.cells.partner_table import PartnerOptions
from services.core.directions import Direction
from services.core.errors import BadInput
from services.core.settings import Settings
from services.neuroglancer import links
from services.views.addresses import parse_connectivity
from services.views.cell_view import CellView
from tests import tiny
from tests.app.meant import cells_meant
from tests.servers import start_localcave

DS, OLDER, VERSION = tiny.DATASTACK, 2, 3
CELL = 864691135000000001
AGREE, DIFFER, ONE, NONE, BLANKS, ALSO = (CELL + 10 * n for n in range(1, 7))
INPUTS = {AGREE: 3, DIFFER: 2, ONE: 2, NONE: 1, BLANKS: 1}
ROWS = [
    # root, system, type, score, day; a day before another although the id comes after it
    (AGREE, "v1", "BC", 0.5, 1),
    (AGREE, "v2", "BC", 0.5, 2),
    (DIFFER, "v1", "MC", 0.1, 5),
    (DIFFER, "v2", "BC", 0.9, 4),
    (DIFFER, "v3", "BC", 0.3, 3),
    (ONE, "v2", "23P", 0.7, 1),
    (BLANKS, "v1", None, None, 1),
    (BLANKS, "v2", "4P", None, 2),
    (0, "v1", "5P-ET", 0.2, 1),
    (0, "v1", "MC", 0.2, 1),
]
OF_SYNAPSES = {AGREE: ["ME", "ME", None], DIFFER: ["ME", "LO"], ONE: ["LO", "LO"]}
WHOLE = {AGREE: "BC", DIFFER: "several: BC | MC", ONE: "23P", NONE: None, BLANKS: "4P"}


def synapses():
    """Inputs of the cell, one output to ONE and one between others, with the neuropil of each."""
    rows = []
    for root, count in INPUTS.items():
        regions = OF_SYNAPSES.get(root, [None] * count)
        rows += [(root, CELL, regions[n]) for n in range(count)]
    return [*rows, (CELL, ONE, "AL"), (CELL, CELL, "ME"), (ALSO, CELL + 1, "ME"), (ONE, CELL + 1, "ME")]


def synapse_table():
    rows = synapses()
    count = len(rows)
    columns = {"id": pa.array(range(1, count + 1), pa.int64()), "valid": pa.array([True] * count)}
    for end, place in (("pre", 0), ("post", 1)):
        columns |= {f"{end}_pt_position_{axis}": pa.array([100] * count, pa.int32()) for axis in "xyz"}
        columns[f"{end}_pt_supervoxel_id"] = pa.array([1] * count, pa.int64())
        columns[f"{end}_pt_root_id"] = pa.array([row[place] for row in rows], pa.int64())
    columns |= {f"ctr_pt_position_{axis}": pa.array([100] * count, pa.int32()) for axis in "xyz"}
    return pa.table(columns | {"size": pa.array([10.0 * n for n in range(count)], pa.float32())})


def type_table(rows, *, made=True):
    count = len(rows)
    columns = {"id": pa.array(range(1, count + 1), pa.int64()), "valid": pa.array([True] * count)}
    if made:
        first = datetime(2024, 1, 1, tzinfo=UTC)
        days = [first + timedelta(days=row[4]) for row in rows]
        columns["created"] = pa.array(days, pa.timestamp("us", "UTC"))
    columns |= {f"pt_position_{axis}": pa.array([100] * count, pa.int32()) for axis in "xyz"}
    columns["pt_supervoxel_id"] = pa.array([1] * count, pa.int64())
    columns["pt_root_id"] = pa.array([row[0] for row in rows], pa.int64())
    columns["classification_system"] = pa.array([row[1] for row in rows], pa.string())
    columns["cell_type"] = pa.array([row[2] for row in rows], pa.string())
    columns["score"] = pa.array([row[3] for row in rows], pa.float64())
    return pa.table(columns)


def region_table(system="region"):
    named = [(n, row[2]) for n, row in enumerate(synapses(), start=1) if row[2]]
    return pa.table(
        {
            "id": pa.array(range(1, len(named) + 1), pa.int64()),
            "valid": pa.array([True] * len(named)),
            "target_id": pa.array([n for n, _ in named], pa.int64()),
            "classification_system": pa.array([system] * len(named)),
            "cell_type": pa.array([name for _, name in named]),
        }
    )


def segments():
    """A supervoxel of each cell, and the roots that it ever had."""
    roots = [*INPUTS, ALSO, CELL, CELL + 1]
    ids = pa.array(range(90000000000000001, 90000000000000001 + len(roots)), pa.int64())
    own = {"supervoxel_id": ids, "root_id": pa.array(roots, pa.int64())}
    level2 = pa.array(range(170000000000000001, 170000000000000001 + len(roots)), pa.int64())
    empty = {"supervoxel_id": ids[:0], "root_id": own["root_id"][:0]}
    times = {name: pa.array([], pa.timestamp("us", "UTC")) for name in ("created", "expired")}
    return pa.table({"supervoxel_id": ids, "level2_id": level2, "root_id": own["root_id"]}), pa.table(empty | times)


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    folder = tmp_path_factory.mktemp("typed") / DS
    writer = DatastackWriter(folder, DS, tiny.INFO)
    writer.add_version(OLDER, "2024-12-02T03:04:05.000006", "2125-02-03T00:00:00.000001")
    writer.add_version(VERSION, "2025-01-02T03:04:05.000006", "2125-02-03T00:00:00.000001")
    ends = {"sorted_by": ["post_pt_root_id", "pre_pt_root_id"]}
    for version in (OLDER, VERSION):
        writer.add_table(version, "nuclei", tiny.nuclei(tiny.NEWEST), tiny.metadata("nucleus_detection"))
        writer.add_table(version, "synapses", synapse_table(), tiny.metadata("synapse"), **ends)
    writer.add_table(OLDER, "regions", region_table("first"), tiny.metadata("cell_type_reference", "synapses"))
    writer.add_table(VERSION, "types", type_table(ROWS), tiny.metadata("cell_type_local"))
    writer.add_table(VERSION, "undated", type_table(ROWS, made=False), tiny.metadata("cell_type_local"))
    writer.add_table(VERSION, "regions", region_table(), tiny.metadata("cell_type_reference", "synapses"))
    supervoxels, history = segments()
    writer.set_segmentation("tiny_pcg", "2020-01-01T00:00:00+00:00", supervoxels, history, [])
    writer.finish()
    with start_localcave([folder]) as address:
        yield address


@pytest.fixture(scope="module")
def cave(url, tmp_path_factory):
    config = tmp_path_factory.mktemp("config")
    (config / "datastacks").mkdir()
    order = '[type_order.types]\nclassification_system = ["v2", "v1"]\n'
    (config / "datastacks" / f"{DS}.toml").write_text(order)
    return Cave(Settings(server_address=url, cache="", config_dir=config))


@pytest.fixture(scope="module")
def client(cave):
    app = flask.Flask("test_cell_types")
    app.extensions["karst"] = cave
    app.register_blueprint(blueprint)
    return app.test_client()


def read(cave, types="types", by="", cell=CELL):
    return connectivity.read(Release.of(cave, DS, VERSION), int(cell), "root_id", type_table=types, type_by=by)


def types_of(frame, column="cell_type"):
    values = frame.set_index("root_id")[column].astype(object)
    return values.where(values.notna(), None).to_dict()


def test_rows_that_agree_are_one_type_and_rows_that_differ_are_all_shown(cave):
    result = read(cave)
    assert types_of(result.inputs) == WHOLE
    systems = types_of(result.inputs, "classification_system")
    assert systems[AGREE] == "several: v1 | v2" and systems[ONE] == "v2"
    scores = types_of(result.inputs, "score")
    assert scores[AGREE] == 0.5 and scores[DIFFER] is None and scores[ONE] == 0.7
    (message,) = [
        one for one in partner_table.open_partners(cave, result, PartnerOptions("in")).notes if "several rows" in one
    ]
    assert message.startswith("3 partners have several rows in types that differ")
    assert message.endswith("other values are left blank (score of 1).")


def test_a_datastack_without_nuclei_or_dates_types_its_partners_too(cave):
    assert types_of(read(cave, "undated").inputs) == WHOLE
    newest = types_of(read(cave, "undated", "newest").inputs)
    assert newest == {AGREE: "BC", DIFFER: "BC", ONE: "23P", NONE: None, BLANKS: "4P"}


def test_partners_whose_types_differ_count_as_several(cave):
    result = read(cave)
    table = partner_table.open_partners(cave, result, PartnerOptions("in"))
    groups = partner_sets.grouped(table.frame, "cell_type", ["BC", "MC", "23P", "4P", "5P-ET"]).set_index("value")
    assert groups["num_syn"].to_dict() == {"BC": 3, "several": 2, "23P": 2, "4P": 1, "MC": 0, "5P-ET": 0, pd.NA: 1}
    identified = verdict.identified(table.frame.assign(num_soma=1), "cell_type")
    assert (identified.part, identified.whole) == (6, 9)
    link = links.cell_link(cave, result, direction="in", group_by="cell_type")
    assert {"BC", "several", "23P", "4P", "(blank)"} == set(link.legend)
    layers = {layer["name"]: len(layer.get("annotations", ())) for layer in link.state["layers"]}
    assert layers["inputs: several"] == 2 and layers["inputs: BC"] == 3


@pytest.mark.parametrize("line", ["cell_type = several", "cell_type ~ several"])
@pytest.mark.parametrize("prefix", ["", "types."])
def test_partners_of_several_types_are_kept_by_that_word(client, line, prefix):
    path = f"/api/v1/{DS}/{VERSION}/cells/{CELL}/partners"
    query = {"direction": "in", "filter": prefix + line}
    query |= {"more": "types"} if prefix else {"types": "types"}
    answer = client.get(path, query_string=query)
    assert [int(row["root_id"]) for row in answer.get_json()["rows"]] == [DIFFER]


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("classification_system=v1", {AGREE: "BC", DIFFER: "MC", ONE: None, NONE: None, BLANKS: None}),
        ("classification_system=v2", {AGREE: "BC", DIFFER: "BC", ONE: "23P", NONE: None, BLANKS: "4P"}),
        ("newest", {AGREE: "BC", DIFFER: "MC", ONE: "23P", NONE: None, BLANKS: "4P"}),
        ("order", {AGREE: "BC", DIFFER: "BC", ONE: "23P", NONE: None, BLANKS: "4P"}),
    ],
)
def test_rows_are_chosen_by_column_by_date_and_by_the_order_of_the_operator(cave, client, by, expected):
    result = read(cave, by=by)
    assert types_of(result.inputs) == expected
    notes = partner_table.open_partners(cave, result, PartnerOptions("in")).notes
    assert not any("several rows" in message for message in notes)
    path = f"/api/v1/{DS}/{VERSION}/cells/{CELL}/partners?direction=in&types=types&type_by={by}"
    answer = client.get(path).get_json()
    assert {int(row["root_id"]): row["cell_type"] for row in answer["rows"]} == expected
    file = client.get(f"{path}&format=csv&head=on").get_data(as_text=True)
    assert f"# type_by: {by}" in file
    rows = pd.read_csv(io.StringIO(file), comment="#", dtype=str, keep_default_na=False)
    types = {int(root): kind.strip("'") or None for root, kind in zip(rows["root_id"], rows["cell_type"], strict=True)}
    assert types == expected
    body = {"cell": str(CELL), "direction": "in", "types": "types", "type_by": by, "group_by": "cell_type"}
    legend = client.post(f"/api/v1/{DS}/{VERSION}/neuroglancer", json=body).get_json()["legend"]
    assert set(legend) == {name or "(blank)" for name in expected.values()}


@pytest.mark.parametrize(
    ("by", "says"),
    [
        ("oldest", "cannot be chosen"),
        ("nothing=v1", "cannot be chosen"),
        ("classification_system=v9", "no row"),
    ],
)
def test_a_rule_that_does_not_fit_is_refused_or_left_out(cave, client, by, says):
    with pytest.raises(BadInput, match=says):
        read(cave, by=by)
    answer = client.get(f"/api/v1/{DS}/{VERSION}/cells/{CELL}/partners?types=types&type_by={by}")
    assert answer.status_code == 400
    (result,) = cells_meant(Release.of(cave, DS, VERSION), str(CELL), type_table="types", type_by=by, lenient=True)
    assert types_of(result.inputs) == WHOLE and result.type_by == ""
    assert any("All rows are used." in message for message in result.warnings)


def test_rules_are_offered_where_cells_have_several_rows(cave):
    offered = cell_types.offered(Release.of(cave, DS, VERSION), "types")
    assert list(offered) == ["newest", *(f"classification_system=v{n}" for n in (1, 2, 3)), "order", "each"]
    assert list(cell_types.offered(Release.of(cave, DS, VERSION), "undated")) == [*list(offered)[:4], "each"]
    assert list(cell_types.offered(Release.of(cave, DS, VERSION), "regions")) == ["newest"]
    assert cell_types.offered(Release.of(cave, DS, VERSION), "nowhere") == {}


def test_a_type_table_that_refers_to_synapses_gives_a_type_per_synapse(cave, client):
    result = read(cave, "regions")
    assert types_of(result.inputs) == {AGREE: "ME", DIFFER: "several: LO | ME", ONE: "LO", NONE: None, BLANKS: None}
    assert types_of(result.outputs) == {ONE: "AL"}
    expected = {n: row[2] for n, row in enumerate(synapses(), start=1)}
    for way in Direction:
        rows = partner_synapses.of_cell(cave, result, way)
        kinds = rows["cell_type"].astype(object).where(rows["cell_type"].notna(), None)
        assert dict(zip(rows["id"], kinds, strict=True)) == {n: expected[n] for n in rows["id"]}
    for whole in ("on", "off"):
        path = f"/api/v1/{DS}/{VERSION}/cells/{CELL}/synapses?types=regions&direction=in&whole={whole}"
        answer = client.get(path).get_json()
        assert {int(row["id"]): row["cell_type"] for row in answer["rows"]} == {
            n: kind for n, kind in expected.items() if synapses()[n - 1][1] == CELL
        }
        assert not [one for one in answer["warnings"] if "differ" in one], "no synapse has two rows"


def test_synapses_say_that_types_of_cells_are_not_theirs(client):
    path = f"/api/v1/{DS}/{VERSION}/cells/{CELL}/synapses?types=types&direction=in&limit=1"
    answer = client.get(path).get_json()
    assert "cell_type" not in answer["rows"][0]
    assert "types is about cells, so its columns stand with the partners, not with the synapses." in answer["warnings"]
    assert not [one for one in answer["warnings"] if "differ" in one]


def test_a_value_that_no_row_has_is_refused_of_cells_and_of_synapses(client):
    for table in ("types", "regions"):
        path = f"/api/v1/{DS}/{VERSION}/cells/{CELL}/partners?types={table}&type_by=classification_system=nope"
        answer = client.get(path)
        assert answer.status_code == 400
        assert f"{table} has no row with 'classification_system=nope'." in answer.get_json()["error"]["message"]
    path = (
        f"/api/v1/{DS}/{VERSION}/cells/{CELL}/partners?types=regions&type_by=classification_system=region&direction=in"
    )
    rows = client.get(path).get_json()["rows"]
    assert {row["root_id"]: row["cell_type"] for row in rows}[str(DIFFER)] == "several: LO | ME"


def test_a_value_of_synapses_that_only_an_older_version_has_is_taken_there(client):
    for version, system, status in ((OLDER, "first", 200), (VERSION, "first", 400), (OLDER, "region", 400)):
        path = f"/api/v1/{DS}/{version}/cells/{CELL}/partners?types=regions&direction=in"
        answer = client.get(f"{path}&type_by=classification_system={system}")
        assert answer.status_code == status, (version, system, answer.json)
        if status == 200:
            kinds = {int(row["root_id"]): row["cell_type"] for row in answer.json["rows"]}
            assert kinds == {AGREE: "ME", DIFFER: "several: LO | ME", ONE: "LO", NONE: None, BLANKS: None}


def test_partners_with_several_rows_are_counted_in_the_direction_that_is_shown(client):
    path = f"/api/v1/{DS}/{VERSION}/cells/{CELL}/partners?types=types&synapses=all"
    for direction, at_least, number in (("in", 1, 3), ("out", 1, 0), ("merged", 1, 3), ("in", 3, 1)):
        answer = client.get(f"{path}&direction={direction}&at_least={at_least}").json
        counts = [one.split(" ")[0] for one in (*answer["notes"], *answer["warnings"]) if "several rows" in one]
        assert counts == ([str(number)] if number else []), direction
    several = client.get(f"{path.replace(str(CELL), f'{CELL},{CELL + 1}')}&direction=in").json
    assert [one for one in several["notes"] if one.startswith("3 partners have several rows in types")]


def test_types_of_synapses_are_those_of_both_directions_and_of_all_cells_together(cave):
    table = partner_table.open_partners(cave, read(cave, "regions"), PartnerOptions("both"))
    assert types_of(table.frame)[ONE] == "several: AL | LO"
    matches = [read(cave, "regions", cell=cell) for cell in (CELL, CELL + 1)]
    table = several_cells.open_partners(cave, matches, PartnerOptions("in"))
    kinds = types_of(table.frame)
    assert kinds[ALSO] == "ME" and kinds[ONE] == "several: LO | ME" and kinds[AGREE] == "ME"
    link = links.cell_link(cave, matches[0], direction="in", group_by="cell_type")
    assert set(link.legend) == {"ME", "LO", "several", "(blank)"}


@pytest.mark.parametrize("by", ["", "newest", "order", "classification_system=v2"])
@pytest.mark.parametrize("side", ["in", "both"])
def test_a_copied_script_chooses_types_alike(cave, client, by, side):
    assert_script(cave, client, "types", by, side)


@pytest.mark.parametrize("side", ["in", "out", "both"])
def test_a_copied_script_has_the_types_of_synapses(cave, client, side):
    assert_script(cave, client, "regions", "", side)


def assert_script(cave, client, types, by, side):
    way = "merged" if side == "both" else side
    path = f"/api/v1/{DS}/{VERSION}/cells/{CELL}/partners/python?direction={way}&types={types}&type_by={by}"
    script = client.get(path).get_data(as_text=True)
    names: dict[str, object] = {}
    exec(compile(script, "snippet", "exec"), names)
    assert types_of(names["frame"]) == types_of(
        partner_table.open_partners(cave, read(cave, types, by), PartnerOptions(side)).frame
    )


@pytest.fixture(scope="module")
def page(cave):
    app = create_app(cave.settings)

    def show(address):
        """The page of an address as text, and the partners of a tab by type as text."""
        query = dict(pair.split("=", 1) for pair in address.split("&"))
        with app.server.test_request_context():
            shown, status, notes, href = connectivity_viewer.load(query, None)
            by_type = connectivity_viewer.sum_up("types", href, None)
            rows = CellView.of(cave, parse_connectivity(query)[0]).table("in").frame.to_csv()
        return json.dumps([shown, status, notes, by_type, rows], cls=PlotlyJSONEncoder), href

    return show


def test_the_page_shows_counts_and_chooses_types(page):
    cell = f"datastack={DS}&version={VERSION}&cell={CELL}&tab=in"
    text, href = page(f"{cell}&type_table=types")
    assert "several: BC | MC" in text and "Types by" in text and "classification system: v2" in text
    assert "the order of this datastack" in text and '= "several"' in unquote(text)
    assert "type_by" not in href
    text, href = page(f"{cell}&type_table=types&type_by=classification_system=v2")
    assert "several: BC" not in text and "cell types of types by classification_system=v2" in text
    assert "type_by=classification_system%3Dv2" in href and "&type_by=classification_system%3Dv2" in text
    text, _ = page(f"{cell}&type_table=regions&partner={DIFFER}")
    assert "several: LO | ME" in text and "types of synapses of regions" in text
    text, _ = page(f"{cell}&type_table=types&type_by=nonsense")
    assert "All rows are used." in text and "several: BC | MC" in text
