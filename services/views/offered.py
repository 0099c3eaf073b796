"""Which lessons and published figures are offered: those whose tables a version has."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Protocol, TypeVar
from urllib.parse import parse_qsl, urlsplit

from services.core.type_columns import SEPARATOR

TABLES = ("table", "types", "pre_table", "post_table")
"""Parameters of addresses that are names of tables."""
COLUMNS = ("pre_by", "post_by")
"""Those that are columns with their table before them."""


class WithView(Protocol):
    """Something that starts from, or leads to, the address of a `view`."""

    @property
    def view(self) -> str:
        """A path with its parameters."""


Offered = TypeVar("Offered", bound=WithView)


def fitting(items: Iterable[Offered], tables: Collection[str]) -> list[Offered]:
    """Those whose view is of these tables alone."""
    return [one for one in items if named(one.view) <= {*tables}]


def named(view: str) -> set[str]:
    """The tables that the address of a view names."""
    parameters = parse_qsl(urlsplit(view).query)
    columns = {value.partition(SEPARATOR)[0] for name, value in parameters if name in COLUMNS}
    return columns | {value for name, value in parameters if name in TABLES}
