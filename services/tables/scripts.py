"""Copy as Python: a script over caveclient that yields exactly the rows on show, in `frame`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from services.cave.client import Cave
from services.cave.context import outside_address
from services.cave.queries import NO_FILTERS, Filters, Source, arguments_at
from services.cave.release import Release
from services.cave.rows import SENT_AT_ONCE
from services.core.addresses import bare
from services.core.bound_points import position_columns
from services.core.columns import Column, find_column
from services.core.errors import BadInput, TooLarge
from services.core.natural_order import natural_ranks, natural_sorted
from services.core.profiles import Volume
from services.core.type_columns import BEGINS, BETWEEN
from services.filters.boxes import UNIT_NM
from services.filters.nodes import Everything, Node
from services.tables import live
from services.tables.joins import NUM_ROWS
from services.tables.large_tables import LargeTable, filters_of
from services.tables.rows_of_ids import IDS_AT_ONCE
from services.tables.saved_ids import KEY as SAVED
from services.tables.script_filters import expression, saved_lists
from services.tables.tables import Joined, TableFrame, TableQuery, filter_of

DATASETS = {"minnie65": "minnie_ds", "v1dd": "v1dd_ds"}
"""The transforms of volumes, as standard_transform calls their datasets."""

# what `expression` may call
MATCHES = '''
def matches(column, pattern):
    """Where RE2, the engine of the page, finds the pattern; nowhere in blank cells."""
    texts = pa.array(column, pa.string(), from_pandas=True)
    matches = pc.match_substring_regex(texts, pattern).fill_null(False)
    return pd.Series(matches.to_numpy(zero_copy_only=False), column.index)
'''


AGREED = f'''
def agreed(values):
    """The value of the rows of a cell; texts that differ are all named, other values that differ are blank."""
    known = values.dropna().drop_duplicates()
    if len(known) < 2:
        return known.iloc[0] if len(known) else None
    return {BEGINS!r} + {BETWEEN!r}.join(natural_sorted(known)) if isinstance(known.iloc[0], str) else None
'''
"""What scripts call where several rows are of one cell; it calls NATURAL."""

WITH_TEXTS = ".convert_dtypes(convert_integer=False, convert_boolean=False, convert_floating=False)"
"""Makes texts of a frame what they are on the page: pandas' strings."""

NATURAL = "import re\nfrom collections.abc import Iterable\nfrom decimal import Decimal\n\n\n" + "\n\n".join(
    inspect.getsource(each) for each in (natural_sorted, natural_ranks)
)
"""What :func:`ordered` and AGREED may call."""


def table_snippet(
    cave: Cave,
    table: TableFrame,
    query: TableQuery,
    columns: Sequence[Column] = (),
    *,
    most_rows: int = SENT_AT_ONCE,
) -> str:
    """A script whose `frame` has the rows of :func:`tables.select` in its order, with `columns` (none = all
    of the table): depth and layer too, those of joined tables, and positions in the table's unit.

    It needs caveclient, and standard_transform where there are depths. `most_rows` is what CAVE sends at once; more
    are asked for in parts. Raises BadInput as `select` does, and at a moment for a table without rows.
    """
    node = filter_of(table.columns, query)
    depth_names = {"depth_um", "soma_depth_um", *cave.volume(table.datastack).layer_columns}
    depths = [column.name for column in table.columns if column.name in depth_names]
    body = [
        written_client(Release(cave, table.datastack, table.version)),
        *_fetch(cave, table, most_rows),
        *(_depths(cave, table, depths) if depths else ()),
        *(line for other in table.joined for line in _joined(cave, table, other, most_rows)),
        *_units(cave, table),
        *(
            f"saved_{number} = [int(one) for one in client.state.get_state_json({number})[{SAVED!r}]]"
            for number in sorted(saved_lists(node))
        ),
        *([] if isinstance(node, Everything) else [f"frame = frame[{expression(node, table.frame)}]"]),
        *_sorted(table, query),
        f"frame = frame[{_listed(column.name for column in columns or table.columns)}].reset_index(drop=True)",
    ]
    subject = f"{table.info.name} at {table.version.title} of {table.datastack}"
    return _script(subject, node, body, live.notices(cave, table))


