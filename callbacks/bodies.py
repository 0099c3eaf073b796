"""The types of the values that browsers send to callbacks; `guard` refuses any others before a callback runs."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypeAlias

from pydantic import AfterValidator, Field
from typing_extensions import TypedDict

from services.core.directions import Side
from services.core.id_text import LARGEST_ID


def _id(text: str) -> str:
    if int(text) > LARGEST_ID:
        raise ValueError("an id has at most 63 bits")
    return text


def _outline(outline: dict[str, list[float]]) -> dict[str, list[float]]:
    if not outline.get("x") or len(outline["x"]) != len(outline.get("y", ())):
        raise ValueError("x and y have to be as many")
    return outline


Href: TypeAlias = Annotated[str, Field(pattern=r"^/[a-z-]*(\?[^#]*)?$", max_length=100_000)]
"""The address of a view within Karst."""
Query: TypeAlias = dict[str, str | list[str]]
"""The parameters of an address."""
IdText: TypeAlias = Annotated[str, Field(pattern=r"^[0-9]{1,19}$"), AfterValidator(_id)]
"""An id of a row or of a segment, in digits."""
Finite: TypeAlias = Annotated[float, Field(allow_inf_nan=False)]
RowNumber: TypeAlias = Annotated[int, Field(ge=0, lt=2**31)]


class Sorted(TypedDict):
    """A column of AG Grid's `sortModel`."""

    colId: str
    sort: Literal["asc", "desc"]


class Box(TypedDict):
    """A column of AG Grid's `filterModel`."""

    filter: NotRequired[str | None]


class Model(TypedDict):
    """Filters and order of a grid."""

    filterModel: NotRequired[dict[str, Box] | None]
    sortModel: NotRequired[list[Sorted] | None]


class Block(Model):
    """A grid's request for a block of rows."""

    startRow: RowNumber
    endRow: RowNumber


class GridState(Model):
    """The state of a grid: the address for which it was drawn, and its present filters and order."""

    of: Href


class OfFigure(TypedDict):
    """A figure of the gallery ("" = none) at a version ("" = the latest)."""

    figure: str
    version: str


class OfPlot(TypedDict):
    """The id of a component that belongs to a plot of a page."""

    type: str
    of: str
    name: str


class OfSide(TypedDict):
    """The id of a component that belongs to the partners of one side."""

    side: Side


class GridOfSide(OfSide):
    """The id of a grid of partners."""

    of: Href


class TableGrid(TypedDict):
    """The id of a grid of rows."""

    of: Href


Outline: TypeAlias = Annotated[dict[str, list[Finite]], AfterValidator(_outline)]
"""The corners of an outline drawn in a plot, or the position of a clicked point, in `x` and `y`."""


class Drawn(TypedDict):
    """What was outlined or clicked in a plot of partners: row numbers of the table, or a value of the grouping
    column."""

    rows: NotRequired[list[RowNumber]]
    value: NotRequired[str]
