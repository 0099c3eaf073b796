"""What the skeleton service can be asked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from services.cache.shared import Cache
from services.cave.asker import Asker
from services.core.errors import NotFound

SHOWN = ("vertices", "edges", "compartment", "radius")
"""What is kept of a skeleton: vertices in nm, edges between them, SWC compartment and radius in nm of each vertex."""
MOST_ASKED = 1_000
"""Root ids of one question whether there are skeletons; caveclient asks for no more."""


class Skeletons(ABC):
    """The questions of :class:`Cave` about skeletons."""

    cache: Cache
    asker: Asker

    @abstractmethod
    def require(self, datastack: str) -> None:
        """Raises NotAllowed unless the datastack may be read."""

    @abstractmethod
    def _skeletons(self, datastack: str) -> Any:
        """caveclient's client of the skeleton service."""

    def skeleton(self, datastack: str, root_id: int) -> dict[str, Any]:
        """The skeleton of a root id, as lists: `vertices`, `radius` (nm), `edges` (pairs of vertices), `compartment`.

        The service is not asked to make one, which takes minutes, and caveclient's other way to get one needs
        cloud-volume. A skeleton belongs to a root id, whatever the version. Raises NotFound where there is none yet,
        which is not kept.
        """
        self.require(datastack)
        missing = f"CAVE has no skeleton of {root_id}."
        subject = self.asker.subject(datastack, missing=missing)

        def load() -> dict[str, Any]:
            result = self.asker.ask(
                "skeleton", subject, self._skeletons, lambda client: client.fetch_skeletons([int(root_id)])
            )
            if str(root_id) not in result:
                raise NotFound(missing, "Mostly proofread cells have skeletons.")
            return {name: result[str(root_id)][name] for name in SHOWN}

        skeleton: dict[str, Any] = self.cache.value(("skeleton and radius", datastack, int(root_id)), load)
        return skeleton

    def with_skeletons(self, datastack: str, root_ids: Sequence[int]) -> set[int]:
        """Those of several root ids, at most `MOST_ASKED`, of which there is a skeleton."""
        self.require(datastack)
        some = [int(root) for root in root_ids[:MOST_ASKED]]
        subject = self.asker.subject(datastack)
        exist = self.asker.ask(
            "skeleton", subject, self._skeletons, lambda client: client.skeletons_exist(root_ids=some)
        )
        return {root for root in some if exist.get(str(root)) or exist.get(root)}
