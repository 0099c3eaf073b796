"""The words of a query line, to complete it with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from services.core.columns import Column
from services.filters.boxes import OPERATORS, axes_of
from services.filters.conditions import operators
from services.filters.values import Value, format_value, written

Words: TypeAlias = dict[str, dict[str, list[str]]]


def offered(columns: Sequence[Column], values: Mapping[str, Iterable[Value]]) -> Words:
    """For each name that a query line may begin a condition with, the operators that may follow it and the values
    that are known of it: columns, positions as a whole, and last other names of columns."""
    words: Words = {}
    for column in columns:
        place = column.name.removesuffix("_x")
        if place != column.name and axes_of(columns, place):
            words[written(place)] = {"operators": [*OPERATORS], "values": []}
        listed = [format_value(value) for value in values.get(column.name, ())]
        words[written(column.name)] = {"operators": [*operators(column)], "values": listed}
    aliases = {written(alias): words[written(column.name)] for column in columns for alias in column.aliases}
    return words | {alias: of for alias, of in aliases.items() if alias not in words}
