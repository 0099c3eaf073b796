"""Cells of a folder that can stand for the examples of a notebook."""
# ruff: noqa: S608  names come from the manifest through `Source.sql`

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from localcave.engine.store import Datastack, Source, Store
from localcave.errors import InputError
from localcave.folder.writer import example_states

PROOFREADING = "proofreading_status_and_strategy"
MOST = 200


@dataclass(frozen=True)
class Examples:
    """What constants become. `segmentation` is the source of the graph, with a placeholder for the server's
    address; `versions` are those that have not expired, newest first, with their times; `roots`, `supervoxels` and
    `nuclei` are of the same cells in the same order; `state` is an id (None = no state)."""

    datastack: str
    segmentation: str
    versions: tuple[tuple[int, str], ...]
    roots: tuple[int, ...]
    supervoxels: tuple[int, ...]
    nuclei: tuple[int, ...]
    state: int | None

    @classmethod
    def of(cls, folder: Path) -> Examples:
        """Those of a datastack folder: proofread neurons with one nucleus, their root id the same at all versions, and
        first those of which most tables have something. Raises InputError when it has none."""
        store = Store([folder])
        (stack,) = store.datastacks.values()
        valid = sorted((number for number, record in stack.versions.items() if record["valid"]), reverse=True)
        cells = _cells(store, stack, valid)
        if not cells:
            raise InputError(f"{folder} has no proofread cells that could stand for the examples of a notebook")
        roots, supervoxels, nuclei = zip(*cells, strict=True)
        states = example_states(stack.folder)
        versions = tuple((number, str(stack.versions[number]["time_stamp"])) for number in valid)
        segmentation = str(stack.info["segmentation_source"])
        return cls(stack.name, segmentation, versions, roots, supervoxels, nuclei, min(states, default=None))


def _cells(store: Store, stack: Datastack, versions: list[int]) -> list[tuple[int, int, int]]:
    newest = versions[0]
    proofread, nuclei = stack.table(newest, PROOFREADING), stack.table(newest, stack.info["soma_table"] or "")
    if proofread is None or nuclei is None:
        return []
    others = [source for number in versions[1:] if (source := stack.table(number, PROOFREADING)) is not None]
    same = " ".join(f"AND p.pt_root_id IN (SELECT pt_root_id FROM {source.sql()})" for source in others)
    sql = (
        f"WITH mentions AS ({' UNION ALL '.join(_mentions(stack, newest, nuclei))}), "
        "ranks AS (SELECT root_id, count(*) AS n FROM mentions GROUP BY root_id) "
        f"SELECT p.pt_root_id, any_value(p.pt_supervoxel_id), any_value(n.id) FROM {proofread.sql()} p "
        f"JOIN {nuclei.sql()} n ON n.pt_root_id = p.pt_root_id JOIN ranks r ON r.root_id = p.pt_root_id "
        f"WHERE p.status_axon AND p.pt_root_id = p.valid_id {same} "
        f"GROUP BY p.pt_root_id HAVING count(*) = 1 ORDER BY any_value(r.n) DESC, 1 LIMIT {MOST}"
    )
    return [(int(root), int(supervoxel), int(nucleus)) for root, supervoxel, nucleus in store.rows(sql)]


def _mentions(stack: Datastack, version: int, nuclei: Source) -> list[str]:
    """Queries for the root ids of which each table has something: those that it assessed, or by their nuclei."""
    queries = []
    for name, record in stack.tables(version).items():
        source = stack.table(version, name)
        if source is not None and "valid_id" in source.columns:
            queries.append(f"SELECT DISTINCT valid_id AS root_id FROM {source.sql()}")
        elif source is not None and record["metadata"].get("reference_table") == stack.info["soma_table"]:
            nucleus = f"JOIN {nuclei.sql()} n ON n.id = t.target_id"
            queries.append(f"SELECT DISTINCT n.pt_root_id AS root_id FROM {source.sql()} t {nucleus}")
    return queries
