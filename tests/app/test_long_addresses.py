"""Addresses longer than are read, against the application as it is served."""

from __future__ import annotations

import json
import socket
from urllib.parse import urlsplit

import pytest

from tests.servers import karst


@pytest.fixture(scope="module")
def served(localcave_url, tmp_path_factory):
    with karst(localcave_url, tmp_path_factory.mktemp("cache"), WEB_CONCURRENCY="1") as url:
        yield url


def ask(url: str, path: str) -> str:
    """The whole answer; fails when the connection is reset."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as client:
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while part := client.recv(65_536):
            answer += part
    return answer.decode()


@pytest.mark.parametrize("path", ["/table-viewer?where=", "/connectivity-viewer?cell="])
@pytest.mark.parametrize("length", [8_300, 100_000, 1_000_000])
def test_an_address_that_is_too_long_is_told_so_in_a_sentence(served, path, length):
    answer = ask(served, path + "<script>1," * (length // 10))
    assert answer.startswith("HTTP/1.1 414 ")
    assert "This address is too long" in answer
    assert "8,190 characters" in answer
    assert "Find ids" in answer
    assert "<script>" not in answer
    assert answer.rstrip().endswith("</html>")


@pytest.mark.parametrize("length", [8_300, 1_000_000])
def test_a_program_is_told_so_as_of_other_errors_of_the_api(served, length):
    head, body = ask(served, "/api/v1/karst_demo/latest/tables/nucleus/rows?filter=" + "1" * length).split("\r\n\r\n")
    assert head.startswith("HTTP/1.1 414 ")
    error = json.loads(body)["error"]
    assert set(error) == {"code", "message", "hint", "request_id"}
    assert "8,190 characters" in error["message"]


def test_an_address_as_long_as_is_read_is_answered_and_others_still_are_after_long_ones(served):
    for _ in range(12):  # more than there are threads
        assert " 414 " in ask(served, "/" + "x" * 50_000)
    longest = "/healthz?" + "x" * (8_190 - len("GET /healthz? HTTP/1.1"))
    assert ask(served, longest).startswith("HTTP/1.1 200 ")
