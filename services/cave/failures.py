"""What CAVE's failures mean, in sentences.

CAVE answers most errors with HTTP 500 and the real status at the beginning of its message
("404 Not Found: ..."), so the status line alone says little.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import requests
from caveclient.base import AuthException

from services.cave.circuit import CircuitOpen
from services.cave.http import LOGIN, ForeignAddress
from services.core.addresses import host, is_private_way
from services.core.errors import (
    BadInput,
    Expired,
    KarstError,
    NoRows,
    NotAllowed,
    NotFound,
    SignIn,
    Unavailable,
    Upstream,
)

SERVER_HEADER = "Karst-Server"
"""Names the server that a program's token is of."""
STATUS_IN_MESSAGE = re.compile(r"^(\d{3}) ")
UNKNOWN_ID = re.compile(r"cannot find node|has no root|does not exist|not found", re.IGNORECASE)
"""The chunkedgraph's words for an id that it never had, which it answers with 500."""
NOT_VALID_THEN = re.compile(r"root_ids passed are not valid at the query timestamp: \[([\d, ]{1,400})")
NO_COLUMN = re.compile(r"^'?(\w{1,63})'?$")
CHECK = "Check the number and the datastack, or look it up in Find ids."
AGAIN = "Try again; if it goes on, tell the operator."


@dataclass(frozen=True)
class Subject:
    """What was asked about, for the sentence. `missing` is the sentence when it does not exist, `is_person` whether
    with the token of whoever reads it, `name` what the settings call the server."""

    server: str
    datastack: str = ""
    version: int | None = None
    table: str = ""
    missing: str = ""
    is_person: bool = False
    name: str = ""

    def __str__(self) -> str:
        """For example: table t at version 3 of d."""
        parts = [f"table {self.table}" if self.table else "", f"version {self.version}" if self.version else ""]
        return " of ".join(part for part in (" at ".join(part for part in parts if part), self.datastack) if part)


def translate(error: Exception, subject: Subject, timeout_s: float) -> KarstError:
    """The error to tell a person, for any error that a question about `subject` ended with."""
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return _answered(error.response, subject)
    if subject.missing and isinstance(error, IndexError):
        return NotFound(subject.missing, CHECK)
    if isinstance(error, ForeignAddress) and not urlsplit(error.url).path.endswith(LOGIN):
        return foreign(error.url, subject)
    if isinstance(error, ForeignAddress) or "Unknown response type: text/html" in str(error):
        return _no_login(subject)
    if isinstance(error, CircuitOpen):
        return Unavailable(subject.server, error.retry_after_s)
    return Upstream(f"CAVE at {subject.server} {_fault(error, timeout_s)}.", AGAIN)


def _fault(error: Exception, timeout_s: float) -> str:
    """What CAVE did, for an answer that did not come."""
    match error:
        case requests.Timeout():
            return f"did not answer within {timeout_s:g} seconds"
        case (
            requests.exceptions.ChunkedEncodingError() | requests.exceptions.ContentDecodingError() | pa.ArrowInvalid()
        ):
            return "broke off in the middle of its answer"
        case requests.ConnectionError():
            return "cannot be reached"
        case requests.TooManyRedirects() | AuthException():  # the latter is caveclient's for any redirect
            return "redirects instead of answering"
        case _:
            return "gave an answer that cannot be understood"


def foreign(address: str, subject: Subject) -> NotAllowed:
    """The sentence for an address that CAVE names or leads to, where the token must not go."""
    about = f" for {subject}" if str(subject) else ""
    return NotAllowed(
        f"CAVE at {subject.server} leads to {host(address) or 'no http address'}{about},"
        " where this application's token may not go.",
        "It goes by https, to the hosts of datastacks that CAVE lists, within KARST_ALLOWED_HOSTS.",
    )


def not_signed_in(servers: Sequence[str]) -> SignIn:
    """The sentence for whoever has no token at servers ("" = the only one)."""
    at_servers = f" at {' or '.join(servers)}" if any(servers) else ""
    header = f" with the header {SERVER_HEADER}" if any(servers) else ""
    hint = f"Sign in with your CAVE account, or send its token{header}."
    return SignIn(f"You are not signed in{at_servers}.", hint, servers=servers)


def _no_login(subject: Subject) -> KarstError:
    if subject.is_person:
        message = f"Your sign-in at {subject.server} has ended."
        return SignIn(message, "Sign in again; the address keeps this view.", servers=[subject.name])
    return NotAllowed(
        f"CAVE at {subject.server} does not accept this application's token.",
        "The operator has to set CAVE_TOKEN to a valid one.",
    )


