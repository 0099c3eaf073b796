"""Rows by id: the same from a few row groups as from the whole file, in whatever order it is."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from localcave.engine import store as engine_store
from localcave.engine.row_groups import groups_with
from localcave.engine.store import Source, Store
from localcave.folder.writer import FORMAT, MANIFEST, write_parquet

WANTED = ([7], [0, 499, 500], [-5, 10**9, 2**64, -(2**70)], list(range(400)), [])


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("stack")
    (folder / MANIFEST).write_text(json.dumps({"format": FORMAT, "datastack": "s", "info": {}, "versions": []}))
    return Store([folder])


@pytest.mark.parametrize("order", ["sorted", "unsorted", "copy"])
@pytest.mark.parametrize("ids", WANTED, ids=str)
def test_rows_of_ids_are_those_of_the_whole_file(store: Store, order: str, ids: list[int]) -> None:
    folder = next(iter(store.datastacks.values())).folder
    owner = np.random.default_rng(4).integers(0, 500, 2000)
    frame = pd.DataFrame({"owner": np.sort(owner) if order == "sorted" else owner, "id": np.arange(2000)})
    write_parquet(pa.Table.from_pandas(frame, preserve_index=False), folder / f"{order}.parquet", row_group_rows=50)
    copies = {}
    if order == "copy":
        copies["owner"] = folder / "other.parquet"
        by_owner = pa.Table.from_pandas(frame.sort_values("owner"), preserve_index=False)
        write_parquet(by_owner, copies["owner"], row_group_rows=50)
    source = Source("t", {}, folder / f"{order}.parquet", copies)
    groups = groups_with(copies.get("owner", source.path), "owner", ids)
    if order != "unsorted":
        assert (groups is None) == (len(ids) == 400)  # too many row groups to be worth it
        assert groups is None or len(groups) <= 2 * len(ids)

    known = [value for value in ids if abs(value) < 2**63]
    expected = frame[frame.owner.isin(known)]
    rows = store.rows_with(source, "owner", known).to_pandas().sort_values("id").reset_index(drop=True)
    pd.testing.assert_frame_equal(rows, expected.sort_values("id").reset_index(drop=True), check_dtype=False)
    different = store.rows_with(source, "owner", known, ["owner"])["owner"].to_pylist()
    assert sorted(different) == sorted(expected.owner.unique())


def test_queries_never_fill_the_working_folder_or_the_disk(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spilled = tmp_path / "spilled"
    (tmp_path / "working").mkdir()
    spilled.mkdir()
    monkeypatch.chdir(tmp_path / "working")
    monkeypatch.setattr(tempfile, "tempdir", str(spilled))
    folders = [stack.folder for stack in store.datastacks.values()]
    many = "SELECT max(r) FROM (SELECT row_number() OVER (ORDER BY hash(i)) AS r FROM range(3_000_000) AS t(i))"
    small = Store(folders, memory_limit="40MB")
    assert small.rows(many) == [(3_000_000,)]
    assert list(spilled.iterdir())
    monkeypatch.setattr(engine_store, "SPILLED", "1MB")
    with pytest.raises(duckdb.OutOfMemoryException, match="max_temp_directory_size"):
        Store(folders, memory_limit="40MB").rows(many)
    assert not list(Path.cwd().iterdir())
