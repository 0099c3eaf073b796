"""What CAVE's auth service can be asked about whoever has a token."""

from __future__ import annotations

from abc import ABC
from typing import Any

import requests

from services.cave.asker import Asker
from services.cave.http import Adapter
from services.core.settings import Settings

LONGEST_NAME = 80


class Accounts(ABC):
    """The questions of :class:`Cave` about the account that its token belongs to."""

    settings: Settings
    asker: Asker

    def account_name(self) -> str:
        """The name of whoever has the token, their e-mail address where they have none. Raises SignIn for a token that
        is good for nothing."""
        record = self._ask_auth("account", "user/cache")
        return str(record.get("name") or record.get("email") or "")[:LONGEST_NAME]

    def sign_out(self) -> None:
        """Have CAVE forget the token, which it does with those that a sign-in has given."""
        self._ask_auth("sign out", "logout")

    def _ask_auth(self, question: str, path: str) -> Any:
        address = f"{self.settings.server_address}/auth/api/v1/{path}"

        def call(session: requests.Session) -> Any:
            answer = session.get(address)
            answer.raise_for_status()
            return answer.json()

        with requests.Session() as session:
            session.mount("http://", Adapter())
            session.mount("https://", Adapter())
            session.auth = self._authorise
            return self.asker.ask(question, self.asker.subject(), lambda _datastack: session, call)

    def _authorise(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.settings.token}"
        return request
