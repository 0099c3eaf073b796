"""Neuroglancer states in CAVE's state service."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from typing import Any

import orjson

from services.cache.shared import Cache
from services.cave.asker import Asker
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
        """Put a Neuroglancer state into CAVE's state service; its id. The same state is put there once, for as long as
        the service keeps it."""
        digest = hashlib.blake2b(orjson.dumps(state, option=orjson.OPT_SERIALIZE_NUMPY), digest_size=16).hexdigest()
        key, subject = ("state", datastack, digest), self.asker.subject(datastack)
        sent: list[int] = []

        def load() -> int:
            sent.append(
                int(self.asker.ask("state upload", subject, self._state_client, lambda s: s.upload_state_json(state)))
            )
            return sent[-1]

        number = int(self.cache.value(key, load))
        if not sent and not self.keeps_state(datastack, number):
            self.cache.forget(key)
            number = int(self.cache.value(key, load))
        return number

    def keeps_state(self, datastack: str, state_id: int) -> bool:
        """Whether the service still has a state. CAVE, which is reached by https, keeps them for good; a localcave
        forgets them when it is reset or starts anew, and is near enough to be asked."""
        if self.settings.server_address.startswith("https://"):
            return True
        address, subject = self.state_url(datastack, state_id), self.asker.subject(datastack)
        return bool(
            self.asker.ask("state kept", subject, self._state_client, lambda states: states.session.head(address).ok)
        )

    def state_url(self, datastack: str, state_id: int) -> str:
        """Where a viewer finds an uploaded state."""
        return f"{self.settings.server_address}/nglstate/api/v1/{int(state_id)}"

    def state(self, datastack: str, state_id: int) -> dict[str, Any]:
        """A state of the state service. Raises NotFound."""
        subject = self.asker.subject(datastack, missing=f"CAVE has no Neuroglancer state {state_id}.")
        state: dict[str, Any] = self.asker.ask(
            "state", subject, self._state_client, lambda states: states.get_state_json(int(state_id))
        )
        return state
