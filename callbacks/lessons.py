"""The lessons: the list, with the finished ones marked, and the check of an answer."""

from __future__ import annotations

from typing import Any

from dash import Input, Output, State, no_update

from callbacks.register import callback
from components import alerts, lessons_page
from services.cave.context import cave, outside_address
from services.core.errors import NotFound
from services.lessons import answers, files
from services.views import offered
from services.views.addresses import TableAddress
from services.views.resolving import release_of


@callback(
    Output("lessons-list", "children"),
    Input("lessons-done", "modified_timestamp"),
    State("lessons-done", "data"),
    State("lesson-name", "data"),
)
def list_lessons(_changed: Any, done: Any, name: str) -> list[Any]:
    """The lessons whose tables the datastack has, with those that this browser has finished marked, and a note that
    counts those that need other tables."""
    release = release_of(cave(), TableAddress())
    lessons, faults = files.lessons()
    available = offered.fitting(lessons, release.tables())
    return [
        *lessons_page.listed(available, faults, done if isinstance(done, list) else [], name),
        alerts.without_tables(len(lessons) - len(available), "lessons", release.datastack),
    ]


@callback(Output("lesson", "children"), Input("lesson-name", "data"))
def show(name: str) -> Any:
    """The lesson of the address."""
    return lessons_page.lesson(_lesson(name)) if name else []


@callback(
    Output("lesson-message", "children"),
    Output("lessons-done", "data"),
    Input("lesson-check", "n_clicks"),
    Input("lesson-answer", "n_submit"),
    State("lesson-answer", "value"),
    State("lesson-name", "data"),
    State("lessons-done", "data"),
    prevent_initial_call=True,
)
def check(clicks: int | None, enter: int | None, answer: str | None, name: str, done: Any) -> tuple[Any, Any]:
    """Whether the answer is right, in words, and the finished lessons with this one if it is."""
    if not (clicks or enter):  # triggered by drawing the lesson, not by the user
        return no_update, no_update
    if not answers.is_right(cave(), cave().settings.datastack, _lesson(name), answer or ""):
        return "Not yet. There is a hint below.", no_update
    finished = done if isinstance(done, list) else []
    return "Right.", sorted({*map(str, finished), name})


def _lesson(name: str) -> files.Lesson:
    result = next((lesson for lesson in files.lessons()[0] if lesson.name == name), None)
    if result is None:
        raise NotFound(f"There is no lesson {name[:60]!r}.", "Choose one from the list.")
    datastack = cave().settings.datastack
    return answers.of_datastack(cave(), datastack, result, outside_address(cave().at(datastack)))
