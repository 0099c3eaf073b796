"""Addresses of the older MICrONS viewers, `/dash/datastack/<ds>/apps/<app>/?…`, as views of the present pages.

Their parameters are Python literals (`cell-type="BC,MC"`, `mat-version=1300`), but many links in use are unquoted. An
id is kept as its digits and never becomes a number. A key may be `NAME::property`; only the property `value` matters.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import replace

from services.core.moments import LIVE
from services.filters.values import written
from services.views.addresses import LATEST, LONGEST_VALUE, NO_TYPES, CellAddress, Query, TableAddress

TABLE_APP = "table_viewer"
CONNECTIVITY_APPS = ("connectivity", "basic_connectivity")

_TYPE_TABLE_KEYS = ("cell-type-table-dropdown", "cell-type-table-menu")
_ID_BOX = {"root_id": "root_id", "nucleus_id": "nucleus_id", "anno_id": "id"}
_SHARED = {"datastack", "mat-version", "anno-id", "id-type", "cell-id-type", *_TYPE_TABLE_KEYS}
_TABLE_ONLY = {"cell-type", "value-column-search"}


def translate(
    app: str, datastack: str, query: Query, *, live: bool = False
) -> tuple[TableAddress | CellAddress, tuple[str, ...]]:
    """The view that an old address showed, and a sentence for each part that can no longer be shown.

    `app` and `datastack` are those of the path; a `datastack` parameter takes precedence. `query` holds the decoded
    parameters, each one text or several (the last is used, as in the older viewers). An unknown app becomes the table
    viewer. `live` is whether the datastack allows the present state to be shown.
    """
    values, warnings = _literals(query)
    place = (
        values.get("datastack") or datastack,
        _version(values, warnings, live=live),
    )
    type_table = next((values[key] for key in _TYPE_TABLE_KEYS if values.get(key)), "")
    if app in CONNECTIVITY_APPS:
        return _connectivity(values, place, type_table, warnings), tuple(warnings)
    if app != TABLE_APP:
        warnings.append(f"There is no viewer called {app[:40]!r}; this is the table viewer.")
    return _table(values, place, type_table, warnings), tuple(warnings)


def _connectivity(
    values: Mapping[str, str], place: tuple[str, str], type_table: str, warnings: list[str]
) -> CellAddress:
    _warn_unknown(values, _SHARED, warnings)
    id_type = values.get("id-type") or values.get("cell-id-type") or "root_id"
    if id_type not in ("root_id", "nucleus_id"):
        warnings.append(f"The id type {id_type[:40]!r} is unknown; it is now found out from the id.")
        id_type = "auto"
    cell = values.get("anno-id", "").strip()
    # without a cell, the link's id type need not fit the id that is typed next
    return CellAddress(*place, cell, id_type if cell else "auto", type_table or NO_TYPES)


def _table(values: Mapping[str, str], place: tuple[str, str], table: str, warnings: list[str]) -> TableAddress:
    _warn_unknown(values, _SHARED | _TABLE_ONLY, warnings)
    view = TableAddress(*place, table)
    boxes: dict[str, str] = {}
    searched, column = _items(values.get("cell-type", "")), values.get("value-column-search", "")
    if searched and column:
        boxes[column] = _box(searched)
    elif searched:
        warnings.append("The old link searched for values without naming a column; that search was left out.")
    ids = _items(values.get("anno-id", ""))
    if ids:
        id_column = _ID_BOX.get(values.get("id-type") or "root_id", "root_id")
        boxes[id_column] = _box(ids)
    return replace(view, boxes=boxes)


def _box(items: list[str]) -> str:
    return f"= {written(items[0])}" if len(items) == 1 else f"in ({', '.join(map(written, items))})"


def _items(text: str) -> list[str]:
    return list(dict.fromkeys(item for part in text.split(",") if (item := part.strip())))


def _version(values: Mapping[str, str], warnings: list[str], *, live: bool) -> str:
    text = values.get("mat-version", "").strip()
    if text.lower() == LIVE and live:
        return LIVE
    if text.lower() == LIVE:
        warnings.append("The old link asked for live data; showing the latest version.")
    elif text and not re.fullmatch(r"[0-9]{1,9}", text):
        warnings.append(f"mat-version={text[:40]} is not a version number; showing the latest version.")
    return str(int(text)) if re.fullmatch(r"[0-9]{1,9}", text) else LATEST


def _warn_unknown(values: Mapping[str, str], meaningful: set[str], warnings: list[str]) -> None:
    for key in [key for key in values if key not in meaningful][:5]:
        if key == "live-query-toggle":
            warnings.append("The live query switch of the old link no longer exists; the version says what is shown.")
        else:
            warnings.append(f"The old link has {key[:40]!r}, which no longer has a meaning.")


def _literals(query: Query) -> tuple[dict[str, str], list[str]]:
    """The value of each parameter as text, without those that are None or empty, and warnings for the others left
    out."""
    values: dict[str, str] = {}
    warnings = []
    for name, value in query.items():
        text = value if isinstance(value, str) else value[-1] if value else ""
        key, _, prop = name.partition("::")
        if prop not in ("", "value"):
            warnings.append(f"The old link sets {name[:40]!r}, which no longer has a meaning.")
        elif len(text) > LONGEST_VALUE:
            warnings.append(f"The old link has too much under {key[:40]!r}; that part was left out.")
        elif literal := _literal(text.strip()):
            values[key] = literal
    return values, warnings


def _literal(text: str) -> str:
    """The value of a Python literal as text: strings without their quotes, lists joined by commas, "" for None.
    Anything else, numbers above all, is kept as written."""
    if text == "None":
        return ""
    if text[:1] in ("'", '"'):
        node = _parsed(text)
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value.encode(errors="replace").decode()  # a lone surrogate cannot be encoded
        return text.strip("'\"")
    if text[:1] in ("[", "("):
        node = _parsed(text)
        if isinstance(node, ast.List | ast.Tuple):
            return ",".join(_literal(ast.get_source_segment(text, item) or "") for item in node.elts)
    return text


def _parsed(text: str) -> ast.expr | None:
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
