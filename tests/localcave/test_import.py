"""The importer on small made files: what comes out is exactly what went in, or a sentence says why not."""

from __future__ import annotations

import contextlib
import copy
import csv
import functools
import hashlib
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localcave.errors import InputError
from localcave.importer import import_datastack
from localcave.importer_schemas import schema_types
from localcave.layout import read_manifest, segmentation_path, table_path
from tests.servers import ROOT

INT64_MAX = 2**63 - 1
HEAD = """
[datastack]
name = "mine"
description = "my own"
resolution_nm = [4, 4, 40]
[version]
number = 7
timestamp = 2025-01-13T10:10:01Z
"""
NUCLEI = """
[files]
cells = "cells.csv"
[tables.nuclei]
file = "cells"
schema = "nucleus_detection"
[tables.nuclei.columns]
id = "id"
pt_position = { from = ["x", "y", "z"], unit = "nm" }
pt_root_id = "root"
volume = "volume"
"""
CELLS: dict[str, Any] = {
    "id": [11, 12, 13],
    "x": [400.0, 800.0, 1200.0],
    "y": [40.0, 44.0, 48.0],
    "z": [4000, 4040, 4080],
    "root": [864691135771609595, 864691135771609596, 0],
    "volume": [300.5, "", 12.25],
    "kind": ["23P", "", "BC"],
    "flag": ["t", "False", None],
}

Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Write files and a TOML, import them, give the folder."""

    def run(toml: str, files: dict[str, Any], head: str = HEAD) -> Path:
        for name, columns in files.items():
            write_file(tmp_path / name, columns)
        (tmp_path / "mine.toml").write_text(head + toml)
        import_datastack(tmp_path / "mine.toml", tmp_path / "out")
        return tmp_path / "out"

    return run


def write_file(path: Path, columns: dict[str, Any] | str) -> None:
    """A CSV from lists as the csv module writes it, a Parquet or Feather file from Arrow columns, or text as it is."""
    if isinstance(columns, str):
        path.write_text(columns)
    elif path.suffix == ".parquet":
        pq.write_table(pa.table(columns), path)
    elif path.suffix == ".feather":
        pyarrow.feather.write_feather(pa.table(columns), path)
    else:
        with path.open("w", newline="") as file:
            writer = csv.writer(file, delimiter="\t" if path.suffix == ".tsv" else ",")
            writer.writerow(columns)
            writer.writerows(zip(*columns.values(), strict=True))


def rows(folder: Path, table: str, version: int = 7) -> pd.DataFrame:
    frame: pd.DataFrame = pq.read_table(table_path(folder, version, table)).to_pandas(types_mapper=pd.ArrowDtype)
    return frame


def test_a_csv_becomes_a_table_of_its_schema_type(make: Make) -> None:
    folder = make(NUCLEI, {"cells.csv": CELLS})
    table = pq.read_table(table_path(folder, 7, "nuclei"))
    assert table.schema.names[:6] == ["id", "valid", "volume", "pt_position_x", "pt_position_y", "pt_position_z"]
    assert [str(t) for t in table.schema.types[:6]] == ["int64", "bool", "float", "int32", "int32", "int32"]
    assert table["id"].to_pylist() == CELLS["id"]
    assert table["pt_root_id"].to_pylist() == CELLS["root"]
    assert table["volume"].to_pylist() == [300.5, None, 12.25]
    assert table["pt_position_x"].to_pylist() == [100, 200, 300]
    assert table["pt_position_z"].to_pylist() == [100, 101, 102]
    assert table["bb_start_position_x"].null_count == 3
    assert table["valid"].to_pylist() == [True, True, True]


def test_the_manifest_says_what_the_server_needs(make: Make) -> None:
    manifest = read_manifest(make(NUCLEI, {"cells.csv": CELLS}))
    assert manifest["datastack"] == "mine"
    assert manifest["info"]["soma_table"] == "nuclei"
    assert manifest["info"]["synapse_table"] is None
    assert manifest["versions"][0]["time_stamp"] == "2025-01-13T10:10:01.000000+00:00"
    record = manifest["tables"]["7"]["nuclei"]["metadata"]
    assert record["schema_type"] == "nucleus_detection"
    assert record["pcg_table_name"] == manifest["segmentation"]["table"] == "mine"
    assert manifest["info"]["segmentation_source"].endswith("/mine")
    assert manifest["source"]["files"]["cells"]["name"] == "cells.csv"


def test_all_schema_types_are_those_of_cave() -> None:
    types = schema_types()
    assert len(types) == 54
    names = [c.name for c in types["synapse"]]
    assert names[:4] == ["valid", "pre_pt_position", "pre_pt_supervoxel_id", "pre_pt_root_id"]
    assert {c.name: c.kind for c in types["func_unit_ext_coreg"]} | {"session": "int32", "target_id": "id"} == {
        c.name: c.kind for c in types["func_unit_ext_coreg"]
    }


ID_LIKE = st.one_of(
    st.integers(INT64_MAX - 1000, INT64_MAX), st.integers(2**53 - 5, 2**53 + 5), st.integers(1, INT64_MAX)
)
POINTS = """
[files]
points = "{file}"
[tables.points]
file = "points"
schema = "bound_tag"
[tables.points.columns]
id = "id"
pt_position = {{ from = ["x", "y", "z"], unit = "voxels" }}
pt_root_id = "root"
tag = {{ value = "a" }}
"""


@settings(max_examples=40, deadline=None)
@given(
    ids=st.lists(ID_LIKE, min_size=1, max_size=20, unique=True),
    kind=st.sampled_from(["csv", "int64", "uint64", "text", "dict"]),
)
def test_ids_are_exact_to_the_last_digit(ids: list[int], kind: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("ids")
    zeros = [0] * len(ids)
    if kind == "csv":
        columns: dict[str, Any] = {"id": ids, "root": ids[::-1]}
    elif kind == "text":
        columns = {
            "id": pa.array([f" {i} " for i in ids]),
            "root": pa.array([str(i) for i in ids[::-1]], pa.large_string()),
        }
    else:
        arrow = pa.uint64() if kind == "uint64" else pa.int64()
        columns = {"id": pa.array(ids, arrow), "root": pa.array(ids[::-1], arrow)}
        if kind == "dict":
            columns = {name: array.dictionary_encode() for name, array in columns.items()}
    file = "points.csv" if kind == "csv" else "points.parquet"
    write_file(folder / file, {**columns, "x": zeros, "y": zeros, "z": zeros})
    (folder / "c.toml").write_text(HEAD + POINTS.format(file=file))
    import_datastack(folder / "c.toml", folder / "out")
    table = pq.read_table(table_path(folder / "out", 7, "points"))
    assert table.schema.field("id").type == pa.int64()
    assert table["id"].to_pylist() == ids
    assert table["pt_root_id"].to_pylist() == ids[::-1]
    supervoxels = pq.read_table(segmentation_path(folder / "out", "supervoxels.parquet")).to_pydict()
    root_of = dict(zip(supervoxels["supervoxel_id"], supervoxels["root_id"], strict=True))
    assert [root_of[s] for s in table["pt_supervoxel_id"].to_pylist()] == ids[::-1]
    assert sorted(root_of.values()) == sorted(ids)


@settings(max_examples=60, deadline=None)
@given(
    voxels=st.lists(st.tuples(*[st.integers(-(2**24), 2**24)] * 3), min_size=1, max_size=10),
    unit=st.sampled_from(["nm", "um", "voxels"]),
)
def test_positions_survive_the_way_through_every_unit(
    voxels: list[tuple[int, int, int]], unit: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("positions")
    size = np.array({"nm": [4.0, 4.0, 40.0], "um": [0.004, 0.004, 0.04], "voxels": [1, 1, 1]}[unit])
    x, y, z = (np.array(voxels) * size).T
    roots = list(range(1, len(voxels) + 1))
    write_file(folder / "points.parquet", {"id": roots, "root": roots, "x": x, "y": y, "z": z})
    (folder / "c.toml").write_text(HEAD + POINTS.format(file="points.parquet").replace('"voxels"', f'"{unit}"'))
    import_datastack(folder / "c.toml", folder / "out")
    table = pq.read_table(table_path(folder / "out", 7, "points"))
    got = zip(*(table[f"pt_position_{axis}"].to_pylist() for axis in "xyz"), strict=True)
    assert list(got) == voxels


@pytest.mark.parametrize("kind", ["text", "commas", "list"])
def test_a_position_can_be_one_column_in_voxels_of_another_size(make: Make, kind: str) -> None:
    points = [[10, 20, 30], [11, 21, 31]]
    column: Any = {
        "text": ["[10 20 30]", "[11 21  31]"],
        "commas": ["10, 20, 30", "(11,21,31)"],
        "list": pa.array(points, pa.list_(pa.int64())),
    }[kind]
    file = "points.parquet" if kind == "list" else "points.csv"
    toml = POINTS.format(file=file).replace(
        '{ from = ["x", "y", "z"], unit = "voxels" }', '{ from = "p", unit = "voxels", resolution_nm = [8, 8, 40] }'
    )
    frame = rows(make(toml, {file: {"id": [1, 2], "root": [5, 6], "p": column}}), "points")
    assert frame["pt_position_x"].tolist() == [20, 22]
    assert frame["pt_position_y"].tolist() == [40, 42]
    assert frame["pt_position_z"].tolist() == [30, 31]


REFERENCE = (
    NUCLEI
    + """
