"""What the segmentation can be asked: which root ids are valid at a version, and which took the place of others."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pandas as pd

from services.cache.shared import Cache
from services.cave.client import Cave
from services.cave.failures import CHECK, Subject
from services.core.errors import NotFound
from services.core.records import Version

SEGMENTATION = "the segmentation"
"""What stands for it among the tables that a person may read; no table has such a name."""
EDITED = ("before_root_ids", "after_root_ids")


class Roots(ABC):
    """The questions of :class:`Release` about root ids and supervoxels, all at the time of a version."""

    cave: Cave
    datastack: str
    version: Version

    @property
    @abstractmethod
    def _place(self) -> tuple[str, int]:
        """The datastack and the number of the version."""

    @abstractmethod
    def _subject(self, *, missing: str = "") -> Subject:
        """What a question is about."""

    def _ask_segmentation(self, question: str, subject: Subject, call: Callable[[Any], Any]) -> Any:
        return self.cave.asker.ask(question, subject, self.cave.segmentation, call)

    def _permitted_cache(self) -> Cache:
        """Where answers about the segmentation are kept. Raises NotAllowed for a person who may not read it, which CAVE
        allows apart from the datastack."""
        subject = self._subject()
        request_permission = partial(
            self._ask_segmentation, "permission", subject, lambda graph: graph.get_oldest_timestamp()
        )
        self.cave.require(self.datastack, SEGMENTATION, request_permission)
        return self.cave.cache

    def latest_roots(self, root_ids: Sequence[int]) -> list[bool]:
        """For each root id, whether it was a valid root at the time of the version."""
        ids = [int(root_id) for root_id in root_ids]
        if not ids:
            return []
        time = self.version.timestamp
        subject = self._subject()
        valid: list[bool] = self._permitted_cache().value(
            ("latest_roots", *self._place, *ids),
            lambda: self._ask_segmentation(
                "latest roots", subject, lambda graph: graph.is_latest_roots(ids, timestamp=time)
            ).tolist(),
        )
        return valid

    def suggest_roots(self, root_id: int) -> list[tuple[int, float]]:
        """The root ids, valid at the version, that share something with a root id of another time, and the share of it
        that each holds, 0 to 1, the largest first. Raises NotFound when the segmentation does not know `root_id`.
        """
        time = self.version.timestamp

        def call(graph: Any) -> list[tuple[int, float]]:
            roots, shares = graph.suggest_latest_roots(
                int(root_id), timestamp=time, return_all=True, return_fraction_overlap=True
            )
            return list(zip(roots.tolist(), shares.tolist(), strict=True))

        missing = f"Datastack {self.datastack} has no root id {root_id}."
        subject = self._subject(missing=missing)
        result = self._permitted_cache().value(
            ("suggest_roots", *self._place, int(root_id)),
            lambda: self._ask_segmentation("suggested root", subject, call),
        )
        if not result or not result[0][0]:
            raise NotFound(missing, CHECK)
        return [(int(root), float(share)) for root, share in result if root]

    def came_after(self, root_ids: Sequence[int]) -> list[bool]:
        """For each root id, whether it was created after the time of the version. Raises NotFound when the segmentation
        does not know one of them."""
        ids = [int(root_id) for root_id in root_ids]
        if not ids:
            return []
        time = self.version.timestamp
        subject = self._subject(missing=f"Datastack {self.datastack} does not have all of these root ids.")
        newer: list[bool] = self._permitted_cache().value(
            ("came_after", *self._place, *ids),
            lambda: self._ask_segmentation(
                "creation of roots",
                subject,
                lambda graph: [created > time for created in graph.get_root_timestamps(ids)],
            ),
        )
        return newer

    def edits(self, root_id: int) -> pd.DataFrame:
        """The edits that made a root id, oldest first: `operation_id` (Int64), `timestamp` (UTC), `kind` ("merge" or
        "split"), `user_id` (string), and `before_root_ids`, `after_root_ids` (texts of ids with commas). Raises
        NotFound when the segmentation does not know `root_id`."""
        subject = self._subject(missing=f"Datastack {self.datastack} has no root id {root_id}.")
        root = int(root_id)
        log = self._ask_segmentation("edits", subject, lambda graph: graph.get_tabular_change_log([root])[root])
        if log is None or not len(log):
            log = pd.DataFrame(columns=["operation_id", "timestamp", "is_merge", "user_id", *EDITED])
        log = log.sort_values("timestamp", ignore_index=True)
        return pd.DataFrame(
            {
                "operation_id": log["operation_id"].astype("Int64"),
                "timestamp": pd.to_datetime(log["timestamp"].astype("Int64"), unit="ms", utc=True),
                "kind": log["is_merge"].map({True: "merge", False: "split"}).astype("string"),
                "user_id": log["user_id"].astype("string"),
                **{name: log[name].map(lambda ids: ", ".join(map(str, ids))).astype("string") for name in EDITED},
            }
        )

    def root_of_supervoxel(self, supervoxel_id: int) -> int:
        """The root id that a supervoxel belonged to at the time of the version. Raises NotFound."""
        time = self.version.timestamp

        def call(graph: Any) -> Any:
            return graph.get_root_id(int(supervoxel_id), timestamp=time)

        missing = f"Datastack {self.datastack} has no supervoxel {supervoxel_id}."
        subject = self._subject(missing=missing)
        root: int = self._permitted_cache().value(
            ("root_of_supervoxel", *self._place, int(supervoxel_id)),
            lambda: int(self._ask_segmentation("root of supervoxel", subject, call)),
        )
        if not root:
            raise NotFound(missing, CHECK)
        return root

    def roots_of_supervoxels(self, supervoxel_ids: Sequence[int]) -> list[int]:
        """The root id of each supervoxel at the time of the version; 0 for what is no supervoxel. One request."""
        ids = [int(supervoxel_id) for supervoxel_id in supervoxel_ids]
        time = self.version.timestamp
        subject = self._subject()
        roots: list[int] = self._permitted_cache().value(
            ("roots_of_supervoxels", *self._place, *ids),
            lambda: self._ask_segmentation(
                "roots of supervoxels", subject, lambda graph: graph.get_roots(ids, timestamp=time)
            ).tolist(),
        )
        return roots
