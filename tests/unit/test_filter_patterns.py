"""A pattern that finds nothing because of its brackets says so."""

import pandas as pd
import pytest

from services.core.columns import describe_columns
from services.filters.filters import parse_line
from services.filters.patterns import misread

FRAME = pd.DataFrame(
    {"cell_type": pd.array(["L2/3 (IT)", "L5 [ET]", "a+b", "BC", None, "L2/3 (IT)", "C:\\x"], dtype="string")}
)
COLUMNS = describe_columns(FRAME)


def said(line):
    return misread(parse_line(line, COLUMNS), FRAME)


@pytest.mark.parametrize(
    ("pattern", "rows", "instead"),
    [
        ("L2/3 (IT)", 2, r"L2/3 \(IT\)"),
        ("^L2/3 (IT)$", 2, r"^L2/3 \(IT\)$"),
        ("L5 [ET]$", 1, r"L5 \[ET\]$"),
        ("a+b", 1, r"a\+b"),
    ],
)
@pytest.mark.parametrize("line", ["cell_type ~ '{}'", "cell_type !~ '{}'", "not (cell_type = BC or cell_type ~ '{}')"])
def test_a_pattern_that_finds_nothing_because_of_its_brackets_says_so(pattern, rows, instead, line):
    (sentence,) = said(line.format(pattern))
    assert pattern in sentence
    assert f"{rows} row" in sentence
    assert sentence.partition(": cell_type ~ ")[2].strip('"').replace("\\\\", "\\") == instead
    assert parse_line(sentence[sentence.index("cell_type ~") :], COLUMNS).mask(FRAME).sum() == rows


@pytest.mark.parametrize("pattern", ["(IT)", "[EB]", "^L5", "nowhere", "no (where)", r"L2/3 \(IT\)", "(BC|MC)", "BC"])
def test_other_patterns_say_nothing(pattern):
    assert said(f"cell_type ~ '{pattern}'") == ()
