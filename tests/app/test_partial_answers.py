"""What a version cannot answer is said, and all else of the cell is shown; on a datastack without proofreading."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import plotly
import pytest

from app import create_app
from callbacks import cell_panels, views
from callbacks.connectivity_viewer import load
from components.partner_panel import partners_path
from services.cave.client import Cave
from services.cave.context import cave
from services.cave.release import Release
from services.cells import connectivity
from services.core.errors import BadInput, NotFound
from services.core.settings import Settings
from services.views.addresses import CellAddress, parse_connectivity
from services.views.cell_view import CellView
from tests import tiny
from tests.servers import start_localcave

DS, NEWEST = tiny.DATASTACK, tiny.NEWEST
VIEW = CellAddress(DS, str(NEWEST), str(tiny.A), tab="in", type_table="types")


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    with start_localcave([tiny.make(tmp_path_factory.mktemp("tiny") / DS)]) as url:
        yield url


@pytest.fixture(scope="module")
def page(url) -> Callable[[CellAddress], tuple[str, str, str, CellAddress]]:
    """Results, status, notes and address of a page, the first three as JSON."""
    server = create_app(Settings(server_address=url, cache="", datastack=DS)).server

    def opened(view):
        with server.test_request_context():
            *message, href = load(views.query_of(view.href()), None)
        texts = [json.dumps(part, cls=plotly.utils.PlotlyJSONEncoder, ensure_ascii=False) for part in message]
        return (*texts, parse_connectivity(views.query_of(href))[0])

    opened.server = server  # type: ignore[attr-defined]
    return opened


def titles(results: str) -> set[str]:
    return set(re.findall(r'"headerName": "([^"]*)"', results))


@pytest.mark.parametrize(("table", "words"), [("no_such_table", "no_such_table"), ("totals", "no root ids")])
def test_a_type_table_that_says_nothing_leaves_the_cell_on_the_page(page: Any, table: str, words: str) -> None:
    with_types = page(VIEW)
    results, status, notes, view = page(replace(VIEW, type_table=table))
    assert f"Cell {tiny.A}" in status and words in notes
    assert view.type_table == table, "the table stays in the address"
    assert titles(with_types[0]) - titles(results) == {"cell type", "classification system"}
    assert "3 synapses" in results and "2 partners" in results
    assert "no cell types" in status and "without their types" in notes


def test_a_table_of_another_version_is_named_and_kept(page: Any) -> None:
    _, status, notes, view = page(replace(VIEW, version=str(tiny.FIRST), cell="2", type_table="empty"))
    assert str(tiny.B) in status and "no table empty at version 2" in notes
    assert view.type_table == "empty"


def test_proofread_partners_cannot_be_told_apart_without_a_table(page: Any) -> None:
    results, status, notes, view = page(replace(VIEW, proofread="on"))
    assert f"Cell {tiny.A}" in status and "no proofreading table" in notes
    assert view.proofread == "on", "the switch stays in the address"
    assert results.count("2 partners") == page(VIEW)[0].count("2 partners") > 0


def test_a_threshold_that_is_none_leaves_nobody_out(page: Any) -> None:
    results, _, notes, view = page(replace(VIEW, at_least="many"))
    assert "'many' is not a number of synapses" in notes
    assert view.at_least == "many" and '"value": "many"' in results
    assert results.count("2 partners") == page(VIEW)[0].count("2 partners")


@pytest.mark.parametrize("tab", ["in", "both"])
@pytest.mark.parametrize("cell", [str(tiny.A), f"{tiny.A}, {tiny.C}"])
@pytest.mark.parametrize(
    ("partner", "title"),
    [
        ("nobody", "No synapses with nobody"),
        ("12", "No synapses with 12"),
        ("autapses", "1 autapse"),
        ("root_zero", "1 input synapse with what lies in no segment"),
    ],
)
def test_a_list_of_synapses_with_anybody(page: Any, cell: str, partner: str, title: str, tab: str) -> None:
    listed = page(replace(VIEW, cell=cell, partner=partner, tab=tab))[0].split('"k-listed"')[0]
    assert f'"children": "{title}"' in listed
    path = re.search(r'"href": "(/api/[^"]*partner[^"]*format=csv)"', listed)
    if title.startswith("No"):
        assert not path or "partner=" not in path[1]
    else:
        rows = page.server.test_client().get(path[1].replace("csv", "json")).get_json()["rows"]
        assert [(row["id"], row["root_id"]) for row in rows] == [
            ("1004", str(tiny.A)) if partner == "autapses" else ("1005", "0")
        ]


def test_several_cells_without_types_say_so_once(page: Any) -> None:
    _, status, notes, _ = page(replace(VIEW, cell=f"{tiny.A}, {tiny.B}", type_table="no_such_table"))
    assert "2 cells" in status
    assert notes.count("no_such_table") == 1


def test_files_are_of_what_is_shown(page: Any) -> None:
    view = replace(VIEW, proofread="on", type_table="no_such_table", at_least="many")
    with page.server.test_request_context():
        requested, message = CellView.of(cave(), view).answerable
        frame = CellView.of(cave(), view).table("in").frame
    assert len(message) == 2
    path = partners_path(requested, str(tiny.A), "in")
    rows = page.server.test_client().get(path).get_json()["rows"]
    assert [row["root_id"] for row in rows] == [str(root) for root in frame["root_id"]]


def test_changes_go_without_a_table_that_says_nothing(page: Any) -> None:
    view = replace(VIEW, type_table="totals", against=str(tiny.FIRST))
    with page.server.test_request_context():
        message = json.dumps(cell_panels.compare(view.href()), cls=plotly.utils.PlotlyJSONEncoder)
    assert "From version 2 to 3" in message


def test_services_are_strict_unless_they_are_told_not_to_be(url: str) -> None:
    cave = Cave(Settings(server_address=url, cache="", datastack=DS))
    for table, error in (("no_such_table", NotFound), ("totals", BadInput)):
        with pytest.raises(error):
            connectivity.read(Release.of(cave, DS, NEWEST), tiny.A, type_table=table)
        connections = connectivity.read(Release.of(cave, DS, NEWEST), tiny.A, type_table=table, lenient=True)
        without = connectivity.read(Release.of(cave, DS, NEWEST), tiny.A)
        assert connections.type_table is None
        assert connections.inputs.equals(without.inputs) and connections.totals == without.totals
        assert [message for message in connections.warnings if message not in without.warnings] == [
            connections.warnings[0]
        ]
