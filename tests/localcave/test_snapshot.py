"""Snapshots of a localcave that stands for a far CAVE: what is baked is exactly what the source has."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import flask
import pandas as pd
import pyarrow.parquet as pq
import pytest
from caveclient import CAVEclient
from flask.testing import FlaskClient

from api import blueprint
from localcave.errors import InputError
from localcave.folder.summary import damage
from localcave.folder.writer import read_manifest
from localcave.golden import convert
from localcave.snapshot.run import Condition, Request
from localcave.snapshot.taking import Snapshot, SnapshotReport
from services.cave.client import Cave
from services.core.settings import Settings
from tests.localcave.faulty_proxy import faulty_proxy
from tests.servers import ROOT, start_localcave

STACK = "karst_demo"
GOLDEN = ROOT / "tests" / "contract" / "golden"
SYNAPSES = "synapses_pni_2"
CELL_TYPES = "aibs_metamodel_celltypes_v661"
PROOFREADING = "proofreading_status_and_strategy"
FEW_TABLES = (CELL_TYPES, "synapse_target_predictions_ssa")
"""One that is brought whole and one by the synapses that it refers to, for tests of how a snapshot goes on."""


def connect(url: str, version: int) -> CAVEclient:
    return CAVEclient(STACK, server_address=url, auth_token="any", write_server_cache=False, version=version)


@pytest.fixture(scope="module")
def version(small_cortex: Path) -> int:
    return int(read_manifest(small_cortex)["versions"][0]["version"])


@pytest.fixture(scope="module")
def far_url(small_cortex: Path) -> Iterator[str]:
    """A server whose row limit is far below the number of synapses."""
    with start_localcave([small_cortex], "--row-limit", "7000") as url:
        yield url


def take(request: Request, folder: Path) -> SnapshotReport:
    return Snapshot.prepare(request, folder).take()


def request_to(url: str, version: int, **changes: object) -> Request:
    usual = {"token": "any", "rows_per_request": 5000, "first_wait_s": 0.01, "attempts": 12}
    return Request(STACK, (version,), url, **{**usual, **changes})


def everything(url: str, version: int, table: str) -> pd.DataFrame:
    frame = connect(url, version).materialize.query_table(
        table, split_positions=True, merge_reference=False, metadata=False, log_warning=False
    )
    return frame.sort_values("id").reset_index(drop=True)


def same(got: pd.DataFrame, expected: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(got[expected.columns], expected, check_exact=True)
    assert set(got.columns) == set(expected.columns)


def test_a_snapshot_through_a_bad_network_equals_its_source(
    small_cortex: Path, localcave_url: str, far_url: str, version: int, tmp_path: Path
) -> None:
    folder = tmp_path / "snapshot"
    with faulty_proxy(far_url, rate=0.2) as proxy:
        report = take(request_to(proxy.url, version, synapses_of="all"), folder)
        assert {"drop", "unavailable", "cut", "cut_politely"} <= proxy.met.keys()
    assert report.notes == ()
    tables = read_manifest(small_cortex)["tables"][str(version)]
    assert report.rows[version] == {name: entry["row_count"] for name, entry in tables.items()} | {
        name: entry["row_count"] for name, entry in read_manifest(small_cortex)["views"].get(str(version), {}).items()
    }
    with start_localcave([folder]) as url:
        here, far = connect(url, version), connect(localcave_url, version)
        for table in tables:
            same(everything(url, version, table), everything(localcave_url, version, table))
            assert here.materialize.get_table_metadata(table) == far.materialize.get_table_metadata(table)
        joined = [c.materialize.query_table(CELL_TYPES, split_positions=True, metadata=False) for c in (here, far)]
        same(*(frame.sort_values("id").reset_index(drop=True) for frame in joined))
        assert here.materialize.get_version_metadata(version) == far.materialize.get_version_metadata(version)
        infos = [c.info.get_datastack_info() for c in (here, far)]
        for key in ("soma_table", "synapse_table", "viewer_resolution_x", "viewer_site", "description"):
            assert infos[0][key] == infos[1][key]
        assert infos[0]["segmentation_source"].startswith(f"graphene://{url}/")
        roots = [int(root) for root in joined[0].pt_root_id.unique() if root][:50]
        assert here.chunkedgraph.is_latest_roots(roots, timestamp=far.materialize.get_timestamp(version)).all()


def test_synapses_of_proofread_cells_are_those_and_no_others(
    localcave_url: str, far_url: str, version: int, tmp_path: Path
) -> None:
    take(request_to(far_url, version, tables=(CELL_TYPES,), synapses_of="proofread"), tmp_path / "s")
    proofread = everything(localcave_url, version, PROOFREADING)
    cells = set(proofread.pt_root_id[proofread.status_axon.fillna(False)]) - {0}
    synapses = everything(localcave_url, version, SYNAPSES)
    expected = synapses[synapses.pre_pt_root_id.isin(cells) | synapses.post_pt_root_id.isin(cells)]
    assert 0 < len(expected) < len(synapses)
    manifest = read_manifest(tmp_path / "s")
    assert set(manifest["tables"][str(version)]) == {CELL_TYPES, "nucleus_detection_v0", PROOFREADING, SYNAPSES}
    with start_localcave([tmp_path / "s"]) as url:
        same(everything(url, version, SYNAPSES), expected.reset_index(drop=True))


def test_cells_can_be_named_by_ids_a_file_or_a_table(
    localcave_url: str, far_url: str, version: int, tmp_path: Path
) -> None:
    synapses = everything(localcave_url, version, SYNAPSES)
    busy = [int(root) for root in synapses.post_pt_root_id.value_counts().index[:3] if root]
    expected = (synapses.pre_pt_root_id.isin(busy) | synapses.post_pt_root_id.isin(busy)).sum()
    (tmp_path / "cells.txt").write_text("\n".join(map(str, busy)))
    for number, cells in enumerate((",".join(map(str, busy)), str(tmp_path / "cells.txt"))):
        report = take(request_to(far_url, version, tables=(PROOFREADING,), synapses_of=cells), tmp_path / str(number))
        assert report.rows[version][SYNAPSES] == expected
    report = take(request_to(far_url, version, tables=(PROOFREADING,), synapses_of=CELL_TYPES), tmp_path / "table")
    types = connect(localcave_url, version).materialize.query_table(CELL_TYPES)
    typed = set(types.pt_root_id) - {0}
    assert (
        report.rows[version][SYNAPSES]
        == (synapses.pre_pt_root_id.isin(typed) | synapses.post_pt_root_id.isin(typed)).sum()
    )


def test_an_interrupted_snapshot_goes_on_where_it_stopped(far_url: str, version: int, tmp_path: Path) -> None:
    wanted = {"tables": FEW_TABLES, "synapses_of": "all", "attempts": 2}
    with faulty_proxy(far_url, rate=0) as proxy:
        take(request_to(proxy.url, version, **wanted), tmp_path / "whole")
        needed = proxy.met["passed"]
        proxy.requests_left = needed // 2
        with pytest.raises(InputError, match="the same command goes on from there"):
            take(request_to(proxy.url, version, **wanted), tmp_path / "parts")
        with pytest.raises(FileNotFoundError):
            read_manifest(tmp_path / "parts")
        before = proxy.met["passed"]
        proxy.requests_left = None
        report = take(request_to(proxy.url, version, **wanted), tmp_path / "parts")
        assert proxy.met["passed"] - before < 0.8 * needed, "what was brought is not asked for again"
    digests = [
        {
            name: entry["sha256"]
            for name, entry in read_manifest(tmp_path / n)["source"]["files"].items()
            if "tables" in name
        }
        for n in ("whole", "parts")
    ]
    assert digests[0] == digests[1]
    assert (
        report.rows[version][SYNAPSES] == sum(1 for _ in everything(far_url, version, SYNAPSES).index)
        or report.rows[version][SYNAPSES] > 7000
    )
    assert not (tmp_path / "parts" / "pieces").exists()


def test_a_killed_snapshot_goes_on(far_url: str, version: int, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "localcave", "snapshot", STACK, "--version", str(version), "--server", far_url]
    command += ["-o", str(tmp_path / "s"), "--synapses-of", "all", "--rows-per-request", "2000", "--jobs", "2"]
    command += ["--tables", *FEW_TABLES]
    environ = {**os.environ, "CAVE_TOKEN": "any"}
    process = subprocess.Popen(command, cwd=ROOT, env=environ, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    pieces = tmp_path / "s" / "pieces" / str(version) / SYNAPSES
    deadline = time.monotonic() + 60
    while len(list(pieces.glob("*.parquet"))) < 3:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "Snapshot of karst_demo" in done.stdout
    assert damage(tmp_path / "s") == []
    again = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert again.returncode == 2
    assert "already holds karst_demo" in again.stderr


def test_damage_is_found(far_url: str, version: int, tmp_path: Path) -> None:
    take(request_to(far_url, version, tables=(PROOFREADING,)), tmp_path / "s")
    assert damage(tmp_path / "s") == []
    name = f"tables/{version}/{PROOFREADING}.parquet"
    path = tmp_path / "s" / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert damage(tmp_path / "s") == [f"{name} is not the file that was written"]
    path.unlink()
    assert damage(tmp_path / "s") == [f"{name} is missing"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"tables": ("aibs_metamodel_celltype_v661",)},
            "has no table or view .*; did you mean aibs_metamodel_celltypes_v661",
        ),
        ({"synapses_of": "nonsense"}, "has no table or view 'nonsense'"),
        ({"versions": (3,)}, "karst_demo has no version 3; it has"),
        ({"datastack": "nope"}, "cannot reach nope"),
    ],
)
def test_what_cannot_be_had_is_said(
    far_url: str, version: int, tmp_path: Path, changes: dict[str, object], sentence: str
) -> None:
    usual = {"datastack": STACK, "versions": (version,), "server": far_url, "token": "any", "attempts": 2}
    with pytest.raises(InputError, match=sentence):
        take(Request(**{**usual, **changes}), tmp_path / "s")


def test_a_server_that_is_not_there_is_said(version: int, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot reach karst_demo on http://127\.0\.0\.1:9: tried 2 times"):
        take(request_to("http://127.0.0.1:9", version, attempts=2), tmp_path / "s")


def test_a_folder_of_other_things_is_left_alone(far_url: str, version: int, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("x")
    with pytest.raises(InputError, match="holds other files"):
        take(request_to(far_url, version), tmp_path)
    mark = tmp_path / "s" / "pieces" / "request.json"
    mark.parent.mkdir(parents=True)
    mark.write_text(json.dumps({"datastack": "other"}))
    with pytest.raises(InputError, match="unfinished snapshot"):
        take(request_to(far_url, version), tmp_path / "s")


@pytest.fixture(scope="module")
def conformance(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The conformance data as a datastack, `golden`."""
    (folder, *_) = convert(GOLDEN, tmp_path_factory.mktemp("golden"))
    return folder


