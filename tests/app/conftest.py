"""The services over the small demo cortex, and the API over these."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import flask
import pandas as pd
import pytest
from flask.testing import FlaskClient

from api import blueprint
from services.cave.client import Cave
from services.core.settings import Settings
from tests import six_cells
from tests.app.siblings import tables_of
from tests.servers import start_localcave


@pytest.fixture(scope="module")
def cave(localcave_url: str) -> Cave:
    """A CAVE of its own for each module, which keeps what it was answered in memory."""
    return Cave(Settings(server_address=localcave_url, cache=""))


@pytest.fixture(scope="module")
def client(cave: Cave) -> FlaskClient:
    """Asks the API alone."""
    app = flask.Flask("test_api")
    app.extensions["karst"] = cave
    app.register_blueprint(blueprint)
    return app.test_client()


@pytest.fixture(scope="session")
def six_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The datastack of the six cells worked out on paper."""
    return six_cells.make(tmp_path_factory.mktemp("six") / six_cells.DATASTACK)


@pytest.fixture(scope="session")
def six_url(six_folder: Path) -> Iterator[str]:
    """A localcave that serves it."""
    with start_localcave([six_folder]) as url:
        yield url


@pytest.fixture
def six(six_url: str) -> Cave:
    """A CAVE over it that was asked nothing yet."""
    return Cave(Settings(server_address=six_url, cache=""))


@pytest.fixture(scope="module")
def fly(siblings: dict[str, Path]) -> dict[str, pd.DataFrame]:
    """The tables of the fly."""
    return tables_of(siblings["karst_fly"], 783)
