"""What the routes answer, as types: of their functions, and of the OpenAPI document."""

from __future__ import annotations

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from services.core.directions import Side


class Error(TypedDict):
    """What went wrong, and what to do."""

    code: str
    message: str
    hint: str
    request_id: str
    position: NotRequired[int]


class ErrorAnswer(TypedDict):
    """The answer to every request that fails."""

    error: Error


class Datastack(TypedDict):
    """A datastack that can be read."""

    name: str
    title: str
    description: str


class Datastacks(TypedDict):
    """All datastacks."""

    datastacks: list[Datastack]


class Version(TypedDict):
    """A materialization version; times in ISO 8601, UTC."""

    version: int
    timestamp: str
    expires: str | None
    valid: bool


class Versions(TypedDict):
    """All versions of a datastack, newest first."""

    datastack: str
    description: str
    latest: int
    versions: list[Version]


class Table(TypedDict):
    """What CAVE says of a table or view; null = nobody knows."""

    name: str
    kind: Literal["table", "view"]
    schema_type: str
    description: str
    notice: str
    reference_table: str | None
    created: str
    voxel_resolution_nm: list[float]
    row_count: int | None


class OfVersion(TypedDict):
    """The datastack and the version (or the moment) that an answer is of."""

    datastack: str
    version: int | str


class Tables(OfVersion):
    """The tables and views of a version."""

    tables: list[Table]


class DescribedTable(OfVersion, Table):
    """A table of a version."""


class Column(TypedDict):
    """A column of the rows: its dtype in pandas, and the unit of its numbers ("" = none)."""

    name: str
    dtype: str
    unit: str


class Rows(OfVersion):
    """Rows as objects, ids as text, null where a cell is blank. `total` counts the rows of which these may be a page,
    null = unknown."""

    total: int | None
    columns: list[Column]
    rows: list[dict[str, Any]]
    messages: NotRequired[list[str]]


class Provenance(OfVersion):
    """Where rows come from, with what they are of, such as a table or a cell; `head` = only asks for it. What is
    unknown or empty is left out."""

    timestamp: str
    rows: NotRequired[int]
    total: NotRequired[int]
    source: str
    exported: str


class Cell(TypedDict):
    """A cell, its ids as text; null = not known. A volume without depths has none of a soma."""

    root_id: str
    nucleus_ids: list[str] | None
    id_type: str
    asked: str
    repaired_from: str | None
    overlap: float | None
    valid_at: int | None
    soma_position_nm: list[float] | None
    soma_depth_um: NotRequired[float | None]
    warnings: list[str]


class FoundCell(OfVersion):
    """The cell that was asked for."""

    cell: Cell


class CellRows(Rows):
    """Rows with the cell that they are of, or the `cells` and the synapses `among` them."""

    cell: NotRequired[Cell]
    cells: NotRequired[list[Cell]]
    among: NotRequired[list[list[int | None]]]
    warnings: NotRequired[list[str]]


class ChangedRows(CellRows):
    """Partners at two versions, in words and counted."""

    against: int | str
    changes: list[str]
    counts: dict[str, dict[str, int]]


class SetRows(Rows):
    """Rows of a population, with what is known of its two sets."""

    sets: dict[str, Any]
    autapses: Any


class DrawnCell(TypedDict):
    """A cell of a wall of skeletons; null = its skeleton has no soma."""

    root_id: str
    soma_um: list[float] | None


class WallRows(Rows):
    """Points of skeletons, with the cells in their order, those without one, and how many more were asked for."""

    cells: list[DrawnCell]
    without: list[str]
    left_out: int
    notes: list[str]


class Job(TypedDict):
    """A long reading: `done` of `total` chunks, with `rows` synapses, in `seconds`; null = not known yet. Where what
    was read is counted, it is `of` permutations; where the cells of the sets are looked up, of answers of CAVE, whose
    total is not known (0)."""

    id: str
    state: Literal["waiting", "reading", "done", "failed", "cancelled"]
    done: int
    total: int
    rows: int
    seconds: float
    seconds_left: float | None
    message: str
    of: Literal["chunks", "permutations", "answers"]


class JobAnswer(TypedDict):
    """How far a job is."""

    job: Job


class Link(OfVersion):
    """A Neuroglancer link, its state, and what is in it."""

    url: str
    state: dict[str, Any]
    description: str
    num_points: int
    num_segments: int
    left_out: Any
    legend: dict[str, str]


class SetsLink(TypedDict):
    """A Neuroglancer link to two sets, its state, and what is in it."""

    url: str
    state: dict[str, Any]
    description: str
    legend: dict[str, str]


class FoundIds(OfVersion):
    """What became of pasted ids, and the filter that keeps their rows."""

    counts: dict[str, int]
    filter: str
    total: int | None
    messages: list[str]
    rows: list[dict[str, Any]]


class Facets(OfVersion):
    """How many rows have each value, and histograms."""

    facets: list[dict[str, Any]]
    histograms: list[dict[str, Any]]
    messages: list[str]


class CrossTab(OfVersion):
    """Two columns against each other."""

    left: dict[str, Any]
    right: dict[str, Any]
    counts: list[list[int]]
    total: int
    both: int
    message: str
    messages: list[str]


class LinkBody(TypedDict):
    """A link to rows of a `table` or to a `cell`: one of the two."""

    table: NotRequired[str]
    filter: NotRequired[str]
    sort: NotRequired[list[str]]
    cell: NotRequired[str]
    id_type: NotRequired[str]
    types: NotRequired[str]
    type_by: NotRequired[str]
    synapses: NotRequired[str]
    direction: NotRequired[Side]
    partners: NotRequired[list[str]]
    viewer: NotRequired[str]
    group_by: NotRequired[str]
    colour_by: NotRequired[str]
    visible: NotRequired[list[str]]


class IdsBody(TypedDict):
    """Ids as people write them, in any text; tables to `join`, by commas."""

    ids: str
    id_type: NotRequired[str]
    join: NotRequired[str]
    on: NotRequired[str]
