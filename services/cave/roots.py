"""What the segmentation can be asked: which root ids are valid at a version, and which took the place of others."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from services.cache.shared import Cache
from services.cave.failures import CHECK
from services.cave.session import Asker, Subject
from services.core.errors import NotFound
from services.core.records import Version


class Roots(ABC):
    """The questions of :class:`Cave` about root ids and supervoxels, all at the time of a version."""

    cache: Cache
    _asker: Asker

    @abstractmethod
    def version(self, datastack: str, number: int) -> Version:
        """A version by its number."""

    @abstractmethod
    def _segmentation(self, datastack: str) -> Any:
        """caveclient's client of the segmentation."""

    def _ask(self, what: str, subject: Subject, call: Callable[[Any], Any]) -> Any:
        return self._asker.ask(what, subject, self._segmentation, call)

    def latest_roots(self, datastack: str, version: int, root_ids: Sequence[int]) -> list[bool]:
        """For each root id, whether it was a valid root at the time of the version."""
        ids = [int(root_id) for root_id in root_ids]
        if not ids:
            return []
        time = self.version(datastack, version).timestamp
        subject = self._asker.subject(datastack, version)
        found: list[bool] = self.cache.value(
            ("latest_roots", datastack, version, *ids),
            lambda: self._ask(
                "latest roots", subject, lambda graph: graph.is_latest_roots(ids, timestamp=time)
            ).tolist(),
        )
        return found

    def suggest_root(self, datastack: str, version: int, root_id: int) -> tuple[int, float]:
        """The first of :meth:`suggest_roots`. Raises NotFound when the segmentation does not know `root_id`."""
        return self.suggest_roots(datastack, version, root_id)[0]

    def suggest_roots(self, datastack: str, version: int, root_id: int) -> list[tuple[int, float]]:
        """The root ids, valid at the version, that share something with a root id of another time, and the share of it
        that each holds, 0 to 1, the largest first. Raises NotFound when the segmentation does not know `root_id`.
        """
        time = self.version(datastack, version).timestamp

        def call(graph: Any) -> list[tuple[int, float]]:
            roots, shares = graph.suggest_latest_roots(
                int(root_id), timestamp=time, return_all=True, return_fraction_overlap=True
            )
            return list(zip(roots.tolist(), shares.tolist(), strict=True))

        missing = f"Datastack {datastack} has no root id {root_id}."
        subject = self._asker.subject(datastack, version, missing=missing)
        found = self.cache.value(
            ("suggest_roots", datastack, version, int(root_id)),
            lambda: self._ask("suggested root", subject, call),
        )
        if not found or not found[0][0]:
            raise NotFound(missing, CHECK)
        return [(int(root), float(share)) for root, share in found if root]

    def root_of_supervoxel(self, datastack: str, version: int, supervoxel_id: int) -> int:
        """The root id that a supervoxel belonged to at the time of the version. Raises NotFound."""
        time = self.version(datastack, version).timestamp

        def call(graph: Any) -> Any:
            return graph.get_root_id(int(supervoxel_id), timestamp=time)

        missing = f"Datastack {datastack} has no supervoxel {supervoxel_id}."
        subject = self._asker.subject(datastack, version, missing=missing)
        root: int = self.cache.value(
            ("root_of_supervoxel", datastack, version, int(supervoxel_id)),
            lambda: int(self._ask("root of supervoxel", subject, call)),
        )
        if not root:
            raise NotFound(missing, CHECK)
        return root

    def roots_of_supervoxels(self, datastack: str, version: int, supervoxel_ids: Sequence[int]) -> list[int]:
        """The root id of each supervoxel at the time of the version; 0 for what is no supervoxel. One request."""
        ids = [int(supervoxel_id) for supervoxel_id in supervoxel_ids]
        time = self.version(datastack, version).timestamp
        subject = self._asker.subject(datastack, version)
        found: list[int] = self.cache.value(
            ("roots_of_supervoxels", datastack, version, *ids),
            lambda: self._ask(
                "roots of supervoxels", subject, lambda graph: graph.get_roots(ids, timestamp=time)
            ).tolist(),
        )
        return found
