"""What CAVE itself can filter: a filter as the arguments of a query, or a sentence on what cannot be one."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any, TypeAlias

from services.cave.queries import Filters
from services.core.errors import BadInput
from services.filters.boxes import InBox
from services.filters.column_conditions import AgainstColumn, Once
from services.filters.nodes import And, Between, Compare, Condition, Everything, Matches, Node, OneOf

FilterFields: TypeAlias = dict[str, dict[str, Any]]
"""Fields of Filters, each with a value for every column."""

_SIGNS = {">": "greater", "<": "less", ">=": "greater_equal", "<=": "less_equal"}
_SAME_EVERYWHERE = re.compile(r"[\w \-/,:#%&^$.|()*+?]*")
"""Patterns that RE2 and PostgreSQL read alike: no escapes, no brackets, no braces."""
_BEYOND = float(2**31)
"""No voxel is this far out."""


def push_down(node: Node, table: str, most: int) -> Filters:
    """The filter as CAVE takes it: conditions that all have to hold, each on another column or with another sign.

    Raises BadInput, naming what CAVE cannot do: it has no "or", no "not" and no blanks. Karst has them, once the table
    is narrowed to `most` rows.
    """
    filters: FilterFields = {}
    for part in _parts(node):
        _add(filters, part, table, most)
    return Filters(**filters)


def push_possible(node: Node) -> Filters:
    """As much of the filter as CAVE takes: it leaves all rows that :func:`push_down` would, and perhaps more."""
    filters: FilterFields = {}
    for part in _parts(node):
        with suppress(BadInput):
            _add(filters, part)
    return Filters(**filters)


def _parts(node: Node) -> tuple[Node, ...]:
    """What all has to hold."""
    return node.parts if isinstance(node, And) else () if isinstance(node, Everything) else (node,)


def _add(filters: FilterFields, part: Node, table: str = "", most: int = 0) -> None:
    """What one condition asks; nothing of it where CAVE cannot do all of it. Raises BadInput."""
    conditions = _filters_of(part, table, most)
    if any(column in filters.get(name, {}) for name, column, _ in conditions):
        raise _cannot(part, table, most, "a second condition of the same kind on one column")
    for name, column, value in conditions:
        filters.setdefault(name, {})[column] = value


def _filters_of(part: Node, table: str, most: int) -> list[tuple[str, str, Any]]:
    """What one condition asks, as (field of Filters, column, value)."""
    if isinstance(part, InBox):
        return [("box", part.axes[0].name.removesuffix("_x"), _corners(part))]
    if not isinstance(part, Condition):
        raise _cannot(part, table, most, "or, not")
    if isinstance(part, AgainstColumn | Once):
        raise _cannot(part, table, most, "one column against another, once(…)")
    name = part.column.name
    if part.column.kind == "position":
        raise _cannot(part, table, most, "one axis of a position alone; use pt_position in box (…)")
    if part.column.kind == "time":
        raise _cannot(part, table, most, "times")
    match part:
        case OneOf(values=(value,)):
            return [("equal", name, value)]
        case OneOf():
            return [("isin", name, list(part.values))]
        case Compare():
            return [(_SIGNS[part.sign], name, part.value)]
        case Between():
            return [("greater_equal", name, part.low), ("less_equal", name, part.high)]
        case Matches(positive=True) if _SAME_EVERYWHERE.fullmatch(part.pattern):
            return [("regex", name, part.pattern)]
    raise _cannot(part, table, most, "!=, not in, !~, null, or escapes and brackets in patterns")


def _corners(box: InBox) -> list[list[float]]:
    """A box in voxels. CAVE wants all six numbers, the least below the greatest, and takes points on its faces."""
    ends = [
        (-_BEYOND if low is None else low / scale, _BEYOND if high is None else high / scale)
        for _, scale, (low, high) in box.bounds()
    ]
    flat = [axis for axis, (low, high) in zip("xyz", ends, strict=True) if low == high]
    if flat:
        raise BadInput(f"CAVE finds nothing in a box that is flat in {flat[0]}.", "Make it a voxel thick.")
    return [[low for low, _ in ends], [high for _, high in ends]]


def _cannot(part: Node, table: str, most: int, reason: str) -> BadInput:
    return BadInput(
        f"{table} is too large to hold, so CAVE has to filter it, and CAVE cannot do {part.describe()!r}.",
        f"What it cannot do here: {reason}. Narrow the table to {most:,} rows or fewer by a condition that it can do, "
        "such as a root id or a box in space, and join this one with and.",
    )
