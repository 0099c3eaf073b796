"""Neuroglancer states in CAVE's state service."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from typing import Any

import orjson

from services.cache.shared import Cache
from services.cave.session import Asker
from services.core.settings import Settings


class States(ABC):
    """The questions of :class:`Cave` about Neuroglancer states."""

    cache: Cache
    settings: Settings
    asker: Asker

    @abstractmethod
    def _state_client(self, datastack: str) -> Any:
        """caveclient's client of the state service."""

    def upload_state(self, datastack: str, state: dict[str, Any]) -> int:
        """Put a Neuroglancer state into CAVE's state service; its id. The same state is put there once."""
        digest = hashlib.blake2b(
            orjson.dumps(state, option=orjson.OPT_SORT_KEYS | orjson.OPT_SERIALIZE_NUMPY), digest_size=16
        ).hexdigest()
        subject = self.asker.subject(datastack)

        def load() -> int:
            return int(
                self.asker.ask("state upload", subject, self._state_client, lambda s: s.upload_state_json(state))
            )

        return int(self.cache.value(("state", datastack, digest), load))

    def state_url(self, datastack: str, state_id: int) -> str:
        """Where a viewer finds an uploaded state."""
        return f"{self.settings.server_address}/nglstate/api/v1/{int(state_id)}"

    def state(self, datastack: str, state_id: int) -> dict[str, Any]:
        """A state of the state service. Raises NotFound."""
        subject = self.asker.subject(datastack, missing=f"CAVE has no Neuroglancer state {state_id}.")
        matches: dict[str, Any] = self.asker.ask(
            "state", subject, self._state_client, lambda states: states.get_state_json(int(state_id))
        )
        return matches
