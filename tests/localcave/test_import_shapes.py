"""Shapes of files that people have: each is imported rightly, or refused with a sentence that names the remedy."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from localcave.errors import InputError
from localcave.folder.writer import read_manifest, table_path
from tests.localcave.importing import Make

ROOTS = [648518346349540057, 648518346349538466, 648518346349539711, 648518346349537038]
IDS = [17, 453, 35, 231]
PLACES = [[103860, 44385, 891], [84054, 50604, 1424], [103728, 54333, 304], [77197, 61773, 428]]
TYPES = """
[files]
f = {file}
[tables.types]
file = "f"
schema = "cell_type_local"
[tables.types.columns]
id = "id"
pt_position = {{ from = {places}, unit = "voxels" }}
pt_root_id = "root"
cell_type = {{ value = "e" }}
classification_system = {{ value = "x" }}
"""
AXES = '["x", "y", "z"]'
LINES = [f"{number},{root},{x},{y},{z}" for number, root, (x, y, z) in zip(IDS, ROOTS, PLACES, strict=True)]
HEADER = "id,root,x,y,z"
PLAIN = "\n".join([HEADER, *LINES]) + "\n"


def toml(file: str = '"f.csv"', places: str = AXES) -> str:
    return TYPES.format(file=file, places=places)


def check(folder: Any, ids: list[int] = IDS) -> pa.Table:
    table = pq.read_table(table_path(folder, 7, "types"))
    assert table["id"].to_pylist() == ids
    assert table["pt_root_id"].to_pylist() == ROOTS[: len(ids)]
    matches = list(zip(*(table[f"pt_position_{axis}"].to_pylist() for axis in "xyz"), strict=True))
    assert matches == [tuple(place) for place in PLACES[: len(ids)]]
    return table


@pytest.mark.parametrize(
    "written",
    [
        "[{}, {}, {}]",
        "[{}  {}    {}]",
        "[ {}. {}.  {}.]",
        "({}, {}, {})",
        "{} {} {}",
        "{};{};{}",
        "{{{},{},{}}}",
        "array([{}, {}, {}])",
        "array([{}, {}, {}], dtype=int32)",
        "(np.int64({}), np.int64({}), np.int64({}))",
        "[np.float64({}.0), np.float64({}.0), np.float64({}.0)]",
        "POINT Z ({} {} {})",
        "POINTZ({} {} {})",
    ],
)
def test_positions_as_one_text(make: Make, written: str) -> None:
    places = [written.format(*place) for place in PLACES]
    check(make(toml(places='"place"'), {"f.csv": {"id": IDS, "root": ROOTS, "place": places}}))


@pytest.mark.parametrize("form", ["parquet", "feather"])
def test_positions_as_lists(make: Make, form: str) -> None:
    columns = {"id": IDS, "root": pa.array(ROOTS, pa.uint64()), "place": PLACES}
    check(make(toml(f'"f.{form}"', '"place"'), {f"f.{form}": columns}))


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separators(make: Make, separator: str) -> None:
    file = '"f.csv"' if separator != "|" else '{ file = "f.csv", separator = "|" }'
    check(make(toml(file), {"f.csv": PLAIN.replace(",", separator)}))


def test_commas_in_quotes_separate_nothing(make: Make) -> None:
    text = 'id;root;x;y;z;"a, b, c, d, e, f, g"\n' + "\n".join(f"{line.replace(',', ';')};1" for line in LINES)
    check(make(toml(), {"f.csv": text}))


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_file_without_header_takes_the_names_it_is_given(make: Make, separator: str) -> None:
    file = '{ file = "f.csv", columns = ["id", "root", "x", "y", "z"] }'
    check(make(toml(file), {"f.csv": "\n".join(LINES).replace(",", separator)}))


def test_a_file_without_header_and_names_says_how_to_name_them(make: Make) -> None:
    with pytest.raises(InputError, match=r"no column 'id'.*columns = \["):
        make(toml(), {"f.csv": "\n".join(LINES)})


def test_names_of_another_number_than_the_columns_are_refused(make: Make) -> None:
    with pytest.raises(InputError, match=r"cannot read f\.csv"):
        make(toml('{ file = "f.csv", columns = ["id", "root"] }'), {"f.csv": "\n".join(LINES)})


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ('"f.csv"', "\ufeff" + PLAIN),
        ('"f.csv"', PLAIN.replace("\n", "\r\n")),
        ('"f.csv"', "# datastack: d\n# source: http://x/y?a=1,2,3\n" + PLAIN),
        ('{ file = "f.csv", skip = 2 }', "My cells\n#,,,,,,\n" + PLAIN),
        ('"f.csv"', PLAIN.replace("\n", " \n").replace(",648", ", 648")),
    ],
)
def test_what_is_around_the_rows(make: Make, file: str, text: str) -> None:
    check(make(toml(file), {"f.csv": text.replace("z \n", "z\n")}))


def test_a_packed_file(make: Make, tmp_path: Any) -> None:
    (tmp_path / "f.csv.gz").write_bytes(gzip.compress(f"# rows: 4\n{PLAIN}".encode()))
    check(make(toml('"f.csv.gz"'), {}))


def test_utf_16_says_what_to_save(make: Make, tmp_path: Any) -> None:
    (tmp_path / "f.csv").write_text(PLAIN, encoding="utf-16")
    with pytest.raises(InputError, match="save it as UTF-8"):
        make(toml(), {})


@pytest.mark.parametrize("written", ["'{}", "\u2019{}", '="{}"', '"{}"', " {} ", "\u00a0{}"])
def test_ids_that_a_spreadsheet_was_told_to_keep(make: Make, written: str) -> None:
    check(make(toml(), {"f.csv": {"id": IDS, "root": [written.format(root) for root in ROOTS], **axes()}}))


@pytest.mark.parametrize("written", ["{}.0", "{}.", "{}.000", "'{}.0"])
def test_a_float_as_id_is_taken_where_it_is_exact(make: Make, written: str) -> None:
    check(make(toml(), {"f.csv": {"id": [written.format(number) for number in IDS], "root": ROOTS, **axes()}}))


@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_a_column_of_floats_is_taken_where_it_is_exact(make: Make, kind: Any) -> None:
    columns = {"id": np.array(IDS, kind), "root": ROOTS, **axes()}
    check(make(toml('"f.parquet"'), {"f.parquet": columns}))


@pytest.mark.parametrize(
    "written",
    ["6.485183E+17", "6.485183463495401e+17", "8.6e17", "648518346349540057.0", "1.7E1", "9007199254740993.0"],
)
def test_an_id_that_was_a_float_is_refused_with_the_remedy(make: Make, written: str) -> None:
    with pytest.raises(InputError, match=r"f\.csv, column 'root', row 2: .*as integers or text"):
        make(toml(), {"f.csv": {"id": IDS, "root": [ROOTS[0], written, *ROOTS[2:]], **axes()}})


@pytest.mark.parametrize(("kind", "value"), [(np.float64, 2**53), (np.float32, 2**24)])
def test_a_float_that_may_be_another_id_is_refused(make: Make, kind: Any, value: int) -> None:
    columns = {"id": IDS, "root": np.array([1, 2, value, np.nan], kind), **axes()}
    with pytest.raises(InputError, match=r"column 'root', row 3: .* is a float, which loses .* integers or text"):
        make(toml('"f.parquet"'), {"f.parquet": columns})


def test_half_an_id_is_no_id(make: Make) -> None:
    with pytest.raises(InputError, match=r"row 1: 1\.5 is not a whole number"):
        make(toml('"f.parquet"'), {"f.parquet": {"id": [1.5, 2, 3, 4], "root": ROOTS, **axes()}})


@pytest.mark.parametrize(
    "rounded",
    [
        [int(float(root)) for root in ROOTS],
        [int(f"{float(root):.16e}".split("e", maxsplit=1)[0].replace(".", "")[:15]) * 1000 for root in ROOTS],
        [int(repr(float(root)).split("e", maxsplit=1)[0].replace(".", "").ljust(18, "0")) for root in ROOTS],
    ],
    ids=["float", "spreadsheet", "javascript"],
)
def test_ids_that_are_all_rounded_are_refused(make: Make, rounded: list[int]) -> None:
    assert rounded != ROOTS
    with pytest.raises(
        InputError, match=f"column 'root', row 1: {rounded[0]} and all other .* are rounded.*from their"
    ):
        make(toml(), {"f.csv": {"id": IDS, "root": rounded, **axes()}})
    check(make(toml(), {"f.csv": PLAIN}))


def test_an_empty_root_is_no_cell(make: Make) -> None:
    folder = make(toml(), {"f.csv": {"id": IDS, "root": [*ROOTS[:3], ""], **axes()}})
    assert pq.read_table(table_path(folder, 7, "types"))["pt_root_id"].to_pylist() == [*ROOTS[:3], 0]


def test_the_same_id_twice_says_what_to_do(make: Make) -> None:
    with pytest.raises(InputError, match="row 2: the id 1 is there twice; leave id out"):
        make(toml(), {"f.csv": {"id": [1, 1, 1, 2], "root": ROOTS, **axes()}})


def test_a_coordinate_that_is_missing_says_what_to_do(make: Make) -> None:
    places = ["[103860.0 44385.5 nan]", *map(str, PLACES[1:])]
    with pytest.raises(InputError, match=r"row 1: a coordinate is missing .*; give all three, or leave the row out"):
        make(toml(places='"place"'), {"f.csv": {"id": IDS, "root": ROOTS, "place": places}})


def axes() -> dict[str, list[int]]:
    return {axis: [place[at] for place in PLACES] for at, axis in enumerate("xyz")}


PARTS = {"part_1.csv": "\n".join([HEADER, *LINES[:3]]), "part_2.csv": "\n".join([HEADER, LINES[3]])}


@pytest.mark.parametrize(
    "file", ['["part_1.csv", "part_2.csv"]', '"part_*.csv"', '{ file = "part_?.csv" }', '["part_1.csv", "*_2.csv"]']
)
def test_several_files_are_one_table(make: Make, file: str) -> None:
    folder = make(toml(file), PARTS)
    check(folder)
    kept = read_manifest(folder)["source"]["files"]
    assert [entry["name"] for entry in kept.values()] == list(PARTS)


def test_rows_of_several_files_are_numbered_on(make: Make) -> None:
    folder = make(toml('"part_*.csv"').replace('id = "id"\n', ""), PARTS)
    check(folder, [1, 2, 3, 4])


def test_several_files_may_have_their_columns_in_another_order_and_type(make: Make) -> None:
    parts = {
        "part_1.parquet": {"id": IDS[:2], "root": pa.array(ROOTS[:2], pa.uint64())} | first(2),
        "part_2.parquet": first(2, 2) | {"root": pa.array(ROOTS[2:], pa.int64()), "id": pa.array(IDS[2:], pa.int16())},
    }
    check(make(toml('"part_*.parquet"'), parts))


def first(count: int, start: int = 0) -> dict[str, list[int]]:
    return {axis: values[start : start + count] for axis, values in axes().items()}


def test_ids_of_one_file_that_are_floats_in_another_are_refused(make: Make) -> None:
    parts = {
        "part_1.parquet": {"id": IDS[:2], "root": ROOTS[:2]} | first(2),
        "part_2.parquet": {"id": IDS[2:], "root": [1.0, 2.0]} | first(2, 2),
    }
    with pytest.raises(InputError, match=r"'root' holds int64 in part_1.parquet but double in part_2.parquet; save"):
        make(toml('"part_*.parquet"'), parts)


def test_a_bad_value_of_several_files_is_named_in_its_own(make: Make) -> None:
    with pytest.raises(InputError, match=r"part_2\.csv, column 'root', row 1: 'x' is not a whole"):
        make(toml('"part_*.csv"'), PARTS | {"part_2.csv": f"{HEADER}\n9,x,1,2,3"})


def test_files_of_other_columns_are_refused(make: Make) -> None:
    with pytest.raises(InputError, match="only one of them has the column 'more'"):
        make(toml('"part_*.csv"'), PARTS | {"part_2.csv": f"{HEADER},more\n{LINES[3]},1"})


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        ('"none_*.csv"', "no file in .* fits 'none_"),
        ("[]", "must be the name of a file, a list of names"),
        ("{ columns = [] }", "must be the name of a file"),
        ('{ file = "f.csv", seperator = ";" }', "'seperator' that means nothing here; did you mean separator"),
        ('{ file = "f.csv", separator = "::" }', "separator must be one character"),
        ('{ file = "f.csv", skip = -1 }', "skip is a number of lines"),
        ('{ file = "f.csv", columns = "id" }', "columns must be a list of names"),
    ],
)
def test_what_is_said_of_files_is_checked(make: Make, file: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        make(toml(file), {"f.csv": PLAIN})


def test_what_excel_writes_before_the_header_and_around_names(make: Make) -> None:
    check(make(toml(), {"f.csv": "sep=;\n" + PLAIN.replace(",", ";")}))
    check(make(toml(), {"f.csv": PLAIN.replace(HEADER, "id, root, x, y, z")}))
    check(make(toml('"f.txt"'), {"f.txt": PLAIN.replace(",", "\t")}))


def test_names_given_to_a_file_that_has_them(make: Make) -> None:
    columns = '["' + HEADER.replace(",", '", "') + '"]'
    with pytest.raises(InputError, match="begins with the names of its columns; leave columns out"):
        make(toml(f'{{ file = "f.csv", columns = {columns} }}'), {"f.csv": PLAIN})


@pytest.mark.parametrize("by", ["|", " | ", "    ", " "])
@pytest.mark.parametrize("name", ["f.csv", "f.txt"])
@pytest.mark.parametrize("header", [HEADER, ""])
def test_columns_separated_by_bars_or_blanks(make: Make, by: str, name: str, header: str) -> None:
    lines = [line.replace(",", by) for line in ([header] if header else []) + LINES]
    columns = "" if header else f", columns = {json.dumps(HEADER.split(','))}"
    check(make(toml(f'{{ file = "{name}"{columns} }}'), {name: "\n".join(lines) + "\n"}))


def test_what_numpy_savetxt_writes(make: Make, tmp_path: Path) -> None:
    rows = np.column_stack([IDS, ROOTS, PLACES])
    np.savetxt(tmp_path / "saved", rows, fmt="%20d", header=HEADER.replace(",", " "))
    check(make(toml('"f.txt"'), {"f.txt": (tmp_path / "saved").read_text()}))


def test_one_column_of_words_is_one_column(make: Make) -> None:
    with pytest.raises(InputError, match="no column 'id'; it has a long name"):
        make(toml(), {"f.csv": "a long name\none\ntwo words\n"})


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("id", -5, "'id', row 2: -5 is no id of a row, which are 1 or more; .* leave id out of the columns"),
        ("id", 0, "'id', row 2: 0 is no id of a row, which are 1 or more; .* leave such rows out with where"),
        ("root", -5, "'root', row 2: -5 is no id of a segment, which are 0 or more; write 0, or nothing"),
    ],
)
def test_ids_that_cave_cannot_have_are_refused_with_a_remedy(make: Make, column: str, value: int, words: str) -> None:
    columns = {"id": list(IDS), "root": list(ROOTS), **axes()}
    columns[column][1] = value
    with pytest.raises(InputError, match=words):
        make(toml(), {"f.csv": columns})
