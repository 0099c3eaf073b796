"""The grammar of page addresses: from the view of a page to its URL and back.

A URL holds the whole view. Text is kept as it was typed, ids as digits; the box of column `c` is `f.c=…`, a sort is
`sort=c` or `sort=-c` (descending), repeated for further columns. Values equal to the default are left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeAlias
from urllib.parse import quote, urlencode

from services.cells.column_groups import GROUPS as COLUMN_GROUPS
from services.core.directions import SIDES
from services.core.moments import LIVE, MOMENT_FORMAT, is_moment, written_moment
from services.core.sorting import Sort, SortDirection, format_sort, parse_sort
from services.populations import comparisons, matrices, nulls, orders, paths, sets, similarity

Query: TypeAlias = Mapping[str, str | Sequence[str]]

TABLE_PAGE = "/table-viewer"
CATALOGUE_PAGE = "/catalogue"
CONNECTIVITY_PAGE = "/connectivity-viewer"
POPULATIONS_PAGE = "/populations"
WALL_PAGE = "/skeletons"
LATEST = "latest"
ID_TYPES = ("auto", "root_id", "nucleus_id", "supervoxel_id", "position", "link")
TABS = ("in", "out", "both", "types")
NO_TYPES = "none"
"""The `type_table` of a :class:`CellAddress` without a type table."""
PANELS = ("plot", "facets", "compare", "3d", "ids", "columns")
PLOTS = ("counts", "scatter", "side", "top", "histogram")
UNITS = ("vx", "nm", "um")
SWITCH = ("", "on")
IDS, SAME = "ids", "same"
"""In place of the table of a population's set: the set is a list of ids; it is the same as the presynaptic set."""
PROOFREAD = sets.PROOFREAD
ORDERS = orders.ORDERS
NO_MODEL = "none"
MODELS = (NO_MODEL, *nulls.MODELS)
POPULATION_VALUES = matrices.VALUES
POPULATION_PANELS = ("matrix", "distributions", "motifs", "alike", "paths", "network", "changes", "beside")
MEASURES = similarity.MEASURES
PATH_ORDERS = paths.ORDERS
COMPARED = comparisons.COMPARED
BOX = "f."
LONGEST_VALUE = 2_000_000
"""Characters of a value that is read, enough for a hundred thousand ids, which the page then saves under a number."""
LONGEST_ADDRESS = 8_000
"""Characters of an address that web servers accept."""
MOST_VALUES = 100
"""Parameters of an address, and values of one of them, that are read."""


@dataclass(frozen=True)
class TableAddress:
    """What the table viewer shows.

    Rows: `version` is "latest", a number as text, "live" or a time in UTC (see :mod:`moments`); `where` is the query
    line and `boxes` the text in the box of each column. `columns` names the columns to show (() = all), `join` further
    tables whose columns are added. `unit`, one of UNITS, is that of positions, `filters_in` that of the filter's text.
    Panels and links: `panel` is the one of PANELS in front, `plot` one of PLOTS, with the columns of its axes in `x`
    and `y`; `left` and `right` are the two columns compared ("" = chosen to fit). `group_by` is the column by which
    links are grouped and plots coloured. Links open in `viewer` ("" = the first of the datastack), and plots show the
    layer boundaries `layers` ("" = the first of the volume)."""

    datastack: str = ""
    version: str = LATEST
    table: str = ""
    where: str = ""
    boxes: Mapping[str, str] = field(default_factory=dict)
    sort: Sort = ()
    group_by: str = ""
    panel: str = "plot"
    plot: str = "counts"
    x: str = ""
    y: str = ""
    left: str = ""
    right: str = ""
    columns: tuple[str, ...] = ()
    unit: str = "vx"
    filters_in: str = ""
    join: tuple[str, ...] = ()
    viewer: str = ""
    layers: str = ""

    def unfiltered(self) -> TableAddress:
        """The same address without its filter: no query line and no boxes."""
        return replace(self, where="", boxes={})

    def href(self) -> str:
        """The path and query of the page that shows this view."""
        return _href(TABLE_PAGE, self)

    def catalogue(self) -> str:
        """The path and query of the page that lists all tables of this version."""
        return _href(CATALOGUE_PAGE, TableAddress(self.datastack, self.version))


