"""Which lessons and published figures a datastack offers: those whose tables its version has."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Protocol, TypeVar
from urllib.parse import parse_qsl, urlsplit

from services.core.type_columns import SEPARATOR

TABLES = ("table", "types", "pre_table", "post_table")
"""Query parameters whose values are names of tables."""
COLUMNS = ("pre_by", "post_by")
"""Query parameters whose values are columns, `table.column`."""


class WithView(Protocol):
    """An item, such as a lesson, with the address of a view."""

    @property
    def view(self) -> str:
        """A path with its query."""


Offered = TypeVar("Offered", bound=WithView)


def fitting(items: Iterable[Offered], tables: Collection[str]) -> list[Offered]:
    """The items whose view names no other tables than these."""
    return [item for item in items if named(item.view) <= {*tables}]


def named(view: str) -> set[str]:
    """The names of the tables in the address of a view."""
    parameters = parse_qsl(urlsplit(view).query)
    columns = {value.partition(SEPARATOR)[0] for name, value in parameters if name in COLUMNS}
    return columns | {value for name, value in parameters if name in TABLES}
