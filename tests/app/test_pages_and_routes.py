"""A page and its route are asked the same, and answer the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import flask
import pytest
from dash import dcc, html
from dash.development.base_component import Component

from app import create_app
from callbacks import cell_panels, partner_grids, population_panels, populations, table_panels, views
from services.cave.client import Cave
from services.cave.context import cave as cave_of
from services.cave.queries import Filters
from services.cave.release import Release
from services.core.settings import Settings
from services.views.addresses import CellAddress, TableAddress
from services.views.cell_view import CellView
from tests import six_cells
from tests.six_cells import I1, P1, P2, X

DEMO, SIX = "karst_demo", six_cells.DATASTACK
ALL = {"pre_table": "nuclei", "proofread": "off", "pre_by": "types.cell_type", "post_by": "types.cell_type"}
Row: TypeAlias = dict[str, Any]


@pytest.fixture(scope="module")
def six_app(six_url: str) -> flask.Flask:
    return create_app(Settings(server_address=six_url, cache="", datastack=SIX)).server


@pytest.fixture(scope="module")
def demo_app(localcave_url: str) -> flask.Flask:
    return create_app(Settings(server_address=localcave_url, cache="", datastack=DEMO)).server


def parts(drawn: Any, kind: type[Component]) -> list[Any]:
    """The components of a kind in what a callback returned."""
    within = html.Div(drawn)
    return [part for part in within._traverse() if isinstance(part, kind)]


def loaded(app: flask.Flask, **query: str) -> tuple[str, str]:
    """The address of the page of populations, and its notes as components."""
    with app.test_request_context():
        _, _, notes, href = populations.load({"datastack": SIX, "read": "on", **ALL, **query}, None)
    return href, repr(notes)


def panel(app: flask.Flask, href: str) -> Any:
    with app.test_request_context():
        return population_panels.draw(href)


def cell_text(cell: Any) -> str:
    """What a cell of a long table shows."""
    if isinstance(cell, list):
        return "".join(map(cell_text, cell))
    return str(cell["text"]) if isinstance(cell, dict) else str(cell)


PANELS: dict[str, tuple[dict[str, str], tuple[int, ...], Callable[[Row], list[str]]]] = {
    "motifs": ({}, (0, 2), lambda row: [row["motif"], f"{row['observed']:,}"]),
    "like a cell": ({"cell": str(P1)}, (0, 2), lambda row: [row["root_id"], f"{row['similarity']:.3f}"]),
    "partners": (
        {"cell": str(P1), "other": str(P2)},
        (0, 3),
        lambda row: [row["root_id"], f"{row['num_syn_first']:,}"],
    ),
    "paths": ({"through": "nuclei:"}, (0, 4), lambda row: [row["pre_root_id"], f"{row['steps']}"]),
    "beside": (
        {"beside": f"{I1} {P1}", "compared": "synapses_per_cell"},
        (0, 1),
        lambda row: [row["group"] or "no type", f"{row['first']:.2f}"],
    ),
}


@pytest.mark.parametrize("entry", [{}, {"row": "P", "column": "I"}])
@pytest.mark.parametrize("name", PANELS)
def test_a_panel_of_a_population_lists_the_rows_of_its_route(
    six_app: flask.Flask, name: str, entry: dict[str, str]
) -> None:
    more, columns, expected = PANELS[name]
    in_front = {"like a cell": "alike", "partners": "alike"}.get(name, name)
    drawn = panel(six_app, loaded(six_app, panel=in_front, **entry, **more)[0])
    (table,) = (part.data for part in parts(drawn, dcc.Store) if part.id["type"] == "long-table-rows")
    shown = [[cell_text(row[at]) for at in columns] for row in table["rows"]]
    link = next(part.href for part in parts(drawn, html.A) if part.href.endswith("&format=csv"))
    answer = six_app.test_client().get(link.removesuffix("&format=csv"))
    assert answer.status_code == 200, answer.text
    assert shown == [expected(row) for row in answer.json["rows"]] and shown


@pytest.mark.parametrize(("side", "name"), [("row", "P"), ("column", "I")])
def test_half_an_entry_of_the_matrix_is_left_out_and_said(six_app: flask.Flask, side: str, name: str) -> None:
    """The API once refused a row without a column, of which the page silently showed the whole."""
    sentence = f"An entry of the matrix has a row and a column; the {side} '{name}' alone was left out."
    (href, notes), (whole, without) = (loaded(six_app, panel="motifs", **half) for half in ({side: name}, {}))
    assert sentence in notes and "alone" not in without
    assert repr(panel(six_app, href)) == repr(panel(six_app, whole))
    query = {"pre": "nuclei:", "proofread": "off", "pre_by": ALL["pre_by"], "post_by": ALL["post_by"]}
    address = f"/api/v1/{SIX}/latest/populations/edges"
    half, every = (six_app.test_client().get(address, query_string=query | entry).json for entry in ({side: name}, {}))
    assert half["messages"][0] == sentence and sentence not in every["messages"]
    assert half["rows"] == every["rows"] and half["total"] == 9 and side not in half


def test_ids_are_found_in_what_stands_beside_a_table_too(six_app: flask.Flask) -> None:
    """The API once opened the table alone, and knew no `join`."""
    text, address = f"{P1}, {I1}, {X}, 99", TableAddress(SIX, "1", "types", join=("proofread",))
    with six_app.test_request_context():
        drawn = table_panels.find_ids(1, text, "auto", address.href(), None, [])
    path, client = f"/api/v1/{SIX}/latest/tables/types", six_app.test_client()
    answer = client.post(f"{path}/ids", json={"ids": text, "join": "proofread"}).json
    assert (answer["total"], answer["counts"]["found"]) == (2, 2)
    assert all(repr(message)[1:-1] in repr(drawn) for message in answer["messages"]) and answer["messages"]
    (shown,) = (views.table_address({"of": part.href}) for part in parts(drawn, html.A))
    assert (shown.where, shown.join) == (answer["filter"], ("proofread",))
    rows = client.get(f"{path}/rows", query_string={"filter": shown.where, "join": "proofread"}).json
    assert {int(row["pt_root_id"]) for row in rows["rows"]} == {P1, I1}
    assert any(name.startswith("proofread.") for name in rows["rows"][0])
    for body, words in (({"join": "nowhere"}, "nowhere"), ({"join": "proofread", "on": "size"}, "size")):
        refused = client.post(f"{path}/ids", json={"ids": text, **body})
        assert refused.status_code in (400, 404) and words in refused.json["error"]["message"]


@pytest.fixture(scope="module")
def compared(cave: Cave) -> tuple[CellAddress, int]:
    """A proofread cell beside another version, with the larger half of all synapses, and how many inputs these are."""
    newest, older = (version.number for version in cave.versions(DEMO)[:2])
    release = Release.of(cave, DEMO, newest)
    somata = release.table("nucleus_detection_v0").drop_duplicates("pt_root_id", keep=False)["pt_root_id"]
    proofread = release.table("proofreading_status_and_strategy")["pt_root_id"]
    root = int(proofread[proofread.isin(somata)].iloc[0])
    inputs = release.query("synapses_pni_2", Filters(equal={"post_pt_root_id": root}))
    least = int(inputs["size"].median())
    kept = inputs[(inputs["size"] > least) & ~inputs["pre_pt_root_id"].isin([0, root])]
    assert 0 < len(kept) < len(inputs)
    return CellAddress(DEMO, str(newest), str(root), against=str(older), synapses=f"size > {least}"), len(kept)


def test_the_file_of_changes_counts_the_synapses_that_the_page_counts(
    demo_app: flask.Flask, compared: tuple[CellAddress, int]
) -> None:
    """The link to the file once lost the filter of synapses."""
    address, num_inputs = compared
    with demo_app.test_request_context():
        drawn = cell_panels.compare(address.href())
    for way in ("in", "out"):
        link = next(part.href for part in parts(drawn, html.A) if f"direction={way}" in part.href)
        answer = demo_app.test_client().get(link.removesuffix("&format=csv")).json
        assert answer["changes"][0] in repr(drawn)
        assert f"All {answer['total']:,} partners: " in repr(drawn)
        if way == "in":
            assert sum(row["num_syn_new"] for row in answer["rows"]) == num_inputs


def test_the_file_of_an_arbor_counts_the_synapses_that_the_page_counts(
    demo_app: flask.Flask, compared: tuple[CellAddress, int]
) -> None:
    """The route once knew no filter of synapses, and so counted others than the page."""
    address, _ = compared
    with demo_app.test_request_context():
        drawn = cell_panels.skeleton(None, address.href())
    shown = [[cell.children for cell in row.children] for row in parts(drawn, html.Tr)][1:]
    link = next(part.href for part in parts(drawn, html.A) if "/arbor?format=csv" in part.href)
    ways = [demo_app.test_client().get(href).json["rows"] for href in (link.replace("csv", "json"), link.split("?")[0])]
    listed, every = (
        [
            [row["compartment"], f"{row['cable_um']:,.0f}", f"{row['in_per_um']:.3f}", f"{row['out_per_um']:.3f}"]
            for row in rows
            if row["cable_um"]
        ]
        for rows in ways
    )
    assert shown == listed != every


def links_of(app: flask.Flask, cells: str, group: str = "") -> tuple[Any, Any]:
    """What the page and the route make of the outputs of cells: the state and the legend."""
    address = CellAddress(SIX, "1", cells, type_table="types", group_by=group)
    shown = {"of": address.href(), "filterModel": {}, "sortModel": []}
    with app.test_request_context():
        page = CellView.of(cave_of(), views.partner_address(shown)).link("out")[0]
    body = {"cell": cells, "types": "types", "direction": "out"} | ({"group_by": group} if group else {})
    answer = app.test_client().post(f"/api/v1/{SIX}/1/neuroglancer", json=body).json
    return (page.state, dict(page.legend)), (answer["state"], answer["legend"])


def test_a_link_of_several_cells_is_that_of_the_page(six_app: flask.Flask) -> None:
    """The API once refused it."""
    of_page, of_route = links_of(six_app, f"{P1},{P2}")
    assert of_page == of_route
    segments = next(layer["segments"] for layer in of_route[0]["layers"] if layer["type"] == "segmentation")
    assert segments[:2] == [str(P1), str(P2)]


@pytest.mark.parametrize("group", ["", "strategy_dendrite"])
def test_a_link_is_that_of_the_page_by_whatever_column_partners_have(six_app: flask.Flask, group: str) -> None:
    """The API once grouped a link by columns of the type table alone."""
    of_page, of_route = links_of(six_app, str(P1), group)
    assert of_page == of_route
    layers = {layer["name"]: len(layer.get("annotations", ())) for layer in of_route[0]["layers"]}
    counts = {name: count for name, count in layers.items() if name.startswith("output")}
    # I1 alone has a proofread dendrite, and one synapse of P1
    expected = {"outputs: none": 4, "outputs: dendrite_extended": 1} if group else {"output synapses": 5}
    assert counts == expected


def test_a_misread_filter_of_several_cells_is_told_by_both(six_app: flask.Flask) -> None:
    """The API once told it of one cell alone."""
    line, cells = "root_id = 864691136000000000", f"{P1},{P2}"
    shown = {"of": CellAddress(SIX, "1", cells, where=line, tab="out").href(), "filterModel": {}, "sortModel": []}
    with six_app.test_request_context():
        counts = partner_grids.summarise(shown, {"side": "out"})[0]
    query = {"direction": "out", "filter": line}
    answer = six_app.test_client().get(f"/api/v1/{SIX}/1/cells/{cells}/partners", query_string=query).json
    (note,) = (note for note in answer["notes"] if "looks rounded" in note)
    assert answer["rows"] == [] and note in repr(counts)