@dataclass(frozen=True)
class CellAddress:
    """What the connectivity viewer shows.

    Cell: `version` is as of :class:`TableAddress`, `cell` the text that names the cell or cells, `id_type` one of
    ID_TYPES. `type_table` is the table of cell types ("" = the datastack's own choice, NO_TYPES = none), `type_by` the
    rule that selects among several rows of a cell ("" = all; see :mod:`cell_types`). `synapses` is the filter line for
    synapses ("" = the usual one). With `whole` "on", synapses that CAVE would truncate are requested in parts.
    Partners: `tab`, one of TABS, is the tab in front, to whose partners `where`, `boxes` and `sort` apply. `top` keeps
    the largest partners that make up this percentage of the synapses ("" = all), `at_least` those with this many
    synapses ("" = 1), and `proofread` "on" keeps proofread ones. `more` names columns to add, `show` the group of
    columns to show ("" = all), `group_by` the column whose values get subtotals and colours ("" = the type).
    Links open in `viewer` ("" = the first of the datastack); `panel` "on" shows the bundled viewer beside the table.
    `partner` is a partner whose synapses are listed, `against` a version to compare with. Plots show the layer
    boundaries `layers` ("" = the first of the volume)."""

    datastack: str = ""
    version: str = LATEST
    cell: str = ""
    id_type: str = "auto"
    type_table: str = ""
    tab: str = "out"
    at_least: str = ""
    proofread: str = ""
    more: tuple[str, ...] = ()
    where: str = ""
    boxes: Mapping[str, str] = field(default_factory=dict)
    sort: Sort = ()
    group_by: str = ""
    viewer: str = ""
    panel: str = ""
    whole: str = ""
    partner: str = ""
    against: str = ""
    type_by: str = ""
    synapses: str = ""
    top: str = ""
    layers: str = ""
    show: str = ""

    def href(self) -> str:
        """The path and query of the page that shows this view."""
        return _href(CONNECTIVITY_PAGE, self)


@dataclass(frozen=True)
class PopulationAddress:
    """What the page of populations shows.

    Sets: `pre` is a filter line over the table `pre_table`, or where that is IDS a whole set as of :mod:`sets`, such as
    ids; `post` likewise, or the presynaptic set where `post_table` is SAME. `proofread`, one of PROOFREAD, says which
    part of cells has to be proofread. `synapses` is as of :class:`CellAddress`. With `read` "on", synapses that are not
    in the cache are requested from CAVE.
    Matrix: `pre_by` and `post_by` are the columns by which cells are grouped ("" = their type, "cell" = each cell
    alone), `value` is one of POPULATION_VALUES, `order` one of ORDERS. `model`, one of MODELS, is the null model to
    compare with, in `permutations` permutations with a `seed` ("" = the defaults). `row` and `column` name the groups
    of the entry whose synapses are listed. `against` is a version to compare with.
    Panels: `panel` is one of POPULATION_PANELS. `direction`, one of SIDES, and `measure`, one of MEASURES, define the
    similarity of cells; `cell` is the root id that others are compared with, `other` one whose partners are listed
    beside those of `cell`, `clusters` the number of clusters ("" = the default). `through` is the set that paths lead
    through ("" = both sets), `best`, one of PATH_ORDERS, which paths come first. `beside` is a set that takes the place
    of the presynaptic set (of the postsynaptic one, with the `direction` "in"), `compared`, one of COMPARED, the
    quantity by which the two are compared."""

    datastack: str = ""
    version: str = LATEST
    pre_table: str = ""
    pre: str = ""
    post_table: str = SAME
    post: str = ""
    proofread: str = "axon"
    pre_by: str = ""
    post_by: str = ""
    value: str = "synapses"
    order: str = "type"
    model: str = NO_MODEL
    permutations: str = ""
    seed: str = ""
    row: str = ""
    column: str = ""
    against: str = ""
    read: str = ""
    panel: str = "matrix"
    direction: str = "out"
    measure: str = "cosine"
    cell: str = ""
    other: str = ""
    clusters: str = ""
    through: str = ""
    best: str = "shortest"
    beside: str = ""
    compared: str = "share"
    synapses: str = ""

    @property
    def pre_set(self) -> str:
        """The presynaptic set in the notation of :mod:`sets` and the API; "" = none is given."""
        return _set(self.pre_table, self.pre)

    @property
    def post_set(self) -> str:
        """The postsynaptic set in the same notation; "" = the presynaptic set."""
        return _set(self.post_table, self.post)

    def href(self) -> str:
        """The path and query of the page that shows this view."""
        return _href(POPULATIONS_PAGE, self)


