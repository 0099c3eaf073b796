"""A filter as an expression of pandas over `frame`, for scripts to copy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

import pandas as pd
from pandas.api import types as dtypes

from services.core.errors import BadInput
from services.core.type_columns import BEGINS, SEVERAL
from services.filters.boxes import InBox
from services.filters.column_conditions import AgainstColumn, Once
from services.filters.nodes import (
    And,
    Between,
    Blank,
    Compare,
    Condition,
    InSaved,
    Matches,
    Node,
    NoneOf,
    Not,
    NotInSaved,
    OneOf,
    Or,
)
from services.filters.values import Value

_METHODS = {">": "gt", ">=": "ge", "<": "lt", "<=": "le"}


def expression(node: Node, frame: pd.DataFrame) -> str:
    """Python that keeps the same rows as `node.mask(frame)`, blank cells included. Only values of the filter are in
    it, written by `repr`; it may use `pd`, a function `matches(column, pattern)`, and `saved_<number>` for each of
    :func:`saved_lists`."""
    write = partial(expression, frame=frame)
    match node:
        case And():
            return _joined("&", map(write, node.parts))
        case Or():
            return _joined("|", map(write, node.parts))
        case Not():
            return f"~({write(node.part)})"
        case InBox():
            return _boxed(node)
        case Condition():
            return _condition(node, frame)
    raise BadInput(f"A script cannot express {node.describe()!r}.")


def saved_lists(node: Node) -> set[int]:
    """The numbers of the saved lists that a filter names."""
    match node:
        case And() | Or():
            return {number for part in node.parts for number in saved_lists(part)}
        case Not():
            return saved_lists(node.part)
        case InSaved() | NotInSaved():
            return {node.number}
    return set()


def _against(node: AgainstColumn, frame: pd.DataFrame) -> str:
    left, right = node.column.name, node.other.name
    answer = f"{_times(left, frame)}.{node.method}({_times(right, frame)}).fillna(False)"
    return _joined("&", (f"frame[{left!r}].notna()", f"frame[{right!r}].notna()", answer))


def _times(name: str, frame: pd.DataFrame) -> str:
    """A column as it is compared with others: numbers of float32 by the digits they are written with, times in UTC."""
    dtype = frame[name].dtype
    if getattr(dtype, "tz", None) is not None:
        return f"frame[{name!r}].dt.tz_convert('UTC').dt.tz_localize(None)"
    if dtypes.is_float_dtype(dtype) and getattr(dtype, "itemsize", 8) == 4:
        shortest = f"frame[{name!r}].to_numpy('float32', na_value=float('nan')).astype(str).astype('float64')"
        return f"pd.Series({shortest}, frame.index)"
    return f"frame[{name!r}]"


def _once(node: Once) -> str:
    name = node.column.name
    parts = [f"~frame[{name!r}].duplicated(keep=False)", f"frame[{name!r}].notna()"]
    return _joined("&", [*parts, *([f"(frame[{name!r}] != 0).fillna(False)"] if node.column.kind == "id" else [])])


def _condition(node: Condition, frame: pd.DataFrame) -> str:
    match node:
        case InSaved() | NotInSaved():
            return f"{'~' if isinstance(node, NotInSaved) else ''}frame[{node.column.name!r}].isin(saved_{node.number})"
        case AgainstColumn():
            return _against(node, frame)
        case Once():
            return _once(node)
    return _with_values(node, frame)


def _with_values(node: Condition, frame: pd.DataFrame) -> str:
    name = node.column.name
    match node:
        case NoneOf():
            return f"~({_one_of(name, node.values, frame)})"
        case OneOf():
            return _one_of(name, node.values, frame)
        case Compare():
            return _compared(name, _METHODS[node.sign], node.value, frame)
        case Between():
            ends = (("ge", node.low), ("le", node.high))
            return _joined("&", (_compared(name, method, end, frame) for method, end in ends))
        case Matches():
            return f"{'' if node.positive else '~'}matches(frame[{name!r}], {node.pattern!r})"
    return f"frame[{name!r}].{'isna' if isinstance(node, Blank) and node.blank else 'notna'}()"


def _one_of(name: str, values: Sequence[Value], frame: pd.DataFrame) -> str:
    dtype = frame[name].dtype
    if dtypes.is_float_dtype(dtype) or dtypes.is_datetime64_any_dtype(dtype):
        return _joined("|", (_compared(name, "eq", value, frame) for value in values))
    code = f"frame[{name!r}].isin([{', '.join(map(repr, values))}])"
    if SEVERAL in values and isinstance(dtype, pd.StringDtype):
        code = _joined("|", (code, f"frame[{name!r}].str.startswith({BEGINS!r}).fillna(False)"))
    return code


def _compared(name: str, method: str, value: Value, frame: pd.DataFrame) -> str:
    literal = repr(value)
    if isinstance(value, pd.Timestamp):
        naive = getattr(frame[name].dtype, "tz", None) is None
        literal = f"pd.Timestamp({(value.tz_localize(None) if naive else value).isoformat()!r})"
    return f"frame[{name!r}].{method}({literal}).fillna(False)"


def _boxed(box: InBox) -> str:
    parts = [
        f"(frame[{column.name!r}].astype('float64') * {scale!r}).{method}({end!r})"
        for column, scale, (low, high) in box.bounds()
        for method, end in (("ge", low), ("le", high))
        if end is not None
    ]
    not_null = [f"frame[{column.name!r}].notna()" for column in box.axes]
    return _joined("&", [*not_null, *parts])


def _joined(sign: str, parts: Iterable[str]) -> str:
    return f" {sign} ".join(f"({part})" for part in parts)
