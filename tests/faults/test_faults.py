"""A CAVE that breaks: every failure is a sentence with a request id that is in the log, and nothing bad is kept."""

from __future__ import annotations

import json
import logging
import socket
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import flask
import psutil
import pytest

from services.cave.client import Cave
from services.cave.release import Release
from services.core.errors import BadInput, Expired, KarstError, NoRows, NotAllowed, NotFound, Upstream, request_id
from services.core.settings import Settings
from tests import tiny
from tests.faults.conftest import with_metadata
from tests.faults.proxy import Fault, Handler, Proxy, cut, cut_quietly, drip, drip_body, drop, hang, status, without_end
from tests.servers import free_port, running, start_localcave

DS, V = tiny.DATASTACK, tiny.NEWEST
QUERY = "/query"
SECRETS = ("Traceback", "SELECT", "/usr/", "/home", "sqlalchemy", "http://127.0.0.1:9")


@pytest.fixture
def cave(proxy: Proxy, tmp_path: Path) -> Cave:
    """A CAVE whose clients and metadata are there already, so that only queries are left to break."""
    settings = Settings(server_address=proxy.url, cache=str(tmp_path / "cache"), timeout_s=1.0, connect_timeout_s=1.0)
    with_metadata(Cave(replace(settings, timeout_s=30.0)))  # into the cache; a busy machine may take longer than 1 s
    return with_metadata(Cave(settings))


def cave_error(code: int, message: str) -> Fault:
    """CAVE's usual way to fail: HTTP 500, the status in the message, and a traceback."""
    body = {"code": code, "message": message, "traceback": ["/usr/src/app.py", "SELECT secret"]}
    return status(500, json.dumps(body).encode())


SQL = "Execution failed on sql 'SELECT types.id FROM types': relation \"types\" does not exist"


