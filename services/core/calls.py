"""A figure as the calls that draw it: their result is on the page, and written down they are a script for the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from werkzeug.utils import cached_property

from services.core.source_code import SourceCode

MOST_LETTERS = 90
"""In a line of a call."""
_ON_WHITE = """
figure = go.Figure(drawn)
figure.update_layout(paper_bgcolor='white', plot_bgcolor='white', font_color='#222')
"""


@dataclass(frozen=True, eq=False)
class Read:
    """Data that a script reads from CAVE, in a variable of this `name`."""

    name: str
    result: Any


@dataclass(frozen=True, eq=False)
class Call:
    """A call of a function of this project, whose arguments can be calls and what is read."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    options: Mapping[str, Any]

    @cached_property
    def result(self) -> Any:
        """What comes of it."""
        options = {name: _result(value) for name, value in self.options.items()}
        return self.function(*map(_result, self.arguments), **options)

    @property
    def reads(self) -> frozenset[str]:
        """The names of what it reads."""
        return frozenset(part.name for part in _parts(self) if isinstance(part, Read))


def call(function: Callable[..., Any], *arguments: Any, **options: Any) -> Call:
    """A call that is not made yet."""
    return Call(function, arguments, options)


def known(result: Any, function: Callable[..., Any], *arguments: Any, **options: Any) -> Call:
    """A call whose result is there already."""
    made_call = call(function, *arguments, **options)
    made_call.__dict__["result"] = result
    return made_call


def script(figure: Call, title: str, readings: Sequence[str]) -> str:
    """A script whose `figure` is that of a call, drawn with plotly, on white.

    The `readings` are scripts that leave what the call reads in variables of its names. The functions that the page
    draws with are in the script, so that both draw the same.
    """
    code = SourceCode()
    for part in _parts(figure):
        if isinstance(part, Call):
            code.add(part.function)
        elif isinstance(part, np.ndarray):
            code.imports.add("import numpy as np")
    heading = re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", " ", f"# {title}")[:300]
    drawn = f"drawn = {_written(figure, code)}"
    imports = ["from __future__ import annotations", "", *sorted(code.imports), "import plotly.graph_objects as go"]
    return "\n".join([heading, *imports, "", *readings, "", code.text(), "", drawn, _ON_WHITE])


def _result(part: Any) -> Any:
    match part:
        case Read() | Call():
            return part.result
        case dict():
            return {key: _result(value) for key, value in part.items()}
        case list() | tuple():
            return type(part)(map(_result, part))
    return part


def _parts(part: Any) -> Iterator[Any]:
    yield part
    inner: Any = ()
    if isinstance(part, Call):
        inner = [*part.arguments, *part.options.values()]
    elif isinstance(part, dict):
        inner = part.values()
    elif isinstance(part, list | tuple):
        inner = part
    for value in inner:
        yield from _parts(value)


def _written(part: Any, code: SourceCode) -> str:
    match part:
        case Read():
            text = part.name
        case Call():
            options = [f"{name}={_written(value, code)}" for name, value in part.options.items()]
            arguments = [_written(argument, code) for argument in part.arguments]
            text = _listed(f"{code.name(part.function)}(", [*arguments, *options], ")")
        case dict():
            pairs = [f"{_written(key, code)}: {_written(value, code)}" for key, value in part.items()]
            text = _listed("{", pairs, "}")
        case list():
            text = _listed("[", [_written(item, code) for item in part], "]")
        case tuple():
            text = _listed("(", [_written(item, code) for item in part], ",)" if len(part) == 1 else ")")
        case np.ndarray():
            text = f"np.array({part.tolist()!r}, dtype={part.dtype.name!r})"
        case Enum() | np.generic():
            text = repr(part.value if isinstance(part, Enum) else part.item())
        case str() | int() | float() | None:
            text = repr(part)
        case _:
            raise TypeError(f"A script has no words for {type(part)}.")
    return text


def _listed(begin: str, parts: Sequence[str], end: str) -> str:
    """In one line, or where that is long one in each."""
    line = f"{begin}{', '.join(parts)}{end}"
    if len(line) < MOST_LETTERS and "\n" not in line:
        return line
    return "\n".join([begin, *(f"    {part},".replace("\n", "\n    ") for part in parts), end.strip(",")])
