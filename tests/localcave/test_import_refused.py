"""What the importer refuses: the file, column and row of a bad value, and what is wrong in the TOML, in a sentence."""

from __future__ import annotations

import contextlib
import copy
import functools
import gzip
import json
import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localcave.errors import InputError
from localcave.folder.writer import read_manifest
from localcave.importer.files import open_file
from localcave.importer.importing import import_datastack
from tests.localcave.importing import CELLS, HEAD, NUCLEI, REFERENCE, SYNAPSES, Make, write_file

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
        ('pt_root_id = "root"\n', "", "needs the column 'pt_root_id'; name that of .*value = 0"),
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


@pytest.mark.parametrize("left", [4, 30, -9, -2_000])
def test_a_gzip_file_that_is_cut_is_refused(tmp_path: Path, left: int) -> None:
    lines = "".join(f"{n},{n * n}\n" for n in range(20_000))
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(f"id,x\n{lines}".encode())[:left])
    with pytest.raises(InputError, match=r"cannot read cut\.csv\.gz: .*; it is cut or damaged"):
        open_file(tmp_path / "cut.csv.gz")


def test_columns_of_one_name_and_broken_files_are_refused(make: Make) -> None:
    with pytest.raises(InputError, match="more than one column 'root'"):
        make(NUCLEI, {"cells.csv": "id,root,root,x,y,z,volume\n1,2,3,4,5,6,7\n"})
    with pytest.raises(InputError, match=r"cannot read cells\.csv"):
        make(NUCLEI, {"cells.csv": "id,root\n1,2,3\n"})
    with pytest.raises(InputError, match=r"cannot read cells\.csv"):
        make(NUCLEI, {"cells.csv": ""})
    with pytest.raises(InputError, match=r"cannot read cells\.parquet"):
        make(NUCLEI.replace("cells.csv", "cells.parquet"), {"cells.parquet": "this is no Parquet"})


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