class TestSentences:
    @pytest.mark.parametrize(
        "case",
        [
            (cut, Upstream, "broke off in the middle"),
            (cut_quietly, Upstream, "broke off in the middle"),
            (without_end, Upstream, "broke off in the middle"),
            (hang, Upstream, "did not answer within 1 seconds"),
            (drip, Upstream, "did not answer within 1 seconds"),
            (drip_body, Upstream, "did not answer within 1 seconds"),
            (status(503), Upstream, "not available at the moment"),
            (status(502, b"<html>Bad gateway</html>", "text/html"), Upstream, "not available at the moment"),
            (status(429, Retry_After="3600"), Upstream, "limit of requests"),
            (cave_error(500, "429 Too Many Requests: 5 per 1 minute"), Upstream, "limit of requests"),
            (cave_error(500, "something broke in /usr/src"), Upstream, "failed to answer"),
            (status(500, b'"only a string"'), Upstream, "cannot be understood"),
            (status(200, b"{}", "data.arrow"), Upstream, "broke off|cannot be understood"),
            (status(200, b"<html>Log in</html>", "text/html"), NotAllowed, "does not accept this application's token"),
            (status(401, b'{"error": "invalid_token", "message": "x"}'), NotAllowed, "does not accept"),
            (status(403, b'{"error": "missing_permission", "message": "x"}'), NotAllowed, "no permission for tiny"),
            (
                cave_error(500, "401 Unauthorized: Unauthorized: The table can only be read by its owner"),
                NotAllowed,
                "private",
            ),
            (
                cave_error(500, "404 Not Found: Analysis table 'types' not found"),
                NotFound,
                "no table types at version 3",
            ),
            (cave_error(500, "404 Not Found: version 3 not found in tiny"), NotFound, "no version 3"),
            (cave_error(500, SQL), Expired, "version 3 of tiny are no longer kept"),
            (cave_error(500, "400 Bad Request: This query on table types returned no results"), NoRows, "no rows of"),
            (cave_error(500, "'nope'"), BadInput, "no column nope"),
            (status(500, b'{"schema_errors": {"limit": ["Not a valid integer."]}}'), BadInput, "does not fit"),
        ],
    )
    def test_each_failure_has_its_own(
        self, cave: Cave, proxy: Proxy, caplog: pytest.LogCaptureFixture, case: tuple[Fault, type[KarstError], str]
    ) -> None:
        fault, kind, words = case
        proxy.break_next(fault, QUERY, times=9)
        with caplog.at_level(logging.INFO), pytest.raises(kind, match=words) as caught:
            Release.of(cave, DS, V).table("types")
        error = caught.value
        assert error.message.endswith(".")
        assert error.message[0].isupper()
        assert not [secret for secret in SECRETS if secret in str(error)]
        (question,) = [
            vars(record) for record in caplog.records if vars(record).get("about") and record.msg == "question"
        ]
        assert (question["request_id"], question["outcome"]) == (error.request_id, error.code)

    def test_all_redirects_of_a_question_share_its_time(self, cave: Cave, proxy: Proxy) -> None:
        def away(handler: Handler, *_answer: object) -> None:
            time.sleep(0.4)
            status(307, b"", Location=handler.path)(handler, *_answer)

        proxy.break_next(away, QUERY, times=9)
        start = time.monotonic()
        with pytest.raises(Upstream, match="did not answer within 1 seconds"):
            Release.of(cave, DS, V).table("types")
        assert time.monotonic() - start < 1.9

    @pytest.mark.parametrize("times", [2, 99])
    def test_redirects_say_nothing_of_the_token(self, cave: Cave, proxy: Proxy, times: int) -> None:
        def away(handler: Handler, *_answer: object) -> None:
            status(307, b"", Location=handler.path)(handler, *_answer)

        proxy.break_next(away, "v2/datastacks", times)
        with pytest.raises(Upstream, match="redirects instead of answering"):
            cave.check()

    def test_a_login_page_of_the_same_host_is_not_asked(self, cave: Cave, proxy: Proxy) -> None:
        proxy.break_next(status(302, b"", Location="/sticky_auth/api/v1/authorize?redirect=x"), QUERY)
        with proxy.counting() as requests, pytest.raises(NotAllowed, match="does not accept this application's token"):
            Release.of(cave, DS, V).table("types")
        assert not [request for request in requests if "authorize" in request]

    @pytest.mark.parametrize("fault", [hang, drip])
    def test_answers_through_a_proxy_have_no_more_time(
        self, proxy: Proxy, monkeypatch: pytest.MonkeyPatch, fault: Fault
    ) -> None:
        monkeypatch.setenv("http_proxy", proxy.url)
        proxy.break_next(fault, "datastacks")
        start = time.monotonic()
        with proxy.counting() as requests, pytest.raises(Upstream, match="did not answer within 1 seconds"):
            Cave(Settings(server_address="http://cave.example.org", cache="", timeout_s=1.0)).datastacks()
        assert "GET http://cave.example.org/info/api/v2/datastacks" in requests
        assert time.monotonic() - start < 1.9

    def test_nothing_bad_is_kept(self, cave: Cave, proxy: Proxy) -> None:
        for fault in (cut, cut_quietly, status(500), status(200, b"", "data.arrow")):
            proxy.break_next(fault, QUERY, times=9)
            with pytest.raises(KarstError):
                Release.of(cave, DS, V).table("types")
        proxy.times = 0
        assert len(Release.of(cave, DS, V).table("types")) == 6

    def test_broken_metadata_is_a_sentence_too(self, proxy: Proxy) -> None:
        cave = Cave(Settings(server_address=proxy.url, cache="", timeout_s=1.0))
        for where in ("/info/version", "datastack/full", "/materialize/version", "/metadata", "/views"):
            proxy.break_next(status(500, b"rubbish"), where, times=9)
            with pytest.raises(Upstream):
                Release.of(cave, DS, V).tables()
        proxy.times = 0
        assert "types" in Release.of(cave, DS, V).tables()

    def test_a_request_id_is_that_of_the_web_request(self, cave: Cave, proxy: Proxy) -> None:
        proxy.break_next(status(500), QUERY)
        with flask.Flask("test").test_request_context():
            with pytest.raises(Upstream) as caught:
                Release.of(cave, DS, V).table("types")
            assert caught.value.request_id == request_id()