[tables.types]
file = "cells"
schema = "cell_type_reference"
reference_table = "nuclei"
notice = "made up"
where = { kind = { empty = false } }
[tables.types.columns]
target_id = "id"
cell_type = "kind"
classification_system = { from = "kind", map = { 23P = "excitatory", BC = "inhibitory" } }
valid = { from = "kind", in = ["BC"] }
"""
)


def test_several_tables_come_from_one_file(make: Make) -> None:
    frame = rows(make(REFERENCE, {"cells.csv": CELLS}), "types")
    assert frame["target_id"].tolist() == [11, 13]
    assert frame["cell_type"].tolist() == ["23P", "BC"]
    assert frame["classification_system"].tolist() == ["excitatory", "inhibitory"]
    assert frame["valid"].tolist() == [False, True]
    assert frame["id"].tolist() == [1, 3], "a made id is the number of the row in the file"


@pytest.mark.parametrize(
    ("condition", "ids"),
    [
        ('kind = "23P"', [11]),
        ('kind = { not = "23P" }', [12, 13]),
        ('kind = { in = ["23P", "BC"] }', [11, 13]),
        ('kind = { not_in = ["23P", "BC"] }', [12]),
        ("kind = { empty = true }", [12]),
        ("volume = { above = 12.25 }", [11]),
        ("volume = { below = 300 }", [13]),
        ("id = 12", [12]),
        ("id = { not = 12 }, volume = { above = 100 }", [11]),
        ("x = { above = 400, below = 1200 }", [12]),
    ],
)
def test_conditions_choose_rows(make: Make, condition: str, ids: list[int]) -> None:
    toml = NUCLEI.replace('schema = "nucleus', f'where = {{ {condition} }}\nschema = "nucleus')
    assert rows(make(toml, {"cells.csv": CELLS}), "nuclei")["id"].tolist() == ids


def test_truth_values_are_read_in_their_usual_spellings(make: Make) -> None:
    toml = NUCLEI + 'valid = "flag"\n'
    assert rows(make(toml, {"cells.csv": CELLS}), "nuclei")["valid"].to_list() == [True, False, pd.NA]


SYNAPSES = """
[files]
synapses = "synapses.tsv"
[tables.syn]
file = "synapses"
schema = "synapse"
[tables.syn.columns]
pre_pt_position = { from = ["x", "x", "x"], unit = "um" }
post_pt_position = { from = ["x", "x", "x"], unit = "um" }
ctr_pt_position = { from = ["x", "x", "x"], unit = "um" }
pre_pt_root_id = "pre"
post_pt_root_id = "post"
post_pt_supervoxel_id = "sv"
"""


def test_synapses_are_stored_in_the_order_of_both_sides(make: Make) -> None:
    files = {"synapses.tsv": {"x": [1, 2, 3], "pre": [9, 8, 7], "post": [3, 1, ""], "sv": [33, 11, 0]}}
    folder = make(SYNAPSES, files)
    assert read_manifest(folder)["info"]["synapse_table"] == "syn"
    assert rows(folder, "syn")["post_pt_root_id"].tolist() == [0, 1, 3], "no root is root 0"
    by_pre = pq.read_table(table_path(folder, 7, "syn", by="pre_pt_root_id"))
    assert by_pre["pre_pt_root_id"].to_pylist() == [7, 8, 9]
    supervoxels = pq.read_table(segmentation_path(folder, "supervoxels.parquet")).to_pandas()
    assert supervoxels.set_index("supervoxel_id")["root_id"].to_dict().items() >= {33: 3, 11: 1}.items()
    assert set(supervoxels["root_id"]) == {1, 3, 7, 8, 9}


def test_the_same_files_give_the_same_folder(make: Make) -> None:
    def digests(folder: Path) -> dict[str, str]:
        return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.rglob("*")) if p.is_file()}

    first = digests(make(REFERENCE, {"cells.csv": CELLS}))
    assert digests(make(REFERENCE, {"cells.csv": CELLS})) == first
    assert len(first) == 6


def test_a_failed_import_leaves_the_finished_datastack(make: Make, tmp_path: Path) -> None:
    folder = make(NUCLEI, {"cells.csv": CELLS})
    with pytest.raises(InputError):
        make(NUCLEI, {"cells.csv": {**CELLS, "x": ["nan"] * 3}})
    assert len(rows(folder, "nuclei")) == 3
    assert not list(tmp_path.glob("*.making"))


def test_other_files_are_never_replaced(make: Make, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("x")
    with pytest.raises(InputError, match="holds other files"):
        make(NUCLEI, {"cells.csv": CELLS})
    assert (tmp_path / "out" / "thesis.txt").exists()


def test_targets_that_do_not_exist_are_reported(tmp_path: Path) -> None:
    write_file(tmp_path / "cells.csv", CELLS)
    write_file(tmp_path / "types.csv", {"nucleus": [11, 99], "type": ["a", "b"]})
    toml = HEAD + NUCLEI.replace('cells = "cells.csv"', 'cells = "cells.csv"\ntypes = "types.csv"')
    toml += '[tables.types]\nfile = "types"\nschema = "reference_tag"\nreference_table = "nuclei"\n'
    toml += '[tables.types.columns]\ntarget_id = "nucleus"\ntag = "type"\n'
    (tmp_path / "c.toml").write_text(toml)
    report = import_datastack(tmp_path / "c.toml", tmp_path / "out")
    assert report.rows == {"nuclei": 3, "types": 2}
    (warning,) = report.warnings
    assert warning.startswith("1 of 2 rows of types refer to an id that nuclei does not have")


FLOAT_ROOTS = pa.array([8.646911357716096e17, 1.0, 2.0])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"root": ["864691135771609595.0", "1", "2"]},
            "cells.csv, column 'root', row 1: '864691135771609595.0' is not a whole",
        ),
        ({"root": ["1", "8.6e17", "2"]}, "cells.csv, column 'root', row 2: '8.6e17' is not a whole number"),
        ({"root": [1, 2, 2**63]}, f"cells.csv, column 'root', row 3: '{2**63}' is not a whole number between"),
        ({"root": ["a", "b", "c"]}, "cells.csv, column 'root', row 1: 'a' is not a whole number"),
        ({"id": [11, 12, 11]}, "cells.csv, column 'id', row 3: the id 11 is there twice"),
        ({"id": [11, "", 12]}, "cells.csv, column 'id', row 2: is empty, but id needs a value"),
        ({"x": ["1", "NaN", "2"]}, "cells.csv, column 'x, y, z', row 2: a coordinate is missing"),
        ({"x": ["1", "", "2"]}, "row 2: a coordinate is missing"),
        ({"x": ["1", "2", "left"]}, "cells.csv, column 'x', row 3: 'left' is not a number"),
        ({"x": ["1", "inf", "2"]}, "cells.csv, column 'x', row 2: is infinite"),
        ({"x": ["1", "2", "1e12"]}, "row 3: the position .* is too far out"),
        ({"volume": ["big", "1", "2"]}, "cells.csv, column 'volume', row 1: 'big' is not a number"),
    ],
)
def test_bad_values_are_named_with_file_column_and_row(make: Make, change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        make(NUCLEI, {"cells.csv": CELLS | change})


def test_ids_in_a_float_column_are_refused(make: Make) -> None:
    arrow = {name: pa.array(CELLS[name]) for name in ("id", "x", "y", "z")}
    files = {"cells.feather": {**arrow, "root": FLOAT_ROOTS, "volume": arrow["x"]}}
    with pytest.raises(InputError, match=r"cells.feather, column 'root', row 1: 8.646.*e\+17 is a float, which loses"):
        make(NUCLEI.replace("cells.csv", "cells.feather"), files)


def test_a_row_is_counted_in_the_file_not_among_the_chosen(make: Make) -> None:
    toml = NUCLEI.replace('schema = "nucleus', 'where = { kind = "BC" }\nschema = "nucleus')
    with pytest.raises(InputError, match="row 3: 'x' is not a whole"):
        make(toml, {"cells.csv": {**CELLS, "root": [1, 2, "x"]}})


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('"cells.csv"', '"none.csv"', "there is no file .*none.csv"),
        ('"cells.csv"', '"cells.xlsx"', "there is no file|none of .csv"),
        ('"root"', '"rooot"', "cells.csv has no column 'rooot'; it has id, x"),
        ('unit = "nm"', 'unit = "mm"', "needs a unit: nm, um, voxels; 'mm' is none of them"),
        (', unit = "nm"', "", "needs a unit"),
        ('["x", "y", "z"]', '["x", "y"]', "three columns x, y, z or from one"),
        ("nucleus_detection", "nucleus_detektion", "not a schema type of CAVE; did you mean nucleus_detection"),
        ("pt_root_id =", "pt_rot_id =", "has no column 'pt_rot_id'; did you mean pt_root_id"),
        ('pt_root_id = "root"\n', "", "needs the column 'pt_root_id'"),
        ('file = "cells"', 'file = "cell"', r"'cell' is not one of the \[files\]: cells"),
        ('file = "cells"', 'fiel = "cells"', "needs the key 'file'"),
        (
            'file = "cells"',
            'file = "cells"\nnotise = "x"',
            "has a key 'notise' that means nothing here; did you mean notice",
        ),
        ('file = "cells"', 'file = "cells"\nreference_table = "nuclei"', "has no target_id, so no reference_table"),
        ("[4, 4, 40]", "[4, 4]", "must be three positive numbers in nm"),
        ("[4, 4, 40]", "[4, 4, 0]", "must be three positive numbers in nm"),
        ("number = 7", "number = 0", "needs number, a whole number of at least 1, not 0"),
        ("number = 7", "number = true", "needs number, a whole number"),
        ("2025-01-13T10:10:01Z", '"yesterday"', "needs timestamp as a date with time"),
        ('name = "mine"', 'name = "../mine"', "must be letters, digits and underscores"),
        ("[tables.nuclei.columns]", "[tables.nuclei.colums]", r"needs a section \[columns\]"),
        ('volume = "volume"', 'volume = { value = "big" }', "the value 'big' is not float"),
        ('volume = "volume"', "volume = {}", "exactly one of: from, value, row_number = true, unknown = true"),
        ('volume = "volume"', 'volume = { from = "volume", unit = "um" }', "is not a position"),
        ('volume = "volume"', 'volume = { from = "kind", map = { BC = 1 } }', "row 1: '23P' is not in the map"),
        ('schema = "nucleus', 'where = { kind = { like = 1 } }\nschema = "nucleus', "'like' is not one of is, not, in"),
        ('schema = "nucleus', 'where = { nope = 1 }\nschema = "nucleus', "cells.csv has no column 'nope'"),
        ("[files]", "[files", "mine.toml is not TOML"),
    ],
)
def test_what_is_wrong_in_the_toml_is_said(make: Make, old: str, new: str, sentence: str) -> None:
    assert old in HEAD + NUCLEI
    with pytest.raises(InputError, match=sentence):
        make(NUCLEI.replace(old, new), {"cells.csv": CELLS}, head=HEAD.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            'reference_table = "nuclei"',
            'reference_table = "nope"',
            "its reference_table 'nope' is not another table here",
        ),
        ('reference_table = "nuclei"\n', "", "a cell_type_reference needs reference_table"),
    ],
)
def test_references_must_lead_somewhere(make: Make, old: str, new: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        make(REFERENCE.replace(old, new), {"cells.csv": CELLS})


def test_files_of_different_versions_are_noticed_by_their_supervoxels(make: Make) -> None:
    files = {"synapses.tsv": {"x": [1, 2], "pre": [9, 8], "post": [3, 1], "sv": [33, 33]}}
    with pytest.raises(
        InputError, match="supervoxel 33 belongs to the roots 1 and 3: the files are of different versions"
    ):
        make(SYNAPSES, files)


def test_columns_of_one_name_and_broken_files_are_refused(make: Make) -> None:
    with pytest.raises(InputError, match="more than one column 'root'"):
        make(NUCLEI, {"cells.csv": "id,root,root,x,y,z,volume\n1,2,3,4,5,6,7\n"})
    with pytest.raises(InputError, match=r"cannot read cells\.csv"):
        make(NUCLEI, {"cells.csv": "id,root\n1,2,3\n"})
    with pytest.raises(InputError, match=r"cannot read cells\.csv"):
        make(NUCLEI, {"cells.csv": ""})
    with pytest.raises(InputError, match=r"cannot read cells\.parquet"):
        make(NUCLEI.replace("cells.csv", "cells.parquet"), {"cells.parquet": "this is no Parquet"})


def test_the_command_line_says_it_in_one_sentence(tmp_path: Path) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "localcave", "import", *words]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)

    (tmp_path / "mine.toml").write_text(HEAD + NUCLEI)
    failed = run(str(tmp_path / "mine.toml"), "-o", str(tmp_path / "out"))
    assert failed.returncode == 2
    assert failed.stderr == f"localcave: there is no file {tmp_path / 'cells.csv'}\n"
    (tmp_path / "data").mkdir()
    write_file(tmp_path / "data" / "cells.csv", CELLS)
    done = run(str(tmp_path / "mine.toml"), "-o", str(tmp_path / "out"), "--data", str(tmp_path / "data"))
    assert done.returncode == 0, done.stderr
    assert "3  nuclei" in done.stdout
    assert json.loads((tmp_path / "out" / "datastack.json").read_text())["datastack"] == "mine"


def test_the_example_of_the_manual_works(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "import.md").read_text()
    (toml,) = re.findall(r"```toml\n(.*?)```", page, flags=re.DOTALL)
    write_file(
        tmp_path / "cells.csv",
        {
            "nucleus_id": [5, 6],
            "x": [1.0, 2.0],
            "y": [1.0, 2.0],
            "z": [1.0, 2.0],
            "segment": [8, 9],
            "cell_type": ["a", ""],
        },
    )
    points = pa.array([[1, 2, 3]], pa.list_(pa.int32()))
    ids = {name: pa.array([n]) for n, name in enumerate(("id", "pre", "post"), start=7)}
    positions = {f"{name}_xyz": points for name in ("pre", "post", "ctr")}
    write_file(tmp_path / "synapses.parquet", {**ids, **positions, "size": pa.array([100.0])})
    (tmp_path / "mine.toml").write_text(toml)
    report = import_datastack(tmp_path / "mine.toml", tmp_path / "out", data=tmp_path)
    assert report.rows == {"nucleus_detection_v0": 2, "cell_types": 1, "synapses": 1}


def as_toml(value: Any) -> str:
    """One line of TOML for a value."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {as_toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_toml, value)) + "]"
    return value.isoformat() if isinstance(value, datetime) else json.dumps(value)


