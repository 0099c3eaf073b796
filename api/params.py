"""The parameters of a request, each checked and named when it makes no sense."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import request

from services.cells.pasted import one_id
from services.core.columns import Column, find_column
from services.core.directions import SIDES, Direction, Side
from services.core.errors import BadInput
from services.core.json_text import read_json
from services.core.sorting import Sort, parse_sort
from services.core.whole_numbers import Default, whole_number
from services.tables import joins
from services.tables.export import FORMATS

MOST_ROWS = 200_000
"""In one JSON answer; files hold all."""
FILE = ("format", "head", "guard")
"""What every route that answers with rows knows of files."""


def only(*allowed: str) -> None:
    """Refuse parameters that the route does not know: a misspelt filter must not answer with all rows."""
    for name in request.args:
        if name not in allowed:
            raise BadInput(f"There is no parameter {name[:40]!r} here.", f"It can be {', '.join(allowed)}.")
        if len(request.args.getlist(name)) > 1 and name != "sort":
            raise BadInput(f"{name} is given more than once.", "Give it once.")


def text(name: str, default: str = "") -> str:
    """A parameter as text."""
    return request.args.get(name, default).strip()


def choice(name: str, allowed: tuple[str, ...], default: str) -> str:
    """A parameter that is one of `allowed`."""
    value = text(name, default) or default
    if value not in allowed:
        raise BadInput(f"{name}={value[:40]} is unknown.", f"It can be {', '.join(allowed)}.")
    return value


def file_format() -> str:
    """`format`: json, csv, parquet or arrow."""
    return choice("format", ("json", *FORMATS), "json")


def head() -> str:
    """`head`: where the provenance of a CSV is: "off" (beside it), "on" (before its rows) or "only" (it alone)."""
    return choice("head", ("off", "on", "only"), "off")


def directions() -> tuple[Direction, ...]:
    """`direction`: in, out or both."""
    direction = choice("direction", SIDES, "both")
    return tuple(Direction) if direction == "both" else (Direction(direction),)


def switch(name: str, default: str = "off") -> bool:
    """A parameter that is on or off."""
    return choice(name, ("on", "off"), default) == "on"


def words(name: str) -> list[str]:
    """A parameter of several words, by commas."""
    return split(text(name))


def split(listed: str) -> list[str]:
    """Words that commas separate."""
    return [part.strip() for part in listed.split(",") if part.strip()]


def sort() -> Sort:
    """`sort`: column or -column (descending), several by commas or by repeating it."""
    names = [part.strip() for value in request.args.getlist("sort") for part in value.split(",")]
    return parse_sort(part for part in names if part)


def columns(available: Sequence[Column]) -> tuple[Column, ...]:
    """`columns`: the columns of an answer by name, several by commas, each once; all `available` ones when left out,
    and all of a table in `join` of which none is named."""
    names = joins.with_joined([column.name for column in available], words("join"), words("columns"))
    chosen = {column.name: column for name in names for column in [find_column(available, name)]}
    return tuple(chosen.values()) or tuple(available)


def span(default_limit: int | None) -> tuple[int, int | None]:
    """`offset` and `limit`, checked against `format`; a limit of None means all rows."""
    file, limit = file_format(), count("limit", default_limit)
    if limit is not None and limit > MOST_ROWS and file == "json":
        raise BadInput(f"limit={limit} is more than the {MOST_ROWS:,} rows of one answer.", "Ask for a file instead.")
    return count("offset", 0), limit


def count(name: str, default: Default) -> int | Default:
    """A parameter that is a whole number, 0 or more."""
    return whole_number(text(name), default, name)


def json_object(example: str) -> dict[str, Any]:
    """The JSON object of a request's body. Raises BadInput, and shows `example`, for anything else."""
    body = read_json(request.get_data()) if request.is_json else None
    if not isinstance(body, dict):
        raise BadInput(f"The body has to be a JSON object such as {example}.", "See the documentation.")
    return body


class Body:
    """The JSON body of a request, read field by field. Raises BadInput for a field that is not in `known`."""

    def __init__(self, body: dict[str, Any], *allowed: str) -> None:
        self.body = body
        for name in body:
            if name not in allowed:
                raise BadInput(f"There is no field {str(name)[:40]!r} here.", f"It can be {', '.join(allowed)}.")

    def text(self, name: str) -> str:
        """A field of text; "" where it is left out."""
        value = self.body.get(name)
        if isinstance(value, str) or value is None:
            return value or ""
        raise BadInput(f"{name} has to be text; ids too, for numbers lose their last digits.", "Put it in quotes.")

    def sort(self) -> Sort:
        """`sort`: a list of column or -column."""
        return parse_sort(self._texts("sort"))

    def direction(self) -> Side:
        """`direction`: in, out or both."""
        value = self.text("direction") or "both"
        if value not in SIDES:
            raise BadInput(f"direction {value[:40]!r} is unknown.", "It can be in, out or both.")
        return value

    def ids(self, name: str) -> list[int] | None:
        """A field with a list of ids as text; None where it is left out."""
        return [one_id(text) for text in self._texts(name)] if self.body.get(name) is not None else None

    def _texts(self, name: str) -> list[str]:
        value = self.body.get(name) or []
        if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
            raise BadInput(f"{name} has to be a list of texts.", "Put each of them in quotes.")
        return value