class TestHiccups:
    """What goes away by itself is not told at all."""

    @pytest.mark.parametrize("fault", [drop, status(503), status(502)])
    def test_two_in_a_row_are_survived(self, cave: Cave, proxy: Proxy, fault: Fault) -> None:
        proxy.break_next(fault, QUERY, times=2)
        assert len(Release.of(cave, DS, V).table("types")) == 6

    def test_a_silent_server_is_waited_for_once(self, cave: Cave, proxy: Proxy) -> None:
        proxy.break_next(hang, QUERY, times=9)
        start = time.monotonic()
        with pytest.raises(Upstream):
            Release.of(cave, DS, V).table("types")
        assert time.monotonic() - start < 2.5

    def test_a_missed_list_of_api_versions_does_not_downgrade_the_client(self, proxy: Proxy) -> None:
        proxy.break_next(status(500), "api/versions", times=99)
        cave = Cave(Settings(server_address=proxy.url, cache=""))
        assert "totals" in Release.of(cave, DS, V).tables()


class TestGone:
    def test_a_server_that_is_not_there(self) -> None:
        cave = Cave(Settings(server_address=f"http://127.0.0.1:{free_port()}", cache=""))
        start = time.monotonic()
        with pytest.raises(Upstream, match="cannot be reached"):
            cave.datastacks()
        assert time.monotonic() - start < 5

    def test_a_server_that_accepts_and_says_nothing(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            address = f"http://127.0.0.1:{listener.getsockname()[1]}"
            cave = Cave(Settings(server_address=address, cache="", timeout_s=0.5))
            with pytest.raises(Upstream, match="did not answer"):
                cave.info(DS)

    def test_a_slow_server_beyond_the_timeout(self, folder: Path) -> None:
        with start_localcave([folder], "--delay-ms", "1500") as url:
            with pytest.raises(Upstream, match=r"did not answer within 0\.5 seconds"):
                Cave(Settings(server_address=url, cache="", timeout_s=0.5)).info(DS)
            assert Cave(Settings(server_address=url, cache="", timeout_s=10)).info(DS)["soma_table"] == "nuclei"

    def test_a_server_stopped_in_mid_query_and_started_again(self, folder: Path, tmp_path: Path) -> None:
        port = free_port()
        options = Settings(server_address=f"http://127.0.0.1:{port}", cache=str(tmp_path), timeout_s=20)
        cave = Cave(options)
        failures: list[BaseException] = []

        def ask() -> None:
            try:
                Release.of(cave, DS, V).table("types")
            except BaseException as error:
                failures.append(error)

        command = [sys.executable, "-m", "localcave", "serve", str(folder), "--port", str(port)]
        with running(command, options.server_address) as process:
            Release.of(cave, DS, V).tables()
            master = psutil.Process(process.pid)
            processes = [master, *master.children(recursive=True)]
            for each in processes:
                each.suspend()  # which answers nothing any more, however late the question comes
            thread = threading.Thread(target=ask)
            thread.start()
            time.sleep(0.2)
            for each in processes:
                each.kill()
            thread.join(20)
        assert [type(error) for error in failures] == [Upstream]
        assert "cannot be reached" in str(failures[0]) or "broke off" in str(failures[0])
        with start_localcave([folder], port=port):
            assert len(Release.of(cave, DS, V).table("types")) == 6

    def test_what_was_paid_for_outlives_the_server(self, folder: Path, tmp_path: Path) -> None:
        with start_localcave([folder]) as url:
            options = Settings(server_address=url, cache=str(tmp_path))
            Release.of(Cave(options), DS, V).table("types")
        assert len(Release.of(Cave(options), DS, V).table("types")) == 6