@pytest.mark.parametrize("number", [117, 120])
def test_views_private_tables_and_split_versions(number: int, conformance: Path, tmp_path: Path) -> None:
    """The conformance data has what the demo has not: views, nulls of every kind, tables that are not ours to read."""
    with start_localcave([conformance], "--row-limit", "4000") as url:
        wanted = {"datastack": "golden", "rows_per_request": 5000, "synapses_of": "all"}
        report = take(Request(versions=(number,), server=url, token="any", **wanted), tmp_path / "s")
    assert [note.split()[0] for note in report.notes] == ["private_table", "private_table_b"]
    manifest = read_manifest(conformance)
    compared = 0
    for kind in ("tables", "views"):
        for name in manifest[kind].get(str(number), {}):
            if not name.startswith("private"):
                got, expected = (
                    pq.read_table(f / kind / str(number) / f"{name}.parquet").to_pandas(types_mapper=pd.ArrowDtype)
                    for f in (tmp_path / "s", conformance)
                )
                order = ["id"] if "id" in expected else list(expected)
                columns = list(expected)
                pd.testing.assert_frame_equal(
                    got[columns].sort_values(order, ignore_index=True), expected.sort_values(order, ignore_index=True)
                )
                compared += 1
    assert compared == len(report.rows[number])