def large_snippet(
    cave: Cave,
    table: LargeTable,
    query: TableQuery,
    columns: Sequence[Column] = (),
    *,
    most_rows: int = SENT_AT_ONCE,
) -> str:
    """A script whose `frame` has all rows of a large table that the filter keeps, which CAVE applies, with `columns`
    (none = all).

    Raises BadInput for what CAVE cannot filter by, TooLarge where more than `most_rows` are known to be kept.
    """
    name, filters = table.info.name, filters_of(cave, table, query)
    total = Release(cave, table.datastack, table.version).count(name, filters)
    if total is not None and total > most_rows:
        raise TooLarge(f"{total:,} rows are more than the {most_rows:,} that CAVE sends at once.", "Narrow the filter.")
    method, arguments = Release(cave, table.datastack, table.version).query_call(name, filters)
    body = [
        written_client(Release(cave, table.datastack, table.version)),
        *([f"# CAVE does not say how many rows these are; {most_rows:,} would be a part"] if total is None else []),
        f"frame = client.materialize.{method}(\n{written_arguments(arguments.items())})",
        *_units(cave, table),
        f"frame = frame[{_listed(column.name for column in columns or table.columns)}]",
    ]
    node = filter_of(table.columns, query)
    return _script(f"{name} at {table.version.title} of {table.datastack}", node, body, live.notices(cave, table))


def _script(subject: str, node: Node, body: Sequence[str], notices: Sequence[str]) -> str:
    code = "\n".join(body)
    uses = {"datetime": "import datetime", "np": "import numpy as np", "pd": "import pandas as pd"}
    helper = "matches(" in code
    agreeing = "agreed)" in code
    natural = agreeing or "natural_ranks(" in code
    parts = ((MATCHES, helper), (AGREED, agreeing), (f"\n{NATURAL}", natural))
    called = [text for text, used in parts if used]
    imports = [line for name, line in uses.items() if re.search(rf"\b{name}\.", code) or (called and name == "pd")]
    imports += ["import pyarrow as pa", "import pyarrow.compute as pc"] if helper else []
    imports += ["import standard_transform"] if "standard_transform." in code else []
    return "\n".join(
        [
            *map(commented, (f"{subject}: {node.describe()}", *notices)),
            *imports,
            "from caveclient import CAVEclient",
            *called,
            "",
            code,
            "",
        ]
    )


def commented(text: str) -> str:
    """A comment of a script, 300 characters at most."""
    # nothing in a name, filter or notice may end it
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", " ", f"# {text}"[:300])


def written_client(release: Release) -> str:
    """The line that makes the client: one of the version, for caveclient looks a table up at the client's own."""
    at = f", version={release.number}" if release.version.materialized else ""
    return f"client = CAVEclient({bare(release.datastack)!r}, server_address={outside_address(release.cave)!r}{at})"


