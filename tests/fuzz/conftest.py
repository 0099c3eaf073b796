"""The whole application in this process, over a real localcave."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from services.cave.client import Cave
from services.core.settings import Settings


@pytest.fixture(scope="session")
def application(localcave_url: str) -> Flask:
    """Everything that gunicorn serves."""
    import app  # Dash gives all callbacks to the first application of a process

    app.server.extensions["karst"] = Cave(Settings(server_address=localcave_url, cache="", max_table_rows=50_000))
    return app.server


@pytest.fixture(scope="session")
def client(application: Flask) -> FlaskClient:
    return application.test_client()


class _Mistakes(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.records: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(logging.Formatter().format(record))


@pytest.fixture(scope="module")
def mistakes() -> Iterator[list[str]]:
    """What Karst logs as its own mistakes in these tests, whatever it shows of them."""
    handler = _Mistakes()
    logging.getLogger("karst").addHandler(handler)
    yield handler.records
    logging.getLogger("karst").removeHandler(handler)