@dataclass(frozen=True)
class WallAddress:
    """What the page of skeletons shows: `cells` is a set in the notation of :mod:`sets`, ids or `table:filter`."""

    datastack: str = ""
    version: str = LATEST
    cells: str = ""

    def href(self) -> str:
        """The path and query of the page that shows this view."""
        return _href(WALL_PAGE, self)


def _set(table: str, text: str) -> str:
    if table == SAME:
        return ""
    return text.strip() if table in ("", IDS) else f"{table}:{text.strip()}"


def pinned(query: Query) -> Query:
    """The query of a page with the version "live" replaced by the present time, so that all parts of it show the
    same."""
    version = query.get("version")
    if not isinstance(version, str) or version.strip().casefold() != LIVE:
        return query
    return {**query, "version": datetime.now(UTC).strftime(MOMENT_FORMAT)}


def parse_table(query: Query) -> tuple[TableAddress, tuple[str, ...]]:
    """The address that a query describes (each value one text or several), and a sentence for each part left out."""
    read = _Reader(query)
    view = TableAddress(
        datastack=read.text("datastack"),
        version=read.version(),
        table=read.text("table"),
        where=read.text("where"),
        boxes=read.boxes(),
        sort=read.sort(),
        group_by=read.text("group_by"),
        panel=read.choice("panel", PANELS, "plot"),
        plot=read.choice("plot", PLOTS, "counts"),
        x=read.text("x"),
        y=read.text("y"),
        left=read.text("left"),
        right=read.text("right"),
        columns=read.texts("columns"),
        unit=read.choice("unit", UNITS, "vx"),
        filters_in=read.choice("filters_in", ("", *UNITS), ""),
        join=read.texts("join"),
        viewer=read.text("viewer"),
        layers=read.text("layers"),
    )
    return view, read.warnings()


def parse_catalogue(query: Query) -> tuple[TableAddress, str]:
    """The datastack and version of a query, and the words to search the catalogue for."""
    read = _Reader(query)
    return TableAddress(datastack=read.text("datastack"), version=read.version()), read.text("q")


def parse_connectivity(query: Query) -> tuple[CellAddress, tuple[str, ...]]:
    """The address that a query describes (each value one text or several), and a sentence for each part left out."""
    read = _Reader(query)
    view = CellAddress(
        datastack=read.text("datastack"),
        version=read.version(),
        cell=read.text("cell"),
        id_type=read.choice("id_type", ID_TYPES, "auto"),
        type_table=read.text("type_table"),
        type_by=read.text("type_by").strip(),
        tab=read.choice("tab", TABS, "out"),
        synapses=read.text("synapses").strip(),
        top=read.text("top").strip(),
        at_least=read.text("at_least").strip(),
        proofread=read.choice("proofread", SWITCH, ""),
        more=read.texts("more"),
        where=read.text("where"),
        boxes=read.boxes(),
        sort=read.sort(),
        group_by=read.text("group_by"),
        viewer=read.text("viewer"),
        panel=read.choice("panel", SWITCH, ""),
        whole=read.choice("whole", SWITCH, ""),
        partner=read.text("partner").strip(),
        against=read.text("against").strip(),
        layers=read.text("layers"),
        show=read.choice("show", ("", *COLUMN_GROUPS), ""),
    )
    return view, read.warnings()


