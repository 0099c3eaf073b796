"""What a filter finds nothing by is said: brackets in patterns, ids that a spreadsheet has rounded."""

import pandas as pd
import pytest

from services.core.columns import describe_columns
from services.core.errors import BadInput
from services.filters.filters import parse_box, parse_line
from services.filters.misread import misread

FRAME = pd.DataFrame(
    {"cell_type": pd.array(["L2/3 (IT)", "L5 [ET]", "a+b", "BC", None, "L2/3 (IT)", "C:\\x"], dtype="string")}
)
COLUMNS = describe_columns(FRAME)


def messages(line):
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
    (sentence,) = messages(line.format(pattern))
    assert pattern in sentence
    assert f"{rows} row" in sentence
    assert sentence.partition(": cell_type ~ ")[2].strip('"').replace("\\\\", "\\") == instead
    assert parse_line(sentence[sentence.index("cell_type ~") :], COLUMNS).mask(FRAME).sum() == rows


@pytest.mark.parametrize("pattern", ["(IT)", "[EB]", "^L5", "nowhere", "no (where)", r"L2/3 \(IT\)", "(BC|MC)", "BC"])
def test_other_patterns_say_nothing(pattern):
    assert messages(f"cell_type ~ '{pattern}'") == ()


@pytest.mark.parametrize(
    ("line", "rows"),
    [
        ("note = 'L2/3 [a]' and note ~ 'L2/3 [a]'", 2),
        ("note ~ 'L2/3 [a]' and number 1..2", 1),
        ("number < 9 and (note = BC or (number > 0 and note ~ 'L2/3 [a]'))", 1),
        ("not note = 'L2/3 a' and note !~ 'L2/3 [a]'", 2),
        ("note ~ 'L2/3 [a]'", 0),
        ("number > 0 or note ~ 'L2/3 [a]'", 0),
        ("note = BC and note ~ 'L2/3 [a]'", 0),
        ("number = 3 and note ~ 'L2/3 [a]'", 0),
    ],
)
def test_a_pattern_is_misread_too_where_only_other_conditions_leave_what_it_finds(line, rows):
    notes = pd.array(["L2/3 [a]", "BC", "L2/3 [a]", "L2/3 a"], dtype="string")
    frame = pd.DataFrame({"note": notes, "number": pd.array([0, 1, 2, 3], dtype="Int64")})
    if "number > 0 and" in line:
        frame.loc[3, "number"] = 9
    sentences = misread(parse_line(line, describe_columns(frame)), frame)
    assert [f"{rows} row" in one and "all else" in one for one in sentences] == [True] * bool(rows)


@pytest.mark.parametrize(
    ("line", "rows", "kept"),
    [
        ("= putative", 2, [0, 2, 3]),
        ("!= putative", 2, [1, 4, 5, 6]),
        ("in ('ME (a)', BC)", 3, [1, 2, 3, 4]),
        ("not in (BC, putative)", 3, [5, 6]),
        ("= several", 0, []),
        ("in (putative, several)", 0, []),
        ("= nowhere", 0, []),
        ("= 'several: BC | putative'", 0, []),
        ("= put", 0, []),
    ],
)
def test_a_text_among_several_values_is_told_with_the_pattern_that_looks_there(line, rows, kept):
    texts = [
        "putative",
        "BC",
        "several: BC | putative",
        "several: ME (a) | putative | x",
        "several: BC | MC",
        "MC",
        None,
    ]
    tags = pd.DataFrame({"tag": pd.array(texts, dtype="string")})
    columns = describe_columns(tags)
    sentences = misread(parse_line(f"tag {line}", columns), tags)
    assert [f"{rows} rows have" in one and "among several values of tag" in one for one in sentences] == [True] * bool(
        rows
    )
    for sentence in sentences:
        meant = parse_line(sentence.partition("To look among them: ")[2], columns)
        assert [*meant.mask(tags).nonzero()[0]] == kept


ROOTS = [864691135771609595, 864691135376822123, 864691135000000000]
CELLS = pd.DataFrame({"pt_root_id": pd.array([*ROOTS, None], dtype="Int64")})


@pytest.mark.parametrize("line", ["= {}", "in ({}, 864691135771609595)", "!= {}", "in (7, {})"])
@pytest.mark.parametrize(
    "rounded", [int(float(ROOTS[0])), 864691135771610000, 864691135771609600, 864691135376822000, 864691135376822100]
)
def test_an_id_that_is_in_no_row_and_looks_rounded_says_so(line, rounded):
    columns = describe_columns(CELLS)
    (sentence,) = misread(parse_line(f"pt_root_id {line.format(rounded)}", columns), CELLS)
    assert sentence.startswith("1 id looks rounded by a spreadsheet or a browser") and str(rounded) in sentence
    column = columns[0]
    (boxed,) = misread(parse_box(column, line.format(rounded)), CELLS)
    assert boxed == sentence
    (saved,) = misread(parse_line("pt_root_id in saved(5)", columns, {5: (rounded, 17, ROOTS[1])}), CELLS)
    assert saved == sentence


@pytest.mark.parametrize("exact", [*ROOTS, 864691135771609597, 17, 1000, 0])
def test_an_exact_id_or_one_that_is_there_says_nothing_of_rounding(exact):
    assert misread(parse_line(f"pt_root_id = {exact}", describe_columns(CELLS)), CELLS) == ()


@pytest.mark.parametrize("written", ["8.64691135771609E+17", "864691135771609595.0", "8.6e17"])
def test_an_id_that_became_a_float_is_said_to_be_rounded(written):
    with pytest.raises(BadInput, match="is one that was rounded") as caught:
        parse_line(f"pt_root_id = {written}", describe_columns(CELLS))
    assert caught.value.hint == "Copy the id again as text."


@pytest.mark.parametrize("written", ["1e5", "1.5", "0.0008"])
def test_a_small_number_that_is_no_id_is_not_called_rounded(written):
    with pytest.raises(BadInput) as caught:
        parse_line(f"pt_root_id = {written}", describe_columns(CELLS))
    assert caught.value.message == f"pt_root_id holds ids (whole numbers); '{written}' is none."


@pytest.mark.parametrize(
    ("line", "number"),
    [("> 1e17", 4), ("< 8.646911353E17", 1), ("= 8.646911353e17..8.646911358e17", 2), (">= 864691135771609595.0", 2)],
)
def test_a_threshold_of_ids_is_a_whole_number_however_it_is_written(line, number):
    roots = pd.DataFrame({"pt_root_id": pd.array([*ROOTS, 864691135999999999, None], dtype="Int64")})
    node = parse_line(f"pt_root_id {line}", describe_columns(roots))
    assert node.mask(roots).sum() == number and "e" not in node.text().lower().replace("pt_root_id", "")
    assert parse_line(node.text(), describe_columns(roots)) == node


def test_a_threshold_that_no_id_can_be_is_refused():
    for written in ("1.5", "1e400", "1e19"):
        with pytest.raises(BadInput):
            parse_line(f"pt_root_id > {written}", describe_columns(CELLS))
