"""The services over the small demo cortex, and the API over these."""

from __future__ import annotations

import flask
import pytest
from flask.testing import FlaskClient

from api import blueprint
from services.cave.client import Cave
from services.core.settings import Settings


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
