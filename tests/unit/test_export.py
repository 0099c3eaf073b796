"""Files hold exactly what was shown, ids to the last digit, and no formula runs in a spreadsheet."""

import csv
import io
import json
import tracemalloc

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.columns import describe_columns
from services.core.errors import BadInput
from services.tables.export import csv_of_frame, csv_of_frames, file_name, listed_ids, provenance, to_arrow, to_bytes

NEAR = 864691135771609595
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
FORMULAS = [
    "=cmd()",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "'=1",
    "''-x",
    "'quoted'",
    "",
    "a\nb",
    'say "x", y',
    "\u202eright to left",
    "\r=1",
]


def frame_of(ids, names):
    return pd.DataFrame({"pt_root_id": pd.array(ids, dtype="Int64"), "cell_type": pd.array(names, dtype="string")})


def written(frame, facts=None):
    return "".join(csv_of_frame(frame, describe_columns(frame), facts or {}))


def read(text):
    while text.startswith("# "):
        text = text.partition("\n")[2]
    return list(csv.reader(io.StringIO(text, newline="")))


def restored(cell):
    """What the export's description promises: one apostrophe taken away gives back the text."""
    bare = cell.lstrip("'")
    return cell[1:] if cell.startswith("'") and bare[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


@given(st.lists(st.tuples(st.integers(0, 2**63 - 1), st.one_of(texts, st.sampled_from(FORMULAS))), max_size=20))
def test_csv_gives_back_every_id_and_text(rows):
    frame = frame_of([root for root, _ in rows], [text for _, text in rows])
    text = "".join(csv_of_frame(frame, describe_columns(frame), {}))
    matches = list(csv.reader(io.StringIO(text, newline="")))
    assert matches[0] == ["pt_root_id", "cell_type"]
    assert [(int(root), restored(cell)) for root, cell in matches[1:]] == rows


@pytest.mark.parametrize("text", ["=cmd()", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "'=1"])
def test_no_cell_begins_like_a_formula(text):
    cell = read(written(frame_of([NEAR], [text])))[1][1]
    assert cell == "'" + text


def test_blank_cells_are_empty_and_numbers_short():
    frame = frame_of([NEAR, None], ["BC", None]).assign(
        volume=pd.array([32.307937, None], dtype="Float32"),
        valid=pd.array([True, None], dtype="boolean"),
        created=pd.to_datetime(["2024-01-01T00:00:00.5Z", None]),
    )
    rows = read(written(frame))
    assert rows[1] == [str(NEAR), "BC", "32.307938", "True", "2024-01-01T00:00:00.500000+0000"]
    assert rows[2] == ["", "", "", "", ""]


def test_csv_says_where_it_comes_from_in_one_line_a_fact():
    facts = provenance(datastack="demo", version=1300, filter="a\nb\u2028# c", table="", count=0)
    text = written(frame_of([NEAR], ["BC"]), facts)
    assert text.startswith("# datastack: demo\n# version: 1300\n# filter: a b # c\n# count: 0\n# exported: ")
    assert "table" not in facts
    assert read(text) == [["pt_root_id", "cell_type"], [str(NEAR), "BC"]]


def test_an_empty_table_still_has_its_header():
    assert read(written(frame_of([], []))) == [["pt_root_id", "cell_type"]]


@pytest.mark.parametrize("file_format", ["parquet", "arrow"])
def test_parquet_and_arrow_keep_dtypes_units_and_provenance(file_format):
    frame = frame_of([NEAR, None], ["=x", None]).assign(volume=pd.array([1.5, None], dtype="Float32"))
    content = to_bytes(to_arrow(frame, describe_columns(frame), {"version": 7}), file_format)
    table = pq.read_table(io.BytesIO(content)) if file_format == "parquet" else pa.ipc.open_stream(content).read_all()
    assert table.schema.field("pt_root_id").type == pa.int64()
    assert table["pt_root_id"].to_pylist() == [NEAR, None]
    assert table["cell_type"].to_pylist() == ["=x", None]
    assert table.schema.field("volume").metadata[b"unit"].decode() == "um³"
    assert json.loads(table.schema.metadata[b"karst"]) == {"version": 7}


def test_an_unknown_format_is_refused_in_a_sentence():
    frame = frame_of([NEAR], ["BC"])
    with pytest.raises(BadInput, match="xlsx"):
        to_bytes(to_arrow(frame, describe_columns(frame), {}), "xlsx")


@given(st.lists(st.text(max_size=20), min_size=1, max_size=3))
def test_a_file_name_is_harmless(parts):
    name = file_name(*parts)
    assert "/" not in name
    assert "\\" not in name
    assert not name.startswith(".")
    assert name.isascii()


@given(
    st.lists(st.tuples(st.integers(0, 2**63 - 1), st.one_of(texts, st.sampled_from(FORMULAS))), max_size=20),
    st.integers(1, 7),
)
def test_pieces_of_any_size_make_the_same_rows(rows, size):
    frame = frame_of([root for root, _ in rows], [text for _, text in rows])
    cut = (frame.iloc[start : start + size] for start in range(0, len(frame), size))
    text = "".join(csv_of_frames(cut, describe_columns(frame), {}))
    assert list(csv.reader(io.StringIO(text, newline=""))) == read(written(frame))


def test_a_long_file_takes_no_more_memory_than_a_short_one():
    frame = frame_of(range(2_000), ["L2/3 pyramidal"] * 2_000)
    columns = describe_columns(frame)

    def peak(count):
        tracemalloc.start()
        for _ in csv_of_frames((frame for _ in range(count)), columns, {}):
            pass
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(1)
    assert peak(40) < 1.5 * peak(3)


@pytest.mark.parametrize(
    ("form", "text"),
    [("lines", f"{NEAR}\n7"), ("commas", f"{NEAR}, 7"), ("python", f"[{NEAR}, 7]"), ("neuroglancer", f"{NEAR} 7")],
)
def test_ids_are_copied_once_each_to_the_last_digit(form, text):
    ids = pd.Series(pd.array([NEAR, None, 7, 0, NEAR], dtype="Int64"))
    assert listed_ids(ids, form) == text


def test_an_unknown_form_of_ids_is_refused_in_a_sentence():
    with pytest.raises(BadInput, match="lines"):
        listed_ids(pd.Series(pd.array([NEAR], dtype="Int64")), "xml")
