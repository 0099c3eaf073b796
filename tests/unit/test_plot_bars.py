"""Bars of a plot hold the rows that they say, and lead to exactly these."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.figures.scatter import histogram, is_small_part
from components.table_plots import comparable
from services.core.columns import default_group, find_column, groupable
from services.tables import plots
from services.tables.groups import BLANK_LABEL, RAMP, of_values
from services.tables.tables import TableQuery, select
from tests.figures import drawn
from tests.unit.test_facets import queries, rows, table_of

COLUMNS = ("cell_type", "valid", "session", "volume", "ratio")


def groups_of(table, name):
    return of_values(name, table.frame[name], {"BC": "#123456"})


def many(count):
    return table_of([(at, "BC" if at % 3 else "MC", True, at % 5, at * 1.5, at / 7) for at in range(count)])


@given(rows, queries, st.sampled_from(COLUMNS))
def test_a_bar_of_a_count_leads_to_exactly_its_rows(rows, query, name):
    rows = [(*row[:-1], row[-1] if np.isfinite(row[-1]) else float("nan")) for row in rows]
    table = table_of(rows)
    groups = groups_of(table, name)
    query = replace(query, boxes={key: text for key, text in query.boxes.items() if key != name})
    counts, clicked = plots.counts(table, query, groups), plots.boxes(table, query, groups)
    assert counts["count"].sum() == len(select(table, query))
    for value, count in zip(counts["value"], counts["count"], strict=True):
        box = clicked(None if pd.isna(value) else value)
        kept = replace(query, boxes={**query.boxes, name: box})
        assert len(select(table, kept)) == count
        assert plots.boxes(table, kept, groups)(None if pd.isna(value) else value) == ""  # a second click takes it back


def test_a_column_of_many_numbers_is_counted_in_ranges_from_low_to_high():
    table = many(1000)
    groups = groups_of(table, "volume")
    counts = plots.counts(table, TableQuery("volume < 700"), groups)
    edges = [*groups.edges[:-1], np.inf]
    own = [value for value in 1.5 * np.arange(1000) if value < 700]
    expected = [sum(low <= value < high for value in own) for low, high in itertools.pairwise(edges)]
    assert counts["count"].tolist() == [count for count in expected if count]
    assert counts["value"].tolist() == list(groups.colours)[: len(counts)]


def test_whole_numbers_with_few_values_are_names_that_can_be_told_apart():
    sessions = pd.Series(pd.array([*range(1, 15), 3, None], "Int64"))
    groups = of_values("session", sessions, {})
    assert list(groups.colours) == [*map(str, range(1, 15)), BLANK_LABEL]
    assert len(set(groups.colours.values())) == 15
    assert groups.names(sessions).fillna("blank").tolist() == [*map(str, [*range(1, 15), 3]), "blank"]
    assert of_values("session", pd.Series(range(21)), {}).edges


@given(rows, queries, st.sampled_from(["session", "volume", "ratio"]), st.sampled_from([None, *COLUMNS]))
def test_a_histogram_stacks_the_rows_that_are_shown(rows, query, name, by):
    table = table_of(rows)
    groups = groups_of(table, by) if by else None
    bars = plots.histogram(table, query, find_column(table.columns, name), groups, bars=7)
    shown = select(table, query)
    numbers = pd.to_numeric(shown[name]).to_numpy(dtype=float, na_value=np.nan)
    labels = groups.names(shown[by]).fillna("-").tolist() if groups else ["-"] * len(shown)
    ends = [*bars.edges[1:-1], np.inf]
    for label, counts in zip(bars.counts.index.fillna("-"), bars.counts.to_numpy(), strict=True):
        own = [number for number, one in zip(numbers, labels, strict=True) if one == label and np.isfinite(number)]
        expected = [sum(low <= number < end for number in own) for low, end in zip(bars.edges, ends, strict=False)]
        assert counts.tolist() == expected
    assert bars.blank == (~np.isfinite(numbers)).sum()
    for total, box in zip(bars.totals, bars.boxes, strict=True):
        assert not total or len(select(table, TableQuery(boxes={name: box}))) == total
    if bars.counts.to_numpy().sum():
        drawn(histogram(bars, groups.colours if groups else {}, "none" if groups else ""))


def test_few_rows_have_a_scale_of_their_own_and_a_legend_tells_them_from_the_whole():
    table = many(3000)
    volume = find_column(table.columns, "volume")
    groups = groups_of(table, "cell_type")
    few = plots.histogram(table, TableQuery("id < 5"), volume, groups)
    figure = drawn(histogram(few, groups.colours, "no cell type"))
    assert is_small_part(few)
    assert [trace.name for trace in figure.data] == ["BC", "MC", "in the whole table"]
    assert len({trace.marker.color for trace in figure.data}) == 3
    assert figure.layout.yaxis.range[1] < 6 and figure.layout.yaxis2.range[1] > max(few.totals)
    half = plots.histogram(table, TableQuery("id < 1500"), volume, groups)
    figure = drawn(histogram(half, groups.colours, "no cell type"))
    assert figure.layout.yaxis.range == figure.layout.yaxis2.range
    everything = plots.histogram(table, TableQuery(), volume, groups)
    assert len(drawn(histogram(everything, groups.colours, "no cell type")).data) == 2


def test_dots_coloured_by_a_number_have_the_ranges_of_the_whole_table():
    table = many(1000)
    x, y = find_column(table.columns, "ratio"), find_column(table.columns, "session")
    groups = groups_of(table, "volume")
    values = plots.scatter(table, TableQuery("volume > 1200"), x, y, groups)["value"]
    assert set(values) <= set(groups.colours) and set(values.map(groups.colours)) <= set(RAMP[-2:])


def test_rows_are_grouped_by_all_but_ids_places_and_times():
    table = table_of([(1, "BC", True, 1, 1.0, 0.5)])
    assert [column.name for column in groupable(table.columns)] == [*COLUMNS]
    assert [column.name for column in comparable(table)] == ["cell_type", "valid"]
    assert default_group(table.columns) == "cell_type"


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [("", "", ("volume", "ratio")), ("ratio", "", ("ratio", "volume")), ("", "volume", ("session", "volume"))],
)
def test_a_scatter_has_two_different_numbers_where_there_are(x, y, expected):
    assert tuple(column.name for column in plots.axes(many(5), x, y) or ()) == expected
