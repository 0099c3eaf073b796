"""A class: thirty students at one lesson at once, and what their viewers ask of localcave.

`python -m benchmarks.classroom [FOLDER]` measures these alone, over a folder of the demo (default: .data/karst_demo).
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests
from caveclient import CAVEclient

from benchmarks.measure import HEAD, Row
from tests.servers import karst, start_localcave

STUDENTS = 30
PAUSE_S = (0.5, 1.5)
"""How long a student looks at an answer before the next step."""
PATIENCE_S = 60
API = "/api/v1/karst_demo/latest"
TYPES, PROOFREADING = "aibs_metamodel_celltypes_v661", "proofreading_status_and_strategy"
CELLS = 30


def rows(server: str) -> Iterator[Row]:
    """The class, and medians of a mesh manifest, a skeleton and a level 2 graph, over the demo served at `server`."""
    client = CAVEclient("karst_demo", server_address=server, auth_token="any", write_server_cache=False)
    proofread = client.materialize.query_table(PROOFREADING, limit=CELLS)
    cells = client.chunkedgraph.get_roots(proofread["pt_supervoxel_id"].to_numpy()).tolist()
    graph = f"{server}/segmentation/api/v1/table/karst_demo_pcg/node"
    targets = {
        "mesh manifest": (f"{server}/meshing/api/v1/table/karst_demo_pcg/manifest/{{}}:0?verify=1", "20 ms"),
        "skeleton": (f"{server}/skeletoncache/api/v1/karst_demo/precomputed/skeleton/4/{{}}/flatdict", "15 ms"),
        "level 2 graph": (f"{graph}/{{}}/lvl2_graph", "100 ms"),
    }
    for what, (url, target) in targets.items():
        yield Row(f"{what} of a cell, median", f"{_median_ms(url, cells):.1f} ms", target=f"< {target}")
    with tempfile.TemporaryDirectory() as cache, karst(server, cache) as app:
        yield _class(app, proofread["pt_root_id"].tolist())


def _median_ms(url: str, cells: list[int]) -> float:
    taken = []
    with requests.Session() as session:
        for root in cells:
            started = time.perf_counter()
            session.get(url.format(root), timeout=PATIENCE_S).raise_for_status()
            taken.append(time.perf_counter() - started)
    return 1000 * statistics.median(taken)


def _class(app: str, roots: list[int]) -> Row:
    """All students at the lesson on a cell's partners, each with another cell, from a start with nothing kept."""
    started = time.perf_counter()
    with ThreadPoolExecutor(STUDENTS) as students:
        answers = [
            answer
            for one in students.map(lambda number: _student(app, roots[number % len(roots)], number), range(STUDENTS))
            for answer in one
        ]
    took = time.perf_counter() - started
    errors = sum(status >= 400 or status == 0 for _, status, _ in answers)
    api = sorted(seconds for path, _, seconds in answers if path.startswith("/api/"))
    p95 = api[int(0.95 * (len(api) - 1))]
    figure = f"{errors} errors in {len(answers)} requests, API p95 {1000 * p95:.0f} ms, over in {took:.0f} s"
    return Row(f"{STUDENTS} students at a lesson at once", figure, target="0 errors, API p95 < 1500 ms")


def _student(app: str, root: int, number: int) -> list[tuple[str, int, float]]:
    """Path, status (0 = no answer) and seconds of each request of a student."""
    answers = []
    pause = random.Random(number)
    with requests.Session() as session:
        for method, path, body in (
            ("GET", "/lessons?lesson=6_outputs", None),
            ("GET", f"/connectivity-viewer?cell={root}&tab=out", None),
            ("GET", f"{API}/cells/{root}/partners?direction=out&types={TYPES}", None),
            ("GET", f"{API}/cells/{root}/synapses?direction=out&format=csv", None),
            ("GET", f"{API}/cells/{root}/partners?direction=in&types={TYPES}", None),
            ("GET", f"{API}/tables/{TYPES}/rows?filter=cell_type+%3D+BC&limit=100", None),
            ("GET", f"{API}/cells/{root}/arbor", None),
            ("POST", f"{API}/neuroglancer", {"cell": str(root)}),
        ):
            time.sleep(pause.uniform(*PAUSE_S))
            started = time.perf_counter()
            try:
                status = session.request(method, app + path, json=body, timeout=PATIENCE_S).status_code
            except requests.RequestException:
                status = 0
            answers.append((path, status, time.perf_counter() - started))
    return answers


def main(folder: Path) -> None:
    """Serve the folder and print the table."""
    with start_localcave([folder]) as server:
        print(HEAD)
        for row in rows(server):
            print(row, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else ".data/karst_demo"))