def _answered(response: requests.Response, subject: Subject) -> KarstError:
    body = _body(response)
    message = str(body.get("message", ""))
    prefix = STATUS_IN_MESSAGE.match(message)
    status = int(prefix[1]) if prefix else response.status_code
    if status in (401, 403):
        return _refused(body, message, subject)
    if status == 429:
        return Upstream("CAVE's limit of requests is reached.", "Wait a minute and try again.")
    if status in (502, 503, 504):
        return Upstream(f"CAVE at {subject.server} is not available at the moment (status {status}).", AGAIN)
    if subject.missing and (status in (400, 404) or UNKNOWN_ID.search(message) or not body):
        return NotFound(subject.missing, CHECK)  # without a body: the state service, which answers 500 in plain text
    if "returned no results" in message:
        hint = "Choose another table, or another version."
        return NoRows(f"CAVE has no rows of {subject}.", hint, datastack=subject.datastack, version=subject.version)
    return _missing(message, subject) if status == 404 else _not_valid_then(message) or _failed(body, message, subject)


def _not_valid_then(message: str) -> NotFound | None:
    match = NOT_VALID_THEN.search(message)
    return match and NotFound(f"Root ids that are not valid at this time: {match[1]}.", "Look them up in Find ids.")


def _body(response: requests.Response) -> dict[str, Any]:
    """The JSON object of an error; other bodies count as a message, HTML as none."""
    try:
        body = json.loads(response.content)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {"message": body}


def _refused(body: dict[str, Any], message: str, subject: Subject) -> KarstError:
    reason = body.get("error")
    if reason == "missing_tos":
        data = body.get("data") or {}
        address = str(data.get("tos_form_url", ""))
        hint = (
            f"Accept them at {address} and try again."
            if is_private_way(address)
            else "Accept them in CAVE and try again."
        )
        return NotAllowed(
            f"The terms of service of {subject.datastack or 'this datastack'} have not been accepted.", hint
        )
    if reason == "missing_permission":
        datastack = subject.datastack or "this datastack"
        if subject.is_person:
            return NotAllowed(f"You have no permission to read {datastack}.", "Ask those who look after it for access.")
        return NotAllowed(f"This application's token has no permission for {datastack}.")
    if "read by its owner" in message:
        return NotAllowed(f"Table {subject.table or 'asked for'} is private: only its owner may read it.")
    if "read by" in message:
        return NotAllowed(f"Table {subject.table or 'asked for'} is private: only its group may read it.")
    return _no_login(subject)


def _missing(message: str, subject: Subject) -> KarstError:
    if re.search(r"No table named|Analysis table", message):
        return no_table(subject)
    if subject.version is not None and re.search(
        r"version '?\d+'? (does not exist|not found)|No version found", message
    ):
        return no_version(subject)
    if subject.version is None and subject.datastack:
        return NotFound(f"There is no datastack {subject.datastack}.", "Choose another datastack.")
    return NotFound(f"CAVE has no {subject}." if str(subject) else "CAVE has no such thing.")


def no_version(subject: Subject) -> NotFound:
    """The sentence for a version that a datastack never had."""
    return NotFound(
        f"Datastack {subject.datastack} has no version {subject.version}.",
        "Choose another version.",
        datastack=subject.datastack,
    )


def no_table(subject: Subject) -> NotFound:
    """The sentence for a table or view that a version does not have."""
    return NotFound(
        f"There is no table {subject.table} at version {subject.version} of {subject.datastack}.",
        "Choose another table, or another version.",
        datastack=subject.datastack,
        version=subject.version,
    )


def _failed(body: dict[str, Any], message: str, subject: Subject) -> KarstError:
    if "does not exist" in message and "relation" in message:
        return Expired(
            f"The data of version {subject.version} of {subject.datastack} are no longer kept.",
            "Choose a newer version.",
        )
    if message.startswith("No row was found for one()") or "requested table(s) not available" in message:
        return no_table(subject)
    if message.startswith("min bounds"):
        return BadInput("A box in space has to have its smaller corner first.")
    if match := NO_COLUMN.match(message):
        return BadInput(f"Table {subject.table} has no column {match[1]}.", "Choose one of its columns.")
    if "schema_errors" in body or message.startswith("Execution failed on sql"):
        return BadInput("CAVE cannot answer this query: a value does not fit its column.", "Check the filters.")
    return Upstream(f"CAVE at {subject.server} failed to answer.", AGAIN)
