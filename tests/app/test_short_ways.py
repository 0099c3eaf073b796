"""How far a root id and a filter travel between a callback and its answer, by themselves or in an address: a way that
grows is found here."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from types import FrameType
from typing import Any

import flask
import pytest

from callbacks import partner_grids, table_viewer
from services.cave.client import Cave
from services.cave.release import Release
from services.views.addresses import CellAddress, TableAddress
from tests.servers import ROOT

DS, TYPES = "karst_demo", "aibs_metamodel_celltypes_v661"
ROOMS = tuple(f"{ROOT}/{room}/" for room in ("api", "callbacks", "components", "services"))
CACHE = f"{ROOT}/services/cache/"
"""Keeps answers under keys that have all that was asked for in them: not a part of the way."""


@contextmanager
def followed(is_it: Callable[[Any], bool]) -> Iterator[list[str]]:
    """The functions of the application that are handed what is followed, each as often as it is called."""
    passed: list[str] = []

    def look(frame: FrameType, event: str, _argument: Any) -> None:
        code = frame.f_code
        if event != "call" or not code.co_filename.startswith(ROOMS) or code.co_filename.startswith(CACHE):
            return
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        if "<" not in code.co_name and any(is_it(frame.f_locals.get(name)) for name in names):
            passed.append(f"{code.co_filename.removeprefix(f'{ROOT}/')}:{code.co_qualname}")

    threading.setprofile(look)
    sys.setprofile(look)
    try:
        yield passed
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


@pytest.fixture
def within(localcave_url: str, cave: Cave) -> Iterator[None]:
    """A request of somebody who looks at the demo."""
    app = flask.Flask("short ways")
    app.extensions["karst"] = cave
    with app.test_request_context():
        yield


def returns(passed: list[str]) -> int:
    """How often the way comes back to the callbacks."""
    rooms = [one.split("/")[0] for one in passed]
    return sum(now == "callbacks" != before for before, now in pairwise(rooms))


@pytest.mark.usefixtures("within")
def test_a_root_id_passes_few_functions_from_the_callback_to_the_link(cave: Cave) -> None:
    version = cave.versions(DS)[0].number
    root = int(Release.of(cave, DS, version).table("proofreading_status_and_strategy")["pt_root_id"].iloc[0])
    href = CellAddress(DS, str(version), str(root)).href()

    def is_root(value: Any) -> bool:
        text = value.cell if isinstance(value, CellAddress) else value
        return (type(value) is int and value == root) or (isinstance(text, str) and str(root) in text)

    with followed(is_root) as passed:
        partner_grids.link({"of": href}, None, None, {"side": "in"})
    assert {"services/cells/cells.py:find", "services/cells/connectivity.py:read"} <= set(passed)
    assert len(set(passed)) <= 20, sorted(set(passed))
    assert returns(passed) <= 3


@pytest.mark.usefixtures("within")
def test_a_filter_passes_few_functions_from_the_callback_to_its_rows(cave: Cave) -> None:
    line = "cell_type in (BC, MC)"
    of = TableAddress(DS, str(cave.versions(DS)[0].number), TYPES, where=line).href()
    request: Any = {"of": of, "startRow": 0, "endRow": 100}

    def is_line(value: Any) -> bool:
        text = value.where if isinstance(value, TableAddress) else value
        return isinstance(text, str) and (line in text or text == of)

    with followed(is_line) as passed:
        table_viewer.rows(request, {"of": of}, None)
    assert "services/filters/filters.py:parse_line" in passed
    assert len(set(passed)) <= 15, sorted(set(passed))
    assert returns(passed) <= 3