def _fetch(cave: Cave, table: TableFrame, most_rows: int, name: str = "frame") -> Iterator[str]:
    if table.filters is not None:
        if not table.version.materialized:
            _refuse_empty(table)
        method, options = Release(cave, table.datastack, table.version).query_call(table.info.name, table.filters)
        yield f"{name} = client.materialize.{method}(\n{written_arguments(options.items())})"
        return
    info, low, high = table.info, "{'id': low}", "{'id': high}"
    if table.version.materialized:
        at_once = most_rows
        call = f"client.materialize.query_{info.kind}(\n    {info.name!r},\n    split_positions=True,\n"
    else:
        _refuse_empty(table)
        at_once = most_rows // 2  # rows deleted since count too
        arguments = arguments_at(Source(info.name, info.reference_table), NO_FILTERS, table.version.timestamp)
        call = f"client.materialize.live_live_query(\n{written_arguments(arguments.items())}"
        low, high = (f"{{{info.name!r}: {end}}}" for end in (low, high))
    if len(table.frame) <= at_once or "id" not in table.frame:
        yield f"{name} = {call})"
        return
    ids = np.sort(table.frame["id"].to_numpy(np.int64))
    ends = [*ids[:: max(1, most_rows // 2)].tolist(), int(ids[-1]) + 1]
    yield f"parts = {list(pairwise(ends))}  # CAVE sends {most_rows:,} rows at most: ids from, and up to"
    call += f"    filter_greater_equal_dict={low},\n    filter_less_dict={high},\n"
    yield f"{name} = pd.concat([{call}) for low, high in parts], ignore_index=True)"


def _refuse_empty(table: TableFrame) -> None:
    """CAVE may answer that there are no rows at a moment with an error, which would end a script."""
    if table.frame.empty:
        raise BadInput(f"{table.info.name} has no rows at {table.version.title} for a script to read.")


def _joined(cave: Cave, table: TableFrame, joined: Joined, most_rows: int) -> Iterator[str]:
    """The columns of another table, as `services.tables.joins.join` has them: what its rows say together."""
    release = Release(cave, table.datastack, table.version)
    if release.version.materialized and release.is_large(joined.table):
        yield from _of_ids(release, joined)
        columns = {*release.sample(joined.table)}
    else:
        opened = live.open_table(release, joined.table)
        yield from _fetch(cave, opened, most_rows, "other")
        columns = {*opened.frame}
    yield f"known = other[other[{joined.foreign!r}].fillna(0) != 0]"
    if joined.system:
        column, value = joined.system
        lines = [f"known = known[known[{column!r}] == {value!r}]"]
        yield from wide_lines("known", column, value) if joined.wide else lines
    names = [name for column in table.columns if (name := column.name.removeprefix(f"{joined.table}.")) != column.name]
    values = [name for name in names if name != NUM_ROWS]
    if values:
        if "id" in columns:
            yield "known = known.sort_values('id', kind='stable')"
        yield f"many = known[{joined.foreign!r}].duplicated(keep=False)"
        yield f"alone = known[~many].set_index({joined.foreign!r})"
        yield f"several = known[many].groupby({joined.foreign!r})[{values}].agg(agreed)"
        yield "rows = pd.concat([alone, several]) if len(several) else alone"
    for name in values:
        yield f"frame[{f'{joined.table}.{name}'!r}] = rows[{name!r}].reindex(frame[{joined.own!r}]).array"
    yield f"counts = known[{joined.foreign!r}].value_counts().reindex(frame[{joined.own!r}]).fillna(0)"
    yield f"frame[{f'{joined.table}.{NUM_ROWS}'!r}] = counts.astype('Int64').array"


def _of_ids(release: Release, joined: Joined) -> Iterator[str]:
    """The rows of a table too large to be sent at once, those of the ids in `frame`."""
    equal = dict([joined.system]) if joined.system and not joined.wide else {}
    name, arguments = release.query_call(joined.table, Filters(isin={joined.foreign: [0]}, equal=equal))
    call = f"client.materialize.{name}(\n{written_arguments(arguments.items())})"
    yield f"ids = sorted({{*frame[{joined.own!r}].dropna().astype('int64')}} - {{0}})"
    yield f"parts = [ids[at : at + {IDS_AT_ONCE}] for at in range(0, len(ids), {IDS_AT_ONCE})]"
    yield f"other = pd.concat([{call.replace('[0]', 'some')} for some in parts], ignore_index=True)"


def wide_lines(name: str, system: str, value: str) -> Iterator[str]:
    """Lines that give the rows in a variable of this name a column for each system; see
    :func:`type_columns.each_system`."""
    yield f"systems = sorted({name}[{system!r}].dropna().unique())"
    yield f"wide = {{one: {name}[{value!r}].where(({name}[{system!r}] == one).fillna(False)) for one in systems}}"
    yield f"{name} = {name}.drop(columns=[{system!r}, {value!r}]).assign(**wide)"


def _points(position: str) -> str:
    return f"frame[{[f'{position}_{axis}' for axis in 'xyz']}].to_numpy('float64', na_value=np.nan)"


def positions(cave: Cave, table: TableFrame) -> Iterator[str]:
    """Lines for `um`, where the rows of `rows` are along the axes of the volume; needs a table with positions."""
    volume = cave.volume(table.datastack)
    yield "import numpy as np"
    yield "places = np.full((len(rows), 3), np.nan)"
    for name in position_columns(table.frame):
        columns = [f"{name}_{axis}" for axis in "xyz"]
        yield f"places = np.where(np.isnan(places), rows[{columns}].to_numpy('float64', na_value=np.nan), places)"
    yield f"nm = places * {list(table.info.voxel_resolution_nm)}"
    if volume.transform in DATASETS:
        yield "import standard_transform"
        yield f"um = standard_transform.{DATASETS[volume.transform]}.transform('nm').apply(nm)"
    else:
        yield "um = nm / 1000"


def _depths(cave: Cave, table: TableFrame, names: Sequence[str]) -> Iterator[str]:
    """Depth and layer, as `services.tables.position_units.depth_columns` has them."""
    volume: Volume = cave.volume(table.datastack)
    first, *others = position_columns(table.frame)
    voxel_nm = list(_voxel_nm(cave, table))
    yield f"points_vx = {_points(first)}"
    if table.frame[f"{first}_x"].isna().any():
        for name in others:
            yield f"points_vx = np.where(np.isnan(points_vx), {_points(name)}, points_vx)"
    yield f"to_um = standard_transform.{DATASETS[volume.transform]}.transform('nm')"
    yield f"depths_um = to_um.apply(points_vx * {voxel_nm})[:, 1]"
    yield f"frame[{names[0]!r}] = pd.Series(depths_um.round(3), frame.index, dtype='Float64')"
    for layer, by in volume.layer_columns.items():
        if layer in names:
            tops = ", ".join(["-np.inf", *(repr(top) for _, top in by.layers[1:]), "np.inf"])
            yield f"layers = pd.cut(depths_um, [{tops}], right=False, labels={[name for name, _ in by.layers]})"
            yield f"frame[{layer!r}] = pd.Series(layers, frame.index).astype('string')"


def _units(cave: Cave, table: TableFrame | LargeTable) -> Iterator[str]:
    """Positions from voxels to the unit of the table."""
    sizes = dict(zip("xyz", _voxel_nm(cave, table), strict=True))
    for column in table.columns:
        if column.kind == "position" and column.unit in UNIT_NM:
            name, scale = column.name, f"{sizes[column.name[-1]]} / {UNIT_NM[column.unit]}"
            yield f"frame[{name!r}] = frame[{name!r}].astype('Float64') * {scale}"


def _voxel_nm(cave: Cave, table: TableFrame | LargeTable) -> tuple[float, float, float]:
    return live.describe(Release(cave, table.datastack, table.version), table.info.name).voxel_resolution_nm


def _sorted(table: TableFrame, query: TableQuery) -> Iterator[str]:
    by = {find_column(table.columns, name).name: direction for name, direction in query.sort}
    by |= {"id": by.get("id", "asc")} if "id" in table.frame.columns else {}
    yield from ordered(table.frame, by)


def ordered(frame: pd.DataFrame, by: Mapping[str, str]) -> Iterator[str]:
    """The line that puts a frame such as this one in order by columns, each "asc" or "desc"; none by no column."""
    if not by:
        return
    words = [name for name in by if isinstance(frame[name].dtype, pd.StringDtype)]
    key = f", key=lambda one: natural_ranks(one) if one.name in {words} else one" if words else ""
    up = [direction == "asc" for direction in by.values()]
    yield f"frame = frame.sort_values({list(by)}, ascending={up}, kind='stable'{key})"


def _listed(names: Iterable[str]) -> str:
    return "[\n" + "".join(f"    {name!r},\n" for name in names) + "]"


def written_arguments(arguments: Iterable[tuple[str, object]]) -> str:
    """Keyword arguments as lines of a call, those that are None left out."""
    return "".join(f"    {name}={value!r},\n" for name, value in arguments if value is not None)
