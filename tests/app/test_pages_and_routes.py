"""A page and its route are asked the same, and answer the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import flask
import pytest
from dash import dcc, html
from dash.development.base_component import Component

from app import create_app
from callbacks import population_panels, populations
from services.core.settings import Settings
from tests import six_cells
from tests.six_cells import I1, P1, P2

SIX = six_cells.DATASTACK
ALL = {"pre_table": "nuclei", "proofread": "off", "pre_by": "types.cell_type", "post_by": "types.cell_type"}
Row: TypeAlias = dict[str, Any]


@pytest.fixture(scope="module")
def six_app(six_url: str) -> flask.Flask:
    return create_app(Settings(server_address=six_url, cache="", datastack=SIX)).server


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
    "like one": ({"cell": str(P1)}, (0, 2), lambda row: [row["root_id"], f"{row['similarity']:.3f}"]),
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
    in_front = {"like one": "alike", "partners": "alike"}.get(name, name)
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
    half, every = (six_app.test_client().get(address, query_string=query | one).json for one in ({side: name}, {}))
    assert half["messages"][0] == sentence and sentence not in every["messages"]
    assert half["rows"] == every["rows"] and half["total"] == 9 and side not in half
