"""The importer on small made files: what comes out is exactly what went in, or a sentence says why not."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
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
from localcave.folder.writer import read_manifest, segmentation_path, table_path
from localcave.importer.importing import import_datastack
from localcave.importer.schemas import schema_types
from tests.localcave.importing import CELLS, HEAD, NUCLEI, REFERENCE, SYNAPSES, Make, write_file
from tests.servers import ROOT

INT64_MAX = 2**63 - 1


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
    assert len(first) == 7


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


def test_the_command_line_says_it_in_one_sentence(tmp_path: Path) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "localcave", "import", *words]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)

    (tmp_path / "mine.toml").write_text(HEAD + NUCLEI)
    failed = run(str(tmp_path / "mine.toml"), "-o", str(tmp_path / "out"))
    assert failed.returncode == 2
    assert failed.stderr.startswith(f"localcave: there is no file {tmp_path / 'cells.csv'}; data in the TOML")
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
