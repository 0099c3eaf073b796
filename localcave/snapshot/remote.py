"""A remote CAVE, asked patiently: requests that time out, fail or come back cut are asked again."""

from __future__ import annotations

import functools
import logging
import random
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import pyarrow as pa
import requests
from caveclient import CAVEclient
from caveclient.base import AuthException
from caveclient.skeletonservice import NoL2CacheException

from localcave.errors import InputError
from localcave.snapshot.parts import Piece

T = TypeVar("T")

TIMEOUT_S = (10, 300)
"""To connect, and between two bytes of an answer; caveclient itself waits for ever."""

ANY_TOKEN = "any"  # noqa: S105 - what is said to a server that wants none

TRANSIENT = (requests.RequestException, pa.ArrowException, OSError, ValueError, AttributeError, IndexError, KeyError)
"""What a failing server or a cut answer makes caveclient raise, AttributeError among them (a 5xx whose body is
a JSON string) and IndexError (a count without a row)."""

REFUSED = re.compile(r"40[0-9] ")
"""CAVE answers most refusals with status 500 and the real status at the head of the message."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RemoteCave:
    """One version of a datastack on a server. Safe to use from several threads."""

    client: CAVEclient
    version: int
    attempts: int
    first_wait_s: float

    @classmethod
    def connect(
        cls,
        datastack: str,
        server: str,
        token: str | None,
        numbers: Sequence[int],
        *,
        attempts: int = 8,
        first_wait_s: float = 0.5,
    ) -> list[RemoteCave]:
        """Reach the server and check that it has the versions; one for each of them.

        Raises InputError when it cannot be reached, refuses the token, or has no such datastack or version.
        """

        def make() -> CAVEclient:
            client = CAVEclient(datastack, server_address=server, auth_token=token, write_server_cache=False)
            if client.auth.token is None:  # which this server does not want, but caveclient does to read skeletons
                client = CAVEclient(datastack, server_address=server, auth_token=ANY_TOKEN, write_server_cache=False)
            for service in (client.info, client.materialize, client.skeleton):
                service.session.request = functools.partial(service.session.request, timeout=TIMEOUT_S)
            # one failed look at its versions makes caveclient speak an older protocol for good
            if int(client.materialize.api_version) < 3 or client.materialize.server_version is None:
                raise ValueError("the materialization service did not say its version")
            return client

        remote = cls(None, numbers[0], attempts, first_wait_s)
        client = remote.ask(make, f"reach {datastack} on {server}")
        versions = remote.ask(lambda: client.materialize.get_versions(expired=True), "list the versions")
        for version in numbers:
            if version not in versions:
                newest = ", ".join(str(v) for v in sorted(versions, reverse=True)[:8])
                raise InputError(f"{datastack} has no version {version}; it has {newest or 'none'}")
        return [cls(client, version, attempts, first_wait_s) for version in numbers]

    def ask(self, call: Callable[[], T], action: str) -> T:
        """The answer of `call`, tried again with growing pauses.

        Raises InputError when the server refuses, or still fails at the last attempt.
        """
        wait_s = self.first_wait_s
        for attempt in range(1, self.attempts + 1):
            try:
                return call()
            except AuthException:
                raise InputError(f"cannot {action}: the server wants a token (CAVE_TOKEN or --token-file)") from None
            except TRANSIENT as error:
                refusal = _refusal(error)
                if refusal:
                    raise InputError(f"cannot {action}: the server answered {refusal}") from None
                if attempt == self.attempts:
                    raise InputError(
                        f"cannot {action}: tried {attempt} times, the last time: {_short(error)}. "
                        "What was brought is kept; the same command goes on from there"
                    ) from None
                log.debug("%s: attempt %d failed: %s", action, attempt, _short(error))
            time.sleep(wait_s * random.uniform(0.5, 1.5))
            wait_s = min(2 * wait_s, 30)
        raise AssertionError("unreachable")

    def count(self, piece: Piece) -> int:
        """Number of rows of a piece, as the server counts them (no row limit applies)."""

        def call() -> int:
            return int(self._query(piece, get_counts=True)["count"].iloc[0])

        return self.ask(call, f"count {piece.name}")

    def rows(self, piece: Piece) -> pa.Table:
        """The rows of a piece, as many as the server gives; positions in voxels of the table."""

        return self.ask(lambda: self._table(self._query(piece, split_positions=True)), f"read {piece.name}")

    def columns(self, piece: Piece) -> list[str]:
        """Names of the columns of a table or view."""
        return list(self.ask(lambda: self._query(piece, limit=1), f"read {piece.name}").columns)

    def sample(self, piece: Piece, most: int, offset: int) -> pa.Table:
        """At most so many rows of a piece, from one on."""
        options = {"split_positions": True, "limit": most, "offset": offset}
        return self.ask(lambda: self._table(self._query(piece, **options)), f"read {piece.name}")

    def skeleton(self, root_id: int) -> dict[str, Any] | None:
        """A skeleton as the skeleton service's `dict`; None when there is none of a root.

        Raises InputError when the server has no skeletons at all.
        """
        get = self.client.skeleton.get_skeleton
        try:
            return self.ask(lambda: dict(get(root_id, output_format="dict")), f"read the skeleton of {root_id}")
        except NoL2CacheException:
            raise InputError("the server has no skeletons of this datastack; leave --skeletons out") from None
        except InputError as error:
            if "the server answered" in str(error):
                return None
            raise

    @staticmethod
    def _table(frame: Any) -> pa.Table:
        table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
        return table.cast(pa.schema([(f.name, _plain(f.type)) for f in table.schema]))

    def _query(self, piece: Piece, **options: Any) -> Any:
        filters: dict[str, Any] = {}
        if piece.key:
            filters["filter_greater_equal_dict"] = {piece.key: piece.low}
            filters["filter_less_dict"] = {piece.key: piece.high}
        among = {column: list(values) for column, values in piece.where}
        if piece.column:
            among[piece.column] = list(piece.ids)
        if among:
            filters["filter_in_dict"] = among
        options |= {"materialization_version": self.version, "metadata": False}
        if piece.is_view:
            return self.client.materialize.query_view(piece.name, **filters, **options)
        return self.client.materialize.query_table(
            piece.name, **filters, **options, merge_reference=False, log_warning=False
        )


def _plain(kind: pa.DataType) -> pa.DataType:
    return pa.string() if pa.types.is_large_string(kind) else kind


def _refusal(error: Exception) -> str:
    """What the server refuses for good: a client error that asking again does not change."""
    response = getattr(error, "response", None)
    if response is None:
        return ""
    message = _message(response)
    if REFUSED.match(message) or (400 <= response.status_code < 500 and response.status_code not in (408, 429)):
        return f"{message or response.status_code}"
    return ""


def _message(response: requests.Response) -> str:
    try:
        body = response.json()
    except ValueError:
        return ""
    return str(body.get("message", "") if isinstance(body, dict) else body)[:300]


def _short(error: Exception) -> str:
    response = getattr(error, "response", None)
    if response is not None:
        return f"status {response.status_code} {_message(response)}".strip()
    return f"{type(error).__name__} {str(error).splitlines()[0] if str(error) else ''}"[:200].strip()
