"""What holds for all tests of pure functions."""

import pytest

from components.figures import template


@pytest.fixture(autouse=True)
def _figures_are_validated(monkeypatch):
    monkeypatch.setattr(template, "VALIDATE", True)
