"""Where a request ends, told from any part of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.http_requests import bytes_to_come

MOST_HEAD, MOST_BODY = 1_000, 2_000
HEAD = b"POST /x HTTP/1.1\r\nHost: here\r\n"
BODIES = st.binary(max_size=300) | st.sampled_from([b"\r\n\r\n", b"0\r\n\r\n", b"\r\nContent-Length: 9\r\n\r\n"])


def to_come(data: bytes) -> int | None:
    return bytes_to_come(data, MOST_HEAD, MOST_BODY)


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
    assert to_come(request) == to_come(request + next_request) == 0
    for cut in range(len(request)):
        missing = to_come(request[:cut])
        assert missing is not None and 0 < missing <= len(request) - cut


@pytest.mark.parametrize(
    "request_",
    [
        HEAD + b"X: " + b"x" * MOST_HEAD,
        HEAD + b"Content-Length: 2001\r\n\r\n",
        HEAD + b"Content-Length: 999999999999999999\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 500,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nno number\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n1" + b"x" * 200,
    ],
)
def test_what_will_be_refused_is_not_read_on(request_: bytes) -> None:
    assert to_come(request_) is None
