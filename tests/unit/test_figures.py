"""Bars show what the frame says."""

from __future__ import annotations

import pandas as pd

from components.figures.counts import MOST_BARS, NEUTRAL, count_bars
from services.core.type_columns import type_column
from tests.figures import drawn

PARTNERS = pd.DataFrame(
    {
        "root_id": [1, 2, 3, 4],
        "num_syn": [5, 2, 1, 1],
        "cell_type": pd.array(["BC", None, "BC", "MC"], dtype="string"),
    }
)


def test_the_type_column_is_found_or_not() -> None:
    assert type_column(PARTNERS) == "cell_type"
    assert type_column(PARTNERS.rename(columns={"cell_type": "tag"})) == "tag"
    assert type_column(PARTNERS[["root_id", "num_syn"]]) is None


def test_bars_name_blank_values_and_keep_their_colours() -> None:
    counts = pd.DataFrame({"value": pd.array(["BC", None, "MC"], dtype="string"), "count": [6, 2, 1]})
    figure = drawn(count_bars(counts, {"BC": "#111111"}, counted="synapses"))
    bar = figure.data[0]
    assert list(bar.y) == ["BC", "no type", "MC"]
    assert list(bar.x) == [6, 2, 1]
    assert list(bar.marker.color) == ["#111111", NEUTRAL, NEUTRAL]
    assert figure.layout.template.layout.paper_bgcolor == "rgba(0,0,0,0)"


def test_a_single_bar_leaves_room_for_the_numbers_below_it() -> None:
    layout = drawn(count_bars(pd.DataFrame({"value": ["BC"], "count": [3345]}), {}, counted="rows")).layout
    assert layout.height - layout.minreducedheight >= 40


def test_too_many_values_are_summed_up_in_the_last_bar() -> None:
    counts = pd.DataFrame({"value": [f"t{i}" for i in range(100)], "count": range(100, 0, -1)})
    bar = drawn(count_bars(counts, {}, counted="rows")).data[0]
    assert len(bar.y) == MOST_BARS
    assert bar.y[-1] == "61 other values"
    assert sum(bar.x) == sum(range(1, 101))


def test_no_rows_make_an_empty_figure() -> None:
    empty = pd.DataFrame({"value": pd.array([], dtype="string"), "count": pd.array([], dtype="int64")})
    assert list(drawn(count_bars(empty, {}, counted="rows")).data[0].x) == []
