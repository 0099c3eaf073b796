"""The plots, values and comparisons of a table with annotations in several systems are of one system at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import flask
import pandas as pd
import pytest

from api import blueprint
from callbacks import table_drawings, table_panels
from services.cave.client import Cave
from services.core.settings import Settings
from services.views.addresses import TableAddress, parse_table
from services.views.table_opening import held, open_view
from services.views.table_view import HeldView
from tests.app.siblings import FLY, ask
from tests.app.test_figure_scripts import run

TABLE, SYSTEM = "hierarchical_neuron_annotations", "classification_system"


@pytest.fixture
def fly_cave(siblings_url: str) -> Cave:
    return Cave(Settings(server_address=siblings_url, cache=""))


@pytest.fixture
def rows(fly: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The rows of the table as pandas reads them."""
    frame = fly[TABLE]
    return frame[frame["valid"]]


def view(cave: Cave, **parts: object) -> HeldView:
    return held(open_view(cave, TableAddress(FLY[0], str(FLY[1]), TABLE, **parts)))


def bars(shown: HeldView) -> dict[str, int]:
    """What the plot counts, as it is drawn."""
    plot = table_drawings.counts(shown.plotted)
    assert plot
    trace = plot.figure.result["data"][0]
    return dict(zip(trace["y"], trace["x"], strict=True))


def counted(rows: pd.DataFrame, system: str, column: str = "cell_type") -> dict[str, int]:
    return {str(word): count for word, count in rows.loc[rows[SYSTEM] == system, column].value_counts().items()}


def test_bars_count_one_system(fly_cave: Cave, rows: pd.DataFrame) -> None:
    """They counted the words of all systems together."""
    assert bars(view(fly_cave)) == counted(rows, "cell_type")
    assert bars(view(fly_cave, boxes={SYSTEM: "side"})) == counted(rows, "side")
    two = view(fly_cave, boxes={SYSTEM: "in (flow, side)"})
    first = rows.loc[rows[SYSTEM].isin(["flow", "side"]), SYSTEM].value_counts().index[0]
    assert bars(two) == counted(rows, first)
    assert bars(view(fly_cave, where=f'not {SYSTEM} = "cell_type"', group_by="cell_type")) in [
        counted(rows, one) for one in rows[SYSTEM].unique() if one != "cell_type"
    ]


def test_bars_of_the_systems_count_all_rows(fly_cave: Cave, rows: pd.DataFrame) -> None:
    shown = view(fly_cave, group_by=SYSTEM)
    assert bars(shown) == rows[SYSTEM].value_counts().to_dict()
    assert shown.plotted is shown


def test_the_script_of_the_bars_counts_the_same(fly_cave: Cave, rows: pd.DataFrame) -> None:
    one = view(fly_cave).plotted
    read = run("\n".join(one.readings({"rows", "table"})))
    assert read["rows"]["cell_type"].value_counts().to_dict() == counted(rows, "cell_type")


@pytest.fixture
def on_page(fly_cave: Cave) -> Iterator[Cave]:
    app = flask.Flask("systems")
    app.extensions["karst"] = fly_cave
    with app.test_request_context():
        yield fly_cave


@pytest.mark.parametrize("name", ["facets", "plot", "compare"])
def test_a_panel_says_of_which_system_it_is_and_leads_to_the_others(
    on_page: Cave, rows: pd.DataFrame, name: str
) -> None:
    state = {"of": TableAddress(FLY[0], str(FLY[1]), TABLE).href(), "filterModel": {}, "sortModel": []}
    draw = {
        "facets": lambda: table_panels.count_facets(state, []),
        "plot": lambda: table_panels.draw(state, [], None),
        "compare": lambda: table_panels.compare(
            state | {"of": TableAddress(FLY[0], str(FLY[1]), TABLE, left="cell_type", right="valid").href()},
            [],
        ),
    }[name]
    panel = draw()
    assert not [part for part in panel.children if isinstance(part, list)], "which a browser draws nothing of"
    drawn = str(panel)
    own = (rows[SYSTEM] == "cell_type").sum()
    assert f"Only the {own:,} of {len(rows):,} rows of classification system cell_type. Others: " in drawn
    for system in set(rows[SYSTEM]) - {"cell_type"}:
        matches = re.search(rf"A\(children='{system}', href='([^']*)'\)", drawn)
        assert matches, system
        there = parse_table(parse_qs(urlsplit(matches[1]).query))[0]
        assert bars(held(open_view(on_page, there))) == counted(rows, system)


def test_values_are_of_one_system_and_a_click_on_another_changes_it(on_page: Cave, rows: pd.DataFrame) -> None:
    drawn = table_panels.counted_values(view(on_page))
    sections = {str(part.children[0].title): part for part in drawn if "k-facets" in str(part.className)}

    def values(name: str) -> dict[str, tuple[int, str, bool]]:
        """Of each value how many rows it says, where it leads and whether it is marked."""
        matches = [
            part for part in sections[name]._traverse() if "k-facet" in str(getattr(part, "className", "")).split()
        ]
        return {
            one.children[0]: (
                int(one.children[1].children.replace(",", "")),
                one.href,
                "current" in str(one.to_plotly_json()["props"]),
            )
            for one in matches
        }

    assert {word: number for word, (number, *_) in values(SYSTEM).items()} == rows[SYSTEM].value_counts().to_dict()
    assert not any(chosen for *_, chosen in values(SYSTEM).values())
    assert {word: number for word, (number, *_) in values("cell_type").items() if number} == counted(rows, "cell_type")
    there = parse_table(parse_qs(urlsplit(values(SYSTEM)["flow"][1]).query))[0]
    assert there.boxes == {SYSTEM: "= flow"}
    word, (number, href, _) = next(iter(values("cell_type").items()))
    there = parse_table(parse_qs(urlsplit(href).query))[0]
    assert there.boxes == {SYSTEM: '= "cell_type"', "cell_type": f"= {word}"}
    assert held(open_view(on_page, there)).counted()[0] == number


def test_classes_of_cells_are_no_systems(cave: Cave) -> None:
    """A table that says of each cell what class it is has all of its rows in its plot."""
    shown = held(open_view(cave, TableAddress("karst_demo", "latest", "aibs_metamodel_celltypes_v661")))
    assert shown.table.frame[SYSTEM].nunique() > 1
    assert shown.plotted is shown


def test_the_api_counts_one_system_as_the_page_does(on_page: Cave, rows: pd.DataFrame) -> None:
    """It counted the words of all systems together."""
    flask.current_app.register_blueprint(blueprint)
    client = flask.current_app.test_client()
    own = rows[rows[SYSTEM] == "cell_type"]
    note = f"Only the {len(own):,} of {len(rows):,} rows of classification system cell_type."
    answer = ask(client, FLY, f"tables/{TABLE}/facets")
    values = {
        facet["column"]: {one["value"]: one["count"] for one in facet["values"] if one["count"]}
        for facet in answer["facets"]
    }
    assert values["cell_type"].items() <= counted(rows, "cell_type").items()
    assert values[SYSTEM] == rows[SYSTEM].value_counts().to_dict()
    assert note in answer["messages"]
    crossed = ask(client, FLY, f"tables/{TABLE}/crosstab", left="cell_type", right="valid")
    assert crossed["both"] == len(own)
    assert note in crossed["messages"]
