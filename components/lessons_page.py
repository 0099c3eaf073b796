"""The lessons: a list that says which are done, and one of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import dash_bootstrap_components as dbc
from dash import dcc, html

from components import alerts
from components.attributes import aria
from components.links import copy_button
from components.shell import heading

if TYPE_CHECKING:
    from services.lessons.files import Lesson

PAGE = "/lessons"


def page(name: str) -> html.Div:
    """The page of a lesson ("" = the list alone); what it shows comes with the data."""
    return html.Div(
        [
            heading("Lessons"),
            html.P("Exercises on this data: a task, a view to start from, a hint and the code.", className="k-hint"),
            html.Div(id="alerts"),
            html.Nav(id="lessons-list", **aria(label="Lessons")),
            html.Div(id="lesson"),
            dcc.Store(id="lesson-name", data=name),
            dcc.Store(id="lessons-done", storage_type="local"),
        ],
        className="k-lessons",
    )


def listed(lessons: Sequence[Lesson], faults: Sequence[str], done: Collection[str], shown: str) -> list[Any]:
    """All lessons as links, how many are done, and what is wrong with files that are none."""
    items = [
        html.Li(
            [
                html.A(
                    lesson.title,
                    href=f"{PAGE}?{urlencode({'lesson': lesson.name})}",
                    **aria(current="page" if lesson.name == shown else "false"),
                ),
                html.Span(" ✓ done", className="k-muted") if lesson.name in done else None,
            ]
        )
        for lesson in lessons
    ]
    number = sum(lesson.name in done for lesson in lessons)
    count = html.P(f"{number} of {len(lessons)} done.", className="k-muted") if lessons else None
    return [html.Ol(items), count, *alerts.notes(f"Not shown: {fault}." for fault in faults)]


def lesson(lesson: Lesson) -> html.Article:
    """The task, the view to start from, a box for the answer, and a hint."""
    box = dbc.Input(id="lesson-answer", size="sm", autoComplete="off", maxLength=200, class_name="k-text")
    button = dbc.Button("Check", id="lesson-check", color="primary", size="sm")
    return html.Article(
        [
            html.H2(lesson.title),
            dcc.Markdown(lesson.task),
            html.P(html.A("Start from this view", href=lesson.view, target="_blank", rel="noopener")),
            html.Div([html.Label("Answer", htmlFor="lesson-answer"), box, button], className="k-form"),
            html.P(id="lesson-message", role="status"),
            html.Details([html.Summary("Hint"), dcc.Markdown(lesson.hint)]),
            html.Details(
                [
                    html.Summary("In a notebook"),
                    html.Div([html.Pre(lesson.code), copy_button(lesson.code, "the code")]),
                ]
            ),
        ]
    )