def parse_population(query: Query) -> tuple[PopulationAddress, tuple[str, ...]]:
    """The address that a query describes (each value one text or several), and a sentence for each part left out."""
    read = _Reader(query)
    choices = {"proofread": PROOFREAD, "value": POPULATION_VALUES, "order": ORDERS, "model": MODELS, "read": SWITCH}
    choices |= {
        "panel": POPULATION_PANELS,
        "direction": SIDES,
        "measure": MEASURES,
        "best": PATH_ORDERS,
        "compared": COMPARED,
    }
    defaults = vars(PopulationAddress())
    chosen = {name: read.choice(name, allowed, defaults[name]) for name, allowed in choices.items()}
    texts = {name: read.text(name, defaults[name]) for name in defaults if name not in (*choices, "version")}
    return PopulationAddress(version=read.version(), **chosen, **texts), read.warnings()


def parse_wall(query: Query) -> tuple[WallAddress, tuple[str, ...]]:
    """The address that a query describes (each value one text or several), and a sentence for each part left out."""
    read = _Reader(query)
    return WallAddress(read.text("datastack"), read.version(), read.text("cells")), read.warnings()


def _href(path: str, view: TableAddress | CellAddress | PopulationAddress | WallAddress) -> str:
    pairs: list[tuple[str, str]] = []
    for name, default in vars(type(view)()).items():
        value: Any = getattr(view, name)
        if name == "boxes":
            pairs += [(BOX + column, text) for column, text in value.items() if column and text.strip()]
        elif name == "sort":
            pairs += [("sort", text) for text in format_sort(value)]
        elif isinstance(value, tuple):
            pairs += [(name, text) for text in value if text]
        elif value != default:
            pairs.append((name, value))
    return path + ("?" + urlencode(pairs, quote_via=quote, safe="~") if pairs else "")


class _Reader:
    """Reads a query parameter by parameter. `unread` are those not read so far, `messages` what could not be used."""

    def __init__(self, query: Query) -> None:
        self.unread: dict[str, list[str]] = {}
        self.messages: list[str] = []
        for key, value in list(query.items())[:MOST_VALUES]:
            texts = [value] if isinstance(value, str) else list(value)
            fitting = [text for text in texts[:MOST_VALUES] if len(text) <= LONGEST_VALUE]
            if len(fitting) < len(texts):
                self.messages.append(f"The address has too much under {key[:40]!r}; that part was left out.")
            if fitting:
                self.unread[key] = fitting
        if len(query) > MOST_VALUES:
            self.messages.append(f"The address has {len(query):,} parameters; only {MOST_VALUES} were read.")

    def text(self, key: str, default: str = "") -> str:
        texts = self.unread.pop(key, [])
        if len(set(texts)) > 1:
            self.messages.append(f"The address gives {key} {len(texts)} times; the first is used.")
        return texts[0] if texts else default

    def texts(self, key: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(text for text in self.unread.pop(key, []) if text))

    def choice(self, key: str, allowed: Sequence[str], default: str) -> str:
        text = self.text(key, default)
        if text in allowed:
            return text
        choices = ", ".join(filter(None, allowed))
        self.messages.append(
            f"{key}={text[:40]} is unknown; it can be {choices}. Showing {default or 'the page without'}."
        )
        return default

    def version(self) -> str:
        text = self.text("version", LATEST).strip().lower().removeprefix("v")
        if text == LATEST or re.fullmatch(r"[0-9]{1,9}", text):
            return text if text == LATEST else str(int(text))
        if text == LIVE or is_moment(text):
            return text if text == LIVE else written_moment(text.upper())
        self.messages.append(f"version={text[:40]} is not a version number; showing the latest version.")
        return LATEST

    def boxes(self) -> dict[str, str]:
        keys = [key for key in self.unread if key.startswith(BOX) and key != BOX]
        return {key.removeprefix(BOX): text for key in keys if (text := self.text(key)).strip()}

    def sort(self) -> Sort:
        first: dict[str, SortDirection] = {}
        for name, direction in parse_sort(self.unread.pop("sort", [])):
            first.setdefault(name, direction)
        return tuple(first.items())

    def warnings(self) -> tuple[str, ...]:
        unknown = [
            f"The address has {key[:40]!r}, which this page does not know; it was left out." for key in self.unread
        ]
        return (*self.messages, *unknown[:5])
