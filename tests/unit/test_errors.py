"""The family of errors: what each tells, and to whom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import flask
import pytest
from dash import html

from components import alerts
from services.cave import failures
from services.core import errors
from services.core.errors import (
    BadInput,
    Busy,
    Expired,
    KarstError,
    NotAllowed,
    NotFound,
    TooLarge,
    TooOften,
    Unforeseen,
    Upstream,
    WrongMethod,
)

STATUSES: dict[type[KarstError], int] = {
    BadInput: 400,
    NotAllowed: 403,
    NotFound: 404,
    WrongMethod: 405,
    Expired: 410,
    TooLarge: 413,
    TooOften: 429,
    Upstream: 502,
    Busy: 503,
    Unforeseen: 500,
}


def test_every_error_has_its_own_code_and_status() -> None:
    here = {one for one in KarstError.__subclasses__() if one.__module__ == errors.__name__}
    assert here == set(STATUSES)
    assert {kind: kind.status for kind in STATUSES} == STATUSES
    assert len({kind.code for kind in STATUSES}) == len(STATUSES)


def test_what_the_api_answers() -> None:
    error = NotFound("There is no table x.", "Choose another.")
    assert error.to_dict() == {
        "code": "not_found",
        "message": "There is no table x.",
        "hint": "Choose another.",
        "request_id": error.request_id,
    }
    assert str(error) == "There is no table x. Choose another."


def test_a_filter_error_points_at_the_character() -> None:
    assert BadInput("What is this?", position=7).to_dict()["position"] == 7
    assert "position" not in BadInput("What is this?").to_dict()


def test_one_request_has_one_id_and_the_next_another() -> None:
    app = flask.Flask("test")
    ids = []
    for _ in range(2):
        with app.test_request_context():
            ids.append(errors.request_id())
            assert Upstream("Gone.").request_id == ids[-1] == errors.request_id()
    assert ids[0] != ids[1]


@pytest.mark.parametrize("kind", [BadInput, NotFound, Upstream])
def test_an_error_outside_of_a_request_has_an_id_too(kind: type[KarstError]) -> None:
    assert len(kind("Oh.").request_id) == 12


def test_what_is_not_there_links_to_where_another_is_chosen() -> None:
    subject = failures.Subject("https://cave.example", "cortex", 3, "somata")
    assert links_in(alerts.problem(failures.no_table(subject))) == {
        "another table": "/catalogue?datastack=cortex&version=3",
        "another version": "/catalogue?datastack=cortex",
    }
    lookup = alerts.problem(NotFound("There is no segment 5.", failures.CHECK))
    assert links_in(lookup) == {"Find ids": "/table-viewer?panel=ids"}


def links_in(component: Any) -> dict[str, str]:
    links = [part.to_plotly_json()["props"] for part in parts_of(component) if isinstance(part, html.A)]
    return {link["children"]: link["href"] for link in links}


def parts_of(component: Any) -> Iterator[Any]:
    """A component and all that is in it."""
    yield component
    children = getattr(component, "children", None)
    for child in children if isinstance(children, list) else [children]:
        if child is not None:
            yield from parts_of(child)
