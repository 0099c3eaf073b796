"""What a route takes and answers, said once: its parameters are checked by it, the OpenAPI document is made of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Literal, TypeAlias, TypeVar, cast

from flask import Response

from api import params
from services.cells import interpretation
from services.populations import matrices, nulls
from services.tables import joins, position_units
from services.tables.export import FORMATS

View = TypeVar("View", bound=Callable[..., Response])
Answer: TypeAlias = type | str
"""A type of :mod:`shapes`, dict for any object, or the content type of a text."""
SWITCH = Literal["on", "off"]


def one_of(*values: str) -> Any:
    """The type of texts that are one of `values`."""
    return Literal.__getitem__(values)


PARAMETERS: Mapping[str, tuple[Any, str]] = {
    "filter": (str, "A query line that rows have to pass, such as cell_type = BC and volume > 300."),
    "sort": (list[str], "Columns to sort by, a - before one for the reverse; several by commas or by repeating it."),
    "offset": (int, "How many rows to leave out first."),
    "limit": (int, "How many rows at most."),
    "format": (one_of("json", *FORMATS), "JSON, or a file."),
    "head": (one_of("off", "on", "only"), "Where the provenance of a CSV is: beside it, before its rows, or it alone."),
    "guard": (SWITCH, "Whether text in a CSV that a spreadsheet would take for a formula gets a ' before it."),
    "join": (str, "Tables to set beside this one, by commas; of annotations, table:system or table:each."),
    "on": (one_of("auto", *joins.KEYS), "The id by which these are joined."),
    "units": (one_of(*position_units.UNITS), "What positions count in."),
    "columns": (str, "The columns wanted, by commas; all when left out."),
    "left": (str, "A column with few values."),
    "right": (str, "Another, which may be of a joined table."),
    "id_type": (one_of(*interpretation.QUESTION_TYPES), "What the text is."),
    "types": (str, "The table of cell types of partners."),
    "type_by": (str, "Which of several rows of a cell counts there: newest, order, or column=value."),
    "whole": (SWITCH, "Whether synapses are asked for in pieces where CAVE cuts its answer."),
    "synapses": (str, "A line that synapses have to pass to be counted, such as size > 5000."),
    "top": (str, "The largest partners that make up so many percent of all synapses."),
    "at_least": (str, "How many synapses a partner needs."),
    "proofread": (SWITCH, "Only partners that are proofread."),
    "more": (str, "Further columns of partners, by commas."),
    "direction": (one_of("in", "out", "both", "merged"), "Inputs, outputs, a row for each, or one row for a partner."),
    "partner": (str, "A partner's root id, autapses or root_zero."),
    "cells": (str, "A set of cells: <table>:<query line>, or ids."),
    "job": (SWITCH, "Whether this is done as a job, whose address is answered."),
    "against": (str, "The other version."),
    "pre": (str, "The presynaptic set: <table>:<query line>, or ids."),
    "post": (str, "The postsynaptic set; the same when left out."),
    "pre_by": (str, "The column that groups it, <table>.<column>, or cell."),
    "post_by": (str, "The column that groups the other."),
    "row": (str, "With column, the entry of the matrix that this is of: a group of pre_by, or 'no type'."),
    "column": (str, "A group of post_by."),
    "value": (one_of(*matrices.VALUES), "What is counted."),
    "model": (one_of(*nulls.MODELS), "What chance keeps."),
    "permutations": (int, "How many wirings are drawn."),
    "seed": (int, "Of the random numbers."),
}
"""Type and meaning of each parameter, where a route does not say otherwise."""


@dataclass(frozen=True)
class Documented:
    """What a route says of itself. `examples` are values of parameters, or fields of the body."""

    answer: Answer
    parameters: Mapping[str, tuple[Any, str]]
    body: type | None = None
    examples: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_file(self) -> bool:
        """Whether it answers with a file where `format` asks for one."""
        return "format" in self.parameters


def documented(
    answer: Answer,
    *names: str,
    body: type | None = None,
    examples: Mapping[str, Any] | None = None,
    **other: tuple[Any, str],
) -> Callable[[View], View]:
    """Marks a view: it takes the parameters `names` and no others (see :func:`params.only`), all as PARAMETERS says but
    `other`. In `examples`, {cell}, {older}, {left} and {right} are such as the datastack has."""
    parameters = {name: other.get(name) or PARAMETERS[name] for name in names}

    def mark(view: View) -> View:
        @wraps(view)
        def checked(*args: Any, **kwargs: Any) -> Response:
            params.only(*names)
            return view(*args, **kwargs)

        checked.documented = Documented(answer, parameters, body, examples or {})  # type: ignore[attr-defined]
        return cast("View", checked)

    return mark
