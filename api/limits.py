"""What one request may cost: how large its body is, which is checked before it is read, and whether it may wait."""

from __future__ import annotations

import re

import numpy as np
from flask import Flask, g, request
from werkzeug.exceptions import RequestEntityTooLarge

from services.core.errors import BadInput, TooLarge
from services.core.http_requests import MOST_MB
from services.core.waiting import Waiting

TOO_LARGE = f"This request has more than {MOST_MB} MB.", "Send less at once."
MOST_DEPTH, MOST_VALUES = 64, 200_000
"""Of JSON: nesting, and values in all arrays and objects together."""
STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)


def limit(server: Flask, max_waiting: int) -> None:
    """Refuse bodies that are too large, and to wait for CAVE with more than `max_waiting` requests at once."""
    server.config["MAX_CONTENT_LENGTH"] = MOST_MB * 2**20 + 1  # Werkzeug refuses what has just so many bytes
    waiting = Waiting(max_waiting)

    @server.before_request
    def check() -> None:
        g.waiting = waiting
        body = _body()
        if request.is_json:
            check_json(body)

    @server.teardown_request
    def leave(_error: BaseException | None) -> None:
        waiting.leave()


def _body() -> bytes:
    try:
        body = request.get_data()
        request.stream.read(1)  # what came without its length was cut at the limit, which only the next read tells
        return body
    except RequestEntityTooLarge as error:
        raise TooLarge(*TOO_LARGE) from error
    except Exception as error:  # whatever a server raises of chunks that are none, and of what ends too soon
        raise BadInput("The body of this request cannot be read.", "Send it again.") from error


def check_json(body: bytes) -> None:
    """Look at the shape of a JSON text without parsing it. Raises BadInput and TooLarge."""
    marks = np.frombuffer(STRING.sub(b"", body), dtype=np.uint8)
    opened = (marks == ord("[")) | (marks == ord("{"))
    closed = (marks == ord("]")) | (marks == ord("}"))
    if np.cumsum(opened.astype(np.int32) - closed).max(initial=0) > MOST_DEPTH:
        raise BadInput(f"This request has values nested more than {MOST_DEPTH} levels deep.")
    if np.count_nonzero(opened | (marks == ord(","))) > MOST_VALUES:
        raise TooLarge(f"This request has more than {MOST_VALUES:,} values.", "Send less at once.")
