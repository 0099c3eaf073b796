"""Groups of a column's values and their colours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.colours import BLANK
from services.tables.groups import BLANK_LABEL, RAMP, Groups, of_values

PALETTE = {"23P": "#8268dc", "BC": "#d68c66"}
numbers = st.lists(st.none() | st.floats(-1e9, 1e9) | st.integers(-5, 5).map(float), min_size=1, max_size=60)


def column(values: Sequence[float | None]) -> pd.Series:
    return pd.Series(pd.array(values, "Float64"))


def test_text_has_the_colours_of_the_palette_and_blanks_are_grey() -> None:
    values = pd.Series(pd.array(["BC", None, "x", "23P"], "string"))
    groups = of_values("cell_type", values, PALETTE)
    assert groups.colours == {**PALETTE, BLANK_LABEL: BLANK, "x": groups.colours["x"]}
    assert groups.labels(values).tolist() == ["BC", BLANK_LABEL, "x", "23P"]


def test_a_few_numbers_are_their_own_groups_from_low_to_high() -> None:
    groups = of_values("num_soma", pd.Series([2, 0, 1, 0]), {})
    assert list(groups.colours) == ["0", "1", "2", BLANK_LABEL]
    assert list(groups.colours.values()) == [RAMP[0], RAMP[3], RAMP[-1], BLANK]


def test_many_numbers_are_ranges() -> None:
    values = column([*map(float, range(1, 1001)), None])
    groups = of_values("volume", values, {})
    assert len(groups.edges) == len(RAMP) + 1
    assert list(groups.colours)[:2] == ["1 to 144", "144 to 286"]
    labels = groups.labels(values)
    assert (labels.iloc[142], labels.iloc[143], labels.iloc[-1]) == ("1 to 144", "144 to 286", BLANK_LABEL)
    assert labels.value_counts()[: len(RAMP)].between(140, 146).all()


def test_ids_and_booleans_are_names_not_numbers() -> None:
    roots = pd.Series(pd.array([864691135000000101 + i for i in range(9)], "Int64"), name="pt_root_id")
    assert set(of_values("pt_root_id", roots, {}).colours) == {*map(str, roots), BLANK_LABEL}
    assert not of_values("valid", pd.Series(pd.array([True, False] * 9, "boolean")), {}).edges


@given(numbers)
def test_every_value_has_one_colour_whatever_is_shown_of_it(values: list[float | None]) -> None:
    whole = column(values)
    groups = of_values("volume", whole, {})
    labels = groups.labels(whole)
    assert set(labels) <= set(groups.colours)
    assert (labels == BLANK_LABEL).tolist() == whole.isna().tolist()
    for start in range(0, len(values), 7):
        assert groups.labels(whole.iloc[start : start + 7]).tolist() == labels.iloc[start : start + 7].tolist()


@given(numbers)
def test_a_range_holds_its_values(values: list[float | None]) -> None:
    groups = of_values("volume", column(values), {})
    if groups.edges:
        assert list(groups.edges) == sorted(set(groups.edges))
        known = [value for value in values if value is not None]
        assert (groups.edges[0], groups.edges[-1]) == (min(known), max(known))


def test_values_that_the_version_did_not_have_are_in_the_outer_ranges() -> None:
    groups = Groups("volume", {}, (0.0, 10.0, 20.0))
    assert groups.labels(column([-5, 10, 99, np.nan])).tolist() == ["0 to 10", "10 to 20", "10 to 20", BLANK_LABEL]


@pytest.mark.parametrize("values", [[], [None], [None, None]])
def test_a_column_without_values_has_no_colours_but_grey(values: list[None]) -> None:
    assert set(of_values("volume", column(values), {}).colours.values()) == {BLANK}
