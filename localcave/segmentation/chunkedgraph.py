"""The chunkedgraph of a datastack: which root a supervoxel belongs to, when, and what became of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from localcave.cave_errors import CaveError
from localcave.engine.store import Datastack, Source, Store
from localcave.folder import writer
from localcave.segmentation.chunks import POSITION_BITS, Chunks

Ids = npt.NDArray[np.int64]
OPAQUE_SCALE = {
    "key": "8_8_40",
    "resolution": [8, 8, 40],
    "size": [100000, 100000, 10000],
    "voxel_offset": [0, 0, 0],
    "chunk_sizes": [[64, 64, 64]],
    "encoding": "raw",
}
"""Of a segmentation of which no more is known than some points."""
MESH_METADATA = {"uniform_draco_grid_size": 1, "unsharded_mesh_dir": "dynamic"}


@dataclass(frozen=True)
class EditEdge:
    """The two supervoxels that an edit joined or parted, and a point in each, in voxels of 8 x 8 x 40 nm."""

    supervoxels: tuple[int, ...]
    places_vx: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Operation:
    """A merge or a split; `edges` is None where it is not known between which supervoxels it was."""

    id: int
    kind: str
    time: datetime
    user_id: str
    before: tuple[int, ...]
    after: tuple[int, ...]
    edges: tuple[EditEdge, ...] | None = None


@dataclass(frozen=True)
class Life:
    """When a root was valid: from `created` until before `expired` (None: still valid)."""

    created: datetime
    expired: datetime | None


class Segmentation:
    """Answers for one segmentation table. Times are aware datetimes in UTC, ids int64."""

    def __init__(self, store: Store, stack: Datastack):
        self.store = store
        self.name: str = stack.manifest["segmentation"]["table"]
        self.datastack = stack.name
        self.chunks = Chunks.of(stack.manifest["segmentation"].get("graph"))
        self.oldest = parse_time(stack.manifest["segmentation"]["oldest"])
        path, by_root = (
            writer.segmentation_path(stack.folder, f"supervoxels{order}.parquet") for order in ("", ".by_root_id")
        )
        copies = {"root_id": by_root} if by_root.exists() else {}
        self._supervoxels = Source("supervoxels", {}, path, copies)
        self._history_path = writer.segmentation_path(stack.folder, "history.parquet")
        self._operations_path = writer.segmentation_path(stack.folder, "operations.json")

    def info(self, address: str, scales: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """The graph's description, for a server at `address`; `data_dir` holds the supervoxel of every voxel, at
        `scales`, and the meshes."""
        return {
            "data_type": "uint64",
            "type": "segmentation",
            "num_channels": 1,
            "mesh": "mesh",
            "data_dir": f"{address}/precomputed/{self.datastack}/supervoxels",
            "graph": self.chunks.graph(),
            "scales": list(scales) if self.chunks.known else [OPAQUE_SCALE],
            "app": {"supported_api_versions": [0, 1]},
            "sharded_mesh": True,
            "verify_mesh": False,
            **({"mesh_metadata": MESH_METADATA} if self.chunks.known else {}),
        }

    # ------------------------------------------------------------------ what is known of edits
    @cached_property
    def operations(self) -> list[Operation]:
        records = json.loads(self._operations_path.read_text())
        return [
            Operation(
                record["operation_id"],
                record["kind"],
                parse_time(record["timestamp"]),
                str(record["user_id"]),
                tuple(map(int, record["before_root_ids"])),
                tuple(map(int, record["after_root_ids"])),
                _edges(record.get("edges")),
            )
            for record in records
        ]

    @cached_property
    def _history(self) -> tuple[Ids, Ids, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """supervoxel, root, created and expired (microseconds) of edited cells, sorted by supervoxel."""
        table = pq.read_table(self._history_path)
        supervoxel = table["supervoxel_id"].to_numpy()
        order = np.argsort(supervoxel, kind="stable")
        created = _microseconds(table["created"], default=np.iinfo(np.int64).min)
        expired = _microseconds(table["expired"], default=np.iinfo(np.int64).max)
        return supervoxel[order], table["root_id"].to_numpy()[order], created[order], expired[order]

    @cached_property
    def lives(self) -> dict[int, Life]:
        """Lives of all roots that were made or ended by an edit."""
        lives: dict[int, Life] = {}
        _, roots, created, expired = self._history
        _, first = np.unique(roots, return_index=True)
        for i in first:
            ended = None if expired[i] == np.iinfo(np.int64).max else from_microseconds(int(expired[i]))
            lives[int(roots[i])] = Life(from_microseconds(int(created[i])), ended)
        for operation in self.operations:
            for root in operation.before:
                life = lives.get(root, Life(self.oldest, None))
                lives[root] = Life(life.created, operation.time)
            for root in operation.after:
                life = lives.get(root, Life(operation.time, None))
                lives[root] = Life(operation.time, life.expired)
        return lives

    def known(self, roots: Iterable[int]) -> set[int]:
        """Those of the ids that are or were a root."""
        requests = set(roots)
        edited = requests & self.lives.keys()
        unedited = sorted(requests - edited - {0})
        if not unedited:
            return edited
        return edited | set(self._rows_with("root_id", unedited, ["root_id"])["root_id"].to_pylist())

    def life(self, root: int) -> Life | None:
        """When a root was valid; None for an id that never was one."""
        if root in self.lives:
            return self.lives[root]
        return Life(self.oldest, None) if root in self.known([root]) else None

    # ------------------------------------------------------------------ roots and leaves
    def roots_at(self, nodes: Ids, time: datetime) -> Ids:
        """Root of each supervoxel or level 2 id at a time; 0 where there is none."""
        supervoxels = self._one_supervoxel_each(nodes)
        result = self.newest_roots(supervoxels)
        history, roots, created, expired = self._history
        moment = to_microseconds(time)
        start = np.searchsorted(history, supervoxels, "left")
        stop = np.searchsorted(history, supervoxels, "right")
        for i in np.flatnonzero(stop > start):
            rows = slice(start[i], stop[i])
            valid = (created[rows] <= moment) & (moment < expired[rows])
            if valid.any():
                result[i] = roots[rows][np.argmax(valid)]
        return result

    @staticmethod
    def now() -> datetime:
        """The present time."""
        return datetime.now(UTC)

    def level2_of(self, supervoxels: Ids) -> Ids:
        """Level 2 id of each supervoxel; 0 where there is none."""
        return self._of_supervoxels(supervoxels, "level2_id")

    def covering(self, supervoxels: Ids) -> Ids:
        """The fewest nodes of now that have some supervoxels, and no others: roots, then level 2 ids, then single ones,
        each in ascending order."""
        roots, level2 = self.newest_roots(supervoxels), self.level2_of(supervoxels)
        chosen, remaining = [], np.ones(len(supervoxels), bool)
        for nodes in (roots, level2):
            for node, number in zip(*np.unique(nodes[remaining], return_counts=True), strict=True):
                if node and number == len(self.leaves(int(node))):
                    chosen.append(int(node))
                    remaining &= nodes != node
        return np.array([*chosen, *supervoxels[remaining].tolist()], np.int64)

    def _one_supervoxel_each(self, nodes: Ids) -> Ids:
        """Level 2 ids replaced by the first of their supervoxels, all of which have the same root."""
        level2 = np.unique(nodes[nodes >> POSITION_BITS == 2])
        if not len(level2):
            return nodes
        rows = self._rows_with("level2_id", level2.tolist(), ["level2_id", "supervoxel_id"])
        result = rows.group_by("level2_id").aggregate([("supervoxel_id", "min")])
        first = dict(zip(result["level2_id"].to_pylist(), result["supervoxel_id_min"].to_pylist(), strict=True))
        return np.array([first.get(node, node) for node in nodes.tolist()], np.int64)

    def newest_roots(self, supervoxels: Ids) -> Ids:
        """Root of now of each supervoxel; 0 where there is none."""
        return self._of_supervoxels(supervoxels, "root_id")

    def _of_supervoxels(self, supervoxels: Ids, column: str) -> Ids:
        requested, inverse = np.unique(supervoxels, return_inverse=True)
        result = self._rows_with("supervoxel_id", requested.tolist(), ["supervoxel_id", column])
        values = np.zeros(len(requested), np.int64)
        values[np.searchsorted(requested, result["supervoxel_id"].to_numpy())] = result[column].to_numpy()
        return values[inverse]

    def leaves(self, node: int, *, level2: bool = False) -> Ids:
        """Supervoxels (or level 2 ids) of a root, valid or expired, or of a level 2 id, in ascending order."""
        column = "level2_id" if level2 else "supervoxel_id"
        if node in self.lives:
            history, roots, _, _ = self._history
            supervoxels = np.unique(history[roots == node])
            if not level2:
                return supervoxels
            owner, ids = "supervoxel_id", supervoxels.tolist()
        else:
            owner, ids = "level2_id" if node >> POSITION_BITS == 2 else "root_id", [node]
        return np.sort(self._rows_with(owner, ids, [column])[column].to_numpy())

    def _rows_with(self, column: str, ids: Sequence[int], columns: Sequence[str]) -> pa.Table:
        """What differs in some columns of the supervoxels whose `column` is one of `ids`."""
        return self.store.rows_with(self._supervoxels, column, ids, columns)

    def is_latest(self, roots: Sequence[int], time: datetime) -> list[bool]:
        """For each id whether it is a root that is valid at a time."""
        existing = self.known(roots)
        return [root in existing and self._valid(root, time) for root in roots]

    def _valid(self, root: int, time: datetime) -> bool:
        life = self.lives.get(root)
        if life is None:
            return time >= self.oldest
        return life.created <= time and (life.expired is None or time < life.expired)

    # ------------------------------------------------------------------ lineage
    def ancestors(self, root: int, since: datetime) -> set[int]:
        """The root and all it was made of that still existed at a time."""
        return self._walk(root, {o: (o.after, o.before) for o in self.operations if o.time >= since})

    def descendants(self, root: int, until: datetime) -> set[int]:
        """The root and all that became of it up to a time."""
        return self._walk(root, {o: (o.before, o.after) for o in self.operations if o.time <= until})

    @staticmethod
    def _walk(root: int, steps: dict[Operation, tuple[tuple[int, ...], tuple[int, ...]]]) -> set[int]:
        result, waiting = {root}, [root]
        while waiting:
            current = waiting.pop()
            for before, after in steps.values():
                new = set(after) - result if current in before else set()
                result |= new
                waiting += new
        return result

    def past_ids(self, root: int, past: datetime) -> list[int]:
        """The roots at a past time that a root is made of."""
        older = [r for r in self.ancestors(root, past) if self._valid(r, past)]
        return sorted(older)

    def lineage_graph(self, roots: Sequence[int], past: datetime, future: datetime) -> dict[str, Any]:
        """A node-link graph of all that the roots were made of and became between two times."""
        nodes: set[int] = set()
        for root in roots:
            nodes |= self.ancestors(root, past) | self.descendants(root, future)
        built = {root: operation for operation in self.operations for root in operation.after}
        links = [
            {"source": before, "target": after}
            for operation in self.operations
            if past <= operation.time <= future
            for before in operation.before
            for after in operation.after
            if before in nodes and after in nodes
        ]
        return {
            "directed": True,
            "multigraph": False,
            "graph": {},
            "nodes": [
                {
                    "id": node,
                    "timestamp": (self.lives[node].created if node in self.lives else self.oldest).timestamp(),
                    **({"operation_id": built[node].id} if node in built else {}),
                }
                for node in sorted(nodes)
            ],
            "links": links,
        }

    def operations_of(self, root: int) -> list[Operation]:
        """The edits that made a root, oldest first."""
        family = self.ancestors(root, self.oldest)
        return [operation for operation in self.operations if family & set(operation.after)]

    def delta_roots(self, past: datetime, future: datetime) -> tuple[list[int], list[int]]:
        """Roots that ended and roots that were made between two times and still stand at the later one."""
        old = [root for root, life in self.lives.items() if life.created <= past and not self._valid(root, future)]
        new = [root for root, life in self.lives.items() if past < life.created and self._valid(root, future)]
        return sorted(root for root in old if self._valid(root, past)), sorted(new)

    def last_valid(self, root: int, moment: datetime) -> datetime:
        """When a root was replaced, or the time asked for if it was still valid then.

        Raises CaveError for an id that never was a root, or that was none yet.
        """
        life = self.require(root)
        if moment < life.created:
            raise CaveError(500, {"code": 500, "message": f"{root} is newer than the timestamp"})
        return moment if life.expired is None else min(moment, life.expired)

    def require(self, root: int) -> Life:
        """The life of a root. Raises CaveError for an id that never was one."""
        life = self.life(root)
        if life is None:
            raise CaveError(500, {"code": 500, "message": f"Cannot read timestamps for {root}"})
        return life


def _edges(records: Sequence[Mapping[str, Any]] | None) -> tuple[EditEdge, ...] | None:
    if records is None:
        return None
    return tuple(
        EditEdge(tuple(record["supervoxel_ids"]), tuple(map(tuple, record["positions_vx"]))) for record in records
    )


def parse_time(text: str) -> datetime:
    """An ISO time, UTC where it names no zone."""
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def to_microseconds(time: datetime) -> int:
    """Microseconds since 1970."""
    return round(time.timestamp() * 1e6)


def from_microseconds(value: int) -> datetime:
    """The time so many microseconds after 1970."""
    return datetime.fromtimestamp(value / 1e6, UTC)


def _microseconds(column: pa.ChunkedArray, default: int) -> npt.NDArray[np.int64]:
    moments = column.cast(pa.timestamp("us", "UTC")).cast(pa.int64())
    result: npt.NDArray[np.int64] = moments.fill_null(default).to_numpy()
    return result