def test_chosen_rows_of_several_versions_with_all_that_a_lesson_needs(
    small_cortex: Path, localcave_url: str, far_url: str, tmp_path: Path
) -> None:
    """In one command, told beforehand how much it is; then served, and read by caveclient and by pages' services. Of a
    server that wants no token, by somebody who has none."""
    old, new = (v["version"] for v in read_manifest(small_cortex)["versions"] if v["valid"])
    folder = tmp_path / "class"
    command = [sys.executable, "-m", "localcave", "snapshot", STACK, "--version", str(new), str(old), "--server"]
    command += [far_url, "-o", str(folder), "--tables", PROOFREADING, "--where", f"{CELL_TYPES}.cell_type=BC,BPC"]
    command += ["--skeletons"]
    without = {**os.environ, "CAVE_TOKEN": "", "HOME": str(tmp_path)}  # where caveclient would look for a token
    done = subprocess.run(command, cwd=ROOT, env=without, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    promise = re.search(
        r"([\d,]+) rows and ([\d,]+) skeletons: about (\d+|less than 1) MB and [\d,]+ (s|min)", done.stderr
    )
    assert promise, done.stderr
    manifest = read_manifest(folder)
    kept = sum(entry["row_count"] for tables in manifest["tables"].values() for entry in tables.values())
    assert kept <= int(promise[1].replace(",", "")) < 1.2 * kept  # synapses among the cells are counted from both sides
    size = sum(path.stat().st_size for path in folder.rglob("*.parquet"))
    assert size / 1.5 < 1e6 * float(promise[3].replace("less than 1", "0.5")) < 1.5 * size
    assert damage(folder) == []

    with start_localcave([folder]) as url:
        for number in (old, new):
            types = everything(localcave_url, number, CELL_TYPES)
            types = types[types.cell_type.isin(["BC", "BPC"])].reset_index(drop=True)
            same(everything(url, number, CELL_TYPES), types)
            nuclei = everything(localcave_url, number, "nucleus_detection_v0")
            cells = set(nuclei[nuclei.id.isin(types.target_id)].pt_root_id) - {0}
            synapses = everything(localcave_url, number, SYNAPSES)
            of_cells = synapses.pre_pt_root_id.isin(cells) | synapses.post_pt_root_id.isin(cells)
            same(everything(url, number, SYNAPSES), synapses[of_cells].reset_index(drop=True))
            here = connect(url, number)
            assert here.chunkedgraph.is_latest_roots(sorted(cells), timestamp=here.materialize.get_timestamp()).all()
        there = connect(localcave_url, new).skeleton
        skeletons = [
            int(root) for root, exists in there.skeletons_exist(root_ids=sorted(map(int, cells))).items() if exists
        ]
        assert int(promise[2].replace(",", "")) >= len(skeletons) > 0
        got, expected = (s.get_skeleton(skeletons[0], output_format="dict") for s in (here.skeleton, there))
        for part in ("vertices", "edges", "radius", "compartment"):
            assert got[part].tolist() == expected[part].tolist()
        partners = [
            api_of(server).get(f"/api/v1/{STACK}/{new}/cells/{skeletons[0]}/partners?direction=in&types={CELL_TYPES}")
            for server in (url, localcave_url)
        ]
        assert [p.status_code for p in partners] == [200, 200]
        rows = [sorted((row["root_id"], row["num_syn"]) for row in p.get_json()["rows"]) for p in partners]
        assert rows[0] == rows[1] != []


def api_of(url: str) -> FlaskClient:
    """Karst's API over a localcave."""
    app = flask.Flask("test_api")
    app.extensions["karst"] = Cave(Settings(server_address=url, cache=""))
    app.register_blueprint(blueprint)
    return app.test_client()


@pytest.mark.parametrize(
    ("condition", "sentence"),
    [
        ("cell_type=BC", "is no condition; write TABLE.COLUMN=VALUE"),
        (f"{CELL_TYPES}.cell_type=", "is no condition"),
        (f"{CELL_TYPES}.kind=BC", f"{CELL_TYPES} has no column 'kind'; it has .*cell_type"),
        ("nope.cell_type=BC", "has no table or view 'nope'"),
        (f"{CELL_TYPES}.cell_type=BC5,L99", f"no row of {CELL_TYPES} in version [0-9]+ has cell_type=BC5,L99"),
        (f"{SYNAPSES}.size=-7", f"no row of {SYNAPSES} in version [0-9]+ has size=-7"),
        (f"{SYNAPSES}.valid=true", f"no row of {SYNAPSES} of the chosen cells meets the condition"),
        (f"{SYNAPSES}.pre_pt_root_id=5", "are chosen by their pre_pt_root_id already"),
    ],
)
def test_conditions_that_cannot_be_met_are_said(
    far_url: str, version: int, tmp_path: Path, condition: str, sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        take(request_to(far_url, version, where=(Condition.of(condition),), synapses_of="1"), tmp_path / "s")


def test_synapses_that_a_condition_chooses_come_without_cells_being_chosen(
    far_url: str, localcave_url: str, version: int, tmp_path: Path
) -> None:
    every = everything(localcave_url, version, SYNAPSES)
    sizes = every["size"].value_counts().head(2).index.tolist()
    condition = Condition.of(f"{SYNAPSES}.size={sizes[0]},{sizes[1]}")
    report = take(request_to(far_url, version, tables=(PROOFREADING,), where=(condition,)), tmp_path / "s")
    assert report.rows[version][SYNAPSES] == every["size"].isin(sizes).sum() > 0


def test_values_of_conditions_are_text_only_where_they_are_not_numbers() -> None:
    assert Condition.of('t.c=1, -2.5,true,"3",a b').values == (1, -2.5, True, "3", "a b")