def leaves(value: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The paths of all keys of a TOML."""
    inner = (
        [leaf for key, item in value.items() for leaf in leaves(item, (*path, key))] if isinstance(value, dict) else []
    )
    return [path, *inner] if path else inner


USED = tomllib.loads(HEAD + REFERENCE)
WORDS = st.sampled_from(["from", "unit", "value", "in", "map", "above", "is", "empty", "x"])
JUNK = st.recursive(
    st.one_of(st.booleans(), st.integers(-(2**70), 2**70), st.floats(-1e300, 1e300), st.text("ab.[]{}/ µ", max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(["from", "unit", "value", "in", "map", "above", "is", "empty", "x"]), inner, max_size=3
        ),
    ),
    max_leaves=5,
)


@settings(max_examples=200, deadline=None)
@given(where=st.sampled_from(leaves(USED)), junk=JUNK)
def test_whatever_stands_in_the_toml_the_answer_is_a_sentence(
    where: tuple[str, ...], junk: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("junk")
    write_file(folder / "cells.csv", CELLS)
    raw = copy.deepcopy(USED)
    place = functools.reduce(lambda table, key: table[key], where[:-1], raw)
    place[where[-1]] = junk
    (folder / "c.toml").write_text("\n".join(f"{json.dumps(k)} = {as_toml(v)}" for k, v in raw.items()))
    with contextlib.suppress(InputError):
        import_datastack(folder / "c.toml", folder / "out")
        read_manifest(folder / "out")
