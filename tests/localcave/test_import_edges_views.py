"""Edge lists with weights, and views: what is refused says what to do."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest

from localcave.errors import InputError
from localcave.folder.writer import read_manifest, table_path, view_path
from tests.localcave.importing import Make

EDGES = """
[files]
edges = "edges.csv"
[tables.syn]
file = "edges"
schema = "synapse"
repeat = "n"
[tables.syn.columns]
pre_pt_position = { from = ["x", "x", "x"], unit = "nm" }
post_pt_position = { unknown = true }
ctr_pt_position = { unknown = true }
pre_pt_root_id = "pre"
post_pt_root_id = "post"
"""
VIEW = """
[files]
cells = "cells.csv"
[tables.types]
file = "cells"
schema = "cell_type_local"
[tables.types.columns]
pt_position = { unknown = true }
pt_root_id = "root"
cell_type = { value = "e" }
classification_system = { value = "x" }
[views.summary]
file = "cells"
[views.summary.columns]
pt_root_id = "root"
"""
CELLS = {"root": [9007199254740993, 5], "x": [4, 8], "flag": ["t", ""], "n": ["3", "x"]}


def test_an_edge_is_as_many_synapses_as_it_weighs(make: Make) -> None:
    edges = {"pre": [5, 6, 7], "post": [8, 8, 9], "n": [2, 0, 3], "x": [4, 8, 12]}
    rows = pq.read_table(table_path(make(EDGES, {"edges.csv": edges}), 7, "syn")).sort_by("id")
    assert rows["id"].to_pylist() == [1, 2, 3, 4, 5]
    assert rows["pre_pt_root_id"].to_pylist() == [5, 5, 7, 7, 7]
    assert rows["pre_pt_position_x"].to_pylist() == [1, 1, 3, 3, 3]
    assert rows["ctr_pt_position_x"].null_count == rows["size"].null_count == 5


@pytest.mark.parametrize(
    ("weight", "sentence"),
    [
        ("-1", "column 'n', row 2: -1 is no number of rows; give 0 or more"),
        ("", "column 'n', row 2: None is no number of rows"),
        ("1.5", r"column 'n', row 2: '1\.5' is not a whole number"),
        ("300000000", "adds up to 300,000,001 rows, more than"),
    ],
)
def test_a_weight_that_counts_nothing_is_refused(make: Make, weight: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        make(EDGES, {"edges.csv": {"pre": [5, 6], "post": [8, 9], "n": ["1", weight], "x": [4, 4]}})


def test_types_of_a_view_are_those_of_cave(make: Make) -> None:
    more = 'pt_position = { from = ["x", "x", "x"], unit = "nm" }\nseen = { from = "flag", type = "boolean" }\n'
    folder = make(VIEW + more + 'where = "flag"\n', {"cells.csv": CELLS})
    entry = read_manifest(folder)["views"]["7"]["summary"]
    types = {name: column["type"] for name, column in entry["schema"].items()}
    assert types == {"pt_root_id": "integer", "pt_position": "SpatialPoint", "seen": "boolean", "where": "string"}
    rows = pq.read_table(view_path(folder, 7, "summary"))
    assert rows["pt_root_id"].to_pylist() == [9007199254740993, 5]
    assert rows["pt_position_x"].to_pylist() == [1, 2]
    assert rows["seen"].to_pylist() == [True, None]


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('pt_root_id = "root"\n', 'n = { from = "n", type = "int" }\n', "type must be one of integer, float"),
        ('pt_root_id = "root"\n', 'n = { from = "n", type = "integer" }\n', "column 'n', row 2: 'x' is not a whole"),
        ('[views.summary.columns]\npt_root_id = "root"\n', "[views.summary.columns]\n", "names no columns"),
        ("summary", "types", "types is both a table and a view"),
        ('file = "cells"\n[views.summary.columns]', 'file = "cell"\n[views.summary.columns]', "'cell' is not one of"),
    ],
)
def test_what_is_wrong_in_a_view_is_said(make: Make, old: str, new: str, sentence: str) -> None:
    before, _, after = VIEW.partition("[views.")
    with pytest.raises(InputError, match=sentence):
        make(before + ("[views." + after).replace(old, new), {"cells.csv": CELLS})
