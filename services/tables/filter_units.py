"""Filters with some of their conditions changed: the line stays a line, each box a box."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeAlias

from services.core.columns import Column, find_column
from services.filters.boxes import UNIT_NM, InBox
from services.filters.column_conditions import AgainstColumn, Once
from services.filters.filters import parse_box, parse_line
from services.filters.nodes import And, Between, Blank, Compare, Condition, Node, NoneOf, Not, OneOf, Or
from services.filters.values import Value, format_value
from services.tables.position_units import columns_in
from services.tables.tables import TableQuery

Change: TypeAlias = Callable[[Node], Node]


def rewritten(columns: Sequence[Column], query: TableQuery, change: Change) -> TableQuery:
    """The query with each condition changed. A text of which none changes stays as it was typed. Raises BadInput."""
    line = parse_line(query.where, columns, query.saved)
    where, boxes = changed(line, change), {}
    for name, text in query.boxes.items():
        typed = parse_box(find_column(columns, name), text, query.saved, columns)
        box = changed(typed, change)
        boxes[name] = text if box == typed else _box(box)
    return replace(query, where=query.where if where == line else where.text(), boxes=boxes)


def as_known(
    columns: Sequence[Column], query: TableQuery, values_of: Mapping[str, Sequence[Value]]
) -> tuple[TableQuery, tuple[Value, ...]]:
    """The query with the values that its texts may mean where no cell is exactly that: those of another letter case,
    else the first that has the text within; and these values. `values_of` are those of columns. Raises BadInput."""
    replacements: dict[Value, None] = {}

    def change(leaf: Node) -> Node:
        if not isinstance(leaf, OneOf) or leaf.column.kind != "text":
            return leaf
        values = values_of.get(leaf.column.name, ())
        nearest = {value: _nearest(str(value), values) for value in leaf.values}
        replacements.update({near: None for value, near in nearest.items() if near != value})
        return replace(leaf, values=tuple(dict.fromkeys(nearest.values())))

    return rewritten(columns, query, change), tuple(replacements)


def _nearest(text: str, values: Sequence[Value]) -> Value:
    folded = text.casefold()
    alike = [value for value in values if str(value).casefold() == folded]
    within = [value for value in values if folded and folded in str(value).casefold()]
    return text if text in values else next(iter([*alike, *within]), text)


def to_unit(unit: str) -> Change:
    """What makes conditions on positions, in the units of their columns, keep the same rows in "vx", "nm" or "um"."""

    def change(leaf: Node) -> Node:
        if isinstance(leaf, InBox):
            x, y, z = columns_in(leaf.axes, unit)
            return replace(leaf, axes=(x, y, z))  # its own unit it says
        return _in_unit(leaf, unit) if isinstance(leaf, Condition) and leaf.column.kind == "position" else leaf

    return change


def _in_unit(leaf: Condition, unit: str) -> Node:
    column, into = replace(leaf.column, unit=unit), partial(_converted, leaf.column, unit)
    match leaf:
        case OneOf() | NoneOf():
            return replace(leaf, column=column, values=tuple(map(into, leaf.values)))
        case Compare():
            return replace(leaf, column=column, value=into(leaf.value))
        case Between():
            return replace(leaf, column=column, low=into(leaf.low), high=into(leaf.high))
        case AgainstColumn():
            return replace(leaf, column=column, other=replace(leaf.other, unit=unit))
    return leaf


def _converted(column: Column, unit: str, value: Value) -> Value:
    """A number of a position in another unit, such that it is there to every cell as it was here: from voxels by the
    same steps as cells, and back to the shortest number that these lead to."""
    old, new = (UNIT_NM.get(each) or column.voxel_nm or 1.0 for each in (column.unit, unit))
    old_number = float(value)
    exact = old_number * old / new
    short = round(exact, 6)
    number = short if column.unit != "vx" and short * new / old == old_number else exact
    return int(number) if number.is_integer() and abs(number) < 10**15 else number


def changed(node: Node, change: Change) -> Node:
    """The filter with each condition changed."""
    match node:
        case And() | Or():
            return type(node)(tuple(changed(part, change) for part in node.parts))
        case Not():
            return Not(changed(node.part, change))
    return change(node)


def _box(node: Node) -> str:
    """What to type into a box for what `parse_box` can say."""
    match node:
        case Condition():
            return node.box().removeprefix("= ")
        case Not(part=Between() as between):
            return f"!{between.box()}"
        case Not(part=Once() as once):
            return f"not {once.box()}"
        case Or(parts=(OneOf() as listed, Blank())):
            return f"in ({', '.join(map(format_value, listed.values))}, null)"
        case And(parts=(NoneOf() as listed, Blank())):
            return f"not in ({', '.join(map(format_value, listed.values))}, null)"
    raise ValueError(f"no box says {node!r}")
