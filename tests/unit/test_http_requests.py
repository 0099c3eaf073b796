"""Where a request ends, told from any part of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise

import pytest
from gunicorn.config import Config
from gunicorn.http import get_parser
from gunicorn.http.errors import ParseException
from hypothesis import given
from hypothesis import strategies as st

from services.core.http_requests import MOST_BODY, MOST_CHUNKS, MOST_HEAD, Incoming

HEAD = b"POST /x HTTP/1.1\r\nHost: here\r\n"
BODIES = st.binary(max_size=300) | st.sampled_from([b"\r\n\r\n", b"0\r\n\r\n", b"\r\nContent-Length: 9\r\n\r\n"])


def read(*pieces: bytes) -> Incoming:
    incoming = Incoming()
    for piece in pieces:
        incoming.take(piece)
    return incoming


def with_length(body: bytes) -> bytes:
    return HEAD + b"content-LENGTH: %d\r\n\r\n" % len(body) + body


def in_chunks(chunks: list[bytes], extension: bytes, trailer: bytes) -> bytes:
    body = b"".join(b"%X%s\r\n%s\r\n" % (len(chunk), extension, chunk) for chunk in chunks if chunk)
    return HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + body + b"0\r\n" + trailer + b"\r\n"


REQUESTS = st.one_of(
    st.just(HEAD + b"\r\n"),
    BODIES.map(with_length),
    st.builds(
        in_chunks, st.lists(BODIES, max_size=4), st.sampled_from([b"", b";a=b"]), st.sampled_from([b"", b"T: x\r\n"])
    ),
)


@given(request=REQUESTS, next_request=st.binary(max_size=50))
def test_a_request_is_whole_with_its_last_byte_and_not_before(request: bytes, next_request: bytes) -> None:
    assert read(request).is_whole and read(request + next_request).is_whole
    for cut in range(len(request)):
        incoming = read(request[:cut])
        assert not incoming.is_whole and not incoming.is_refused


@given(request=REQUESTS, cuts=st.sets(st.integers(1, 999), max_size=5))
def test_a_request_in_pieces_is_whole_with_the_last(request: bytes, cuts: set[int]) -> None:
    ends = [0, *sorted(cut for cut in cuts if cut < len(request)), len(request)]
    incoming = Incoming()
    for start, end in pairwise(ends):
        assert not incoming.is_whole
        incoming.take(request[start:end])
    assert incoming.is_whole and incoming.data == request


@pytest.mark.parametrize(
    "request_",
    [
        HEAD + b"X: " + b"x" * MOST_HEAD,
        HEAD + b"Content-Length: %d\r\n\r\n" % (MOST_BODY + 1),
        HEAD + b"Content-Length: 999999999999999999\r\n\r\n",
        HEAD + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n",
        HEAD
        + b"Transfer-Encoding: chunked\r\n\r\n"
        + b"100000\r\n"
        + b"x" * 2**20
        + b"\r\n"
        + b"800000\r\n"
        + b"x" * MOST_BODY,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * (MOST_CHUNKS + 1),
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nno number\r\n",
    ],
)
def test_what_will_be_refused_is_not_read_on(request_: bytes) -> None:
    assert read(request_).is_refused


ODD = st.sampled_from(
    [b"\r\n", b"\n", b"0", b"5", b"f" * 15, b"0" * 19, b";a=b", b" ", b"hello", b"0\r\n\r\n", b"5\r\nhello\r\n"]
)
FRAMING = st.sampled_from([b"Content-Length:", b"content-length: \t", b"Transfer-Encoding: chunked\r\n", b"X:"])


@given(lines=st.lists(st.tuples(FRAMING, ODD), max_size=3), body=st.lists(ODD, max_size=6).map(b"".join))
def test_of_what_is_whole_gunicorn_waits_for_nothing(lines: list[tuple[bytes, bytes]], body: bytes) -> None:
    """A size of a chunk in more than 15 digits was taken for the last one, and a thread waited for the chunk."""
    data = HEAD + b"".join(name + value + b"\r\n" for name, value in lines) + b"\r\n" + body
    waited = []

    def pieces() -> Iterator[bytes]:
        yield data
        waited.append(True)

    if read(data).is_whole:
        with suppress(ParseException):
            next(get_parser(Config(), pieces(), None)).body.read()
        assert not waited


@pytest.mark.parametrize(
    ("head", "is_waited_for"),
    [
        (HEAD + b"Content-Length: 9\r\nExpect: 100-continue\r\n\r\n", True),
        (HEAD + b"expect:100-Continue\r\nTransfer-Encoding: chunked\r\n\r\n", True),
        (HEAD + b"Content-Length: 9\r\nExpect: 100-continue\r\n\r\n{", False),
        (HEAD + b"Content-Length: 9\r\n\r\n", False),
        (HEAD.replace(b"1.1", b"1.0") + b"Content-Length: 9\r\nExpect: 100-continue\r\n\r\n", False),
        (HEAD + b"Content-Length: 9\r\nExpect: 100-continue\r\n", False),
    ],
)
def test_who_asks_before_it_sends_a_body_waits_for_a_word(head: bytes, is_waited_for: bool) -> None:
    assert read(head).is_waited_for is is_waited_for
