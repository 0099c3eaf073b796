"""What the synapse table of a version can be asked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

import pandas as pd

from services.cache.shared import Cache
from services.cave.client import Cave
from services.cave.queries import Filters, Source
from services.cave.rows import complete, selected
from services.cave.synapse_shape import CENTRE, COLUMNS_OF, SynapseShape, as_synapses, shape_of
from services.core.directions import Direction
from services.core.errors import NotFound
from services.core.parallel import gather
from services.core.records import TableInfo, Version
from services.core.roles import Roles

IDS_AT_ONCE = 10_000
"""Synapses without a centre whose ends one request asks for: 200 kB of JSON."""
FINEST = (1.0, 1.0, 1.0)
"""The resolution in which positions come in nm."""


class Synapses(ABC):
    """The questions of :class:`Release` about synapses."""

    cave: Cave
    datastack: str
    version: Version

    @property
    @abstractmethod
    def _place(self) -> tuple[str, int]:
        """The datastack and the number of the version."""

    @property
    @abstractmethod
    def _ttl_s(self) -> int | None:
        """How long an answer is kept."""

    @property
    @abstractmethod
    def roles(self) -> Roles:
        """Which table or view has which role."""

    @property
    @abstractmethod
    def info(self) -> dict[str, Any]:
        """What the info service says of the datastack."""

    @abstractmethod
    def tables(self) -> dict[str, TableInfo]:
        """The tables and views."""

    @abstractmethod
    def sample(self, table: str) -> pd.DataFrame:
        """A row."""

    @abstractmethod
    def _rows_at(
        self, time: datetime, source: Source, filters: Filters, *, whole: bool, **options: Any
    ) -> pd.DataFrame:
        """Rows as they were at a time."""

    @abstractmethod
    def table_info(self, table: str) -> TableInfo:
        """One table or view."""

    @abstractmethod
    def cache_of(self, table: str) -> Cache:
        """Where rows of a table are kept."""

    @abstractmethod
    def _source(self, table: str) -> Source:
        """A table as it is queried."""

    def synapses(
        self, root_id: int, direction: Direction, *, whole: bool = False, more: Sequence[str] = ()
    ) -> pd.DataFrame:
        """Synapses onto ("in") or of ("out") a cell: id, pre_pt_root_id, post_pt_root_id, size,
        what else their table says of each (`values` of the shape), ctr_pt_position_x_nm, _y_nm, _z_nm, and
        `more` columns of the table, positions split and in nm; autapses and partners with root id 0 included. Sizes are
        blank where the table has none, and positions the mean of the two ends where there is no centre.

        CAVE sends a limited number, which `attrs["truncated"]` tells; `whole` asks in as many pieces as it takes.
        """
        shape = self.synapse_shape()
        source = self._source(shape.table)
        filters = Filters(equal={shape.own(direction): int(root_id)})
        finest: dict[str, Any] = {"desired_resolution": list(FINEST)}
        columns = list(dict.fromkeys([*shape.columns, *more]))
        options = {**finest, "select_columns": columns}

        def load() -> pd.DataFrame:
            if not self.version.materialized:
                frame = self._rows_at(self.version.timestamp, source, filters, whole=whole, **finest)
                frame = selected(frame, [*columns, *shape.ends], None, None)
            elif whole:
                frame = complete(partial(self.cave.queries.rows, *self._place, source, **options), filters)
            else:
                frame = self.cave.queries.rows(*self._place, source, filters, **options)
                frame = self.cave.queries.with_total(frame, *self._place, source, filters)
            return as_synapses(self._with_ends(frame, shape), shape, more)

        key: tuple[str | int, ...] = (
            "synapses",
            shape.table,
            *self._place,
            int(root_id),
            str(direction),
            int(whole),
            *more,
        )
        return self.cache_of(shape.table).frame(key, load, ttl_s=self._ttl_s)

    def synapses_among(
        self, pre: Sequence[int] | None, post: Sequence[int] | None, *, more: Sequence[str] = ()
    ) -> pd.DataFrame:
        """All synapses of the cells `pre` onto the cells `post` (root ids; None = any), asked for in as many pieces as
        it takes and not kept. Columns: as of `synapses`, with `more` likewise."""
        shape = self.synapse_shape()
        ends = {f"{shape.pre}_root_id": pre, f"{shape.post}_root_id": post}
        filters = Filters(isin={name: ids for name, ids in ends.items() if ids is not None})
        columns = list(dict.fromkeys([*shape.columns, *more]))
        options: dict[str, Any] = {"select_columns": columns, "desired_resolution": list(FINEST)}
        source = self._source(shape.table)
        rows = partial(self.cave.queries.rows, *self._place, source, **options)
        return as_synapses(self._with_ends(complete(rows, filters), shape), shape, more)

    def _with_ends(self, frame: pd.DataFrame, shape: SynapseShape) -> pd.DataFrame:
        """The rows with the positions of both ends of those that have no centre. CAVE is asked only where there are
        such, and only for them."""
        blank = frame.loc[frame[f"{CENTRE}_x"].isna(), "id"].tolist() if shape.ends else []
        needed = [name for name in shape.ends if f"{name}_x" not in frame]
        if not blank or not needed:
            return frame
        options: dict[str, Any] = {"select_columns": needed, "desired_resolution": list(FINEST)}
        rows = partial(self.cave.queries.rows, *self._place, self._source(shape.table), **options)
        some = (blank[start : start + IDS_AT_ONCE] for start in range(0, len(blank), IDS_AT_ONCE))
        ends = pd.concat(gather(*(partial(complete, rows, Filters(isin={"id": ids})) for ids in some)))
        by_id = ends.set_index("id").reindex(frame["id"])
        return frame.assign(**{f"{name}_{axis}": by_id[f"{name}_{axis}"].array for name in needed for axis in "xyz"})

    def synapse_shape(self) -> SynapseShape:
        """What the synapses of a version have; asked of CAVE only where their schema type does not say it.

        Raises NotFound where there are none, BadInput where the table with this role is none of synapses."""
        table = self.roles.synapses.table
        if not table:
            raise NotFound(
                f"Version {self.version.number} of {self.datastack} has no synapse table.",
                "Choose another datastack, or name the table under roles in its profile.",
            )
        info = self.table_info(table)
        is_cave_schema = info.schema_type in COLUMNS_OF
        return shape_of(info, () if is_cave_schema else self.sample(table).columns)
