"""Lines of Python that add the columns of :mod:`synapse_values` to partners, for scripts: mean scores, transmitters and
neuropils."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from services.cave.client import Cave
from services.cave.queries import Filters
from services.cave.release import Release
from services.cave.synapse_shape import SCORES, TRANSMITTERS, VALID_NT
from services.cells import synapse_filter, synapse_values
from services.cells.connectivity import Connectivity
from services.cells.synapse_values import MEAN, NEUROPIL, NEUROPILS, NO_NEUROPIL, TRANSMITTER
from services.core.directions import Direction
from services.core.errors import BadInput
from services.filters.nodes import Everything
from services.tables.script_filters import expression
from services.tables.scripts import written_arguments

COLUMNS = (*(f"{MEAN}{name}" for name in SCORES), TRANSMITTER, *TRANSMITTERS, NEUROPIL, NEUROPILS)
"""The columns of a partner frame that these lines make."""


def call(release: Release, columns: Collection[str], cell_column: str) -> str:
    """The call that reads `columns` of the synapses of the variable `cell`. `cell_column` is an expression for the
    column that holds the cell, pre_pt_root_id or post_pt_root_id. Contacts, and rows that refer to synapses, are
    renamed to the columns of synapses."""
    shape, method = release.synapse_shape(), "client.materialize.query_table"
    if shape.directed and not shape.referring:
        filtered = f"{shape.table!r}, filter_equal_dict={{{cell_column}: cell}}"
        return f"{method}(\n        {filtered},\n        select_columns={[*columns]!r}, split_positions=True\n    )"
    ends = {f"{shape.pre}_root_id": Direction.OUT.own, f"{shape.post}_root_id": Direction.IN.own}
    key = cell_column if shape.directed else f"{ {end: name for name, end in ends.items()}!r}[{cell_column}]"
    name, arguments = release.query_call(shape.table, Filters(equal={shape.own("in"): 0}))
    rows = f"client.materialize.{name}(\n{written_arguments(arguments.items())})"
    rows = rows.replace(f"{shape.own('in')!r}: 0", f"{key}: cell")
    rows = rows if shape.directed else f"{rows}.rename(columns={ends!r})"
    return f"{rows}.assign(id=lambda rows: rows['target_id'])" if shape.referring else rows


def lines(cave: Cave, connectivity: Connectivity, direction: Direction, needed: Collection[str]) -> Iterator[str]:
    """Lines that add those of COLUMNS that are `needed` to the partners of one direction in `frame`; no lines where
    none is. Raises BadInput for a synapse filter by a computed column, such as the depth."""
    if not set(COLUMNS) & set(needed):
        return
    release = Release(cave, connectivity.datastack, connectivity.version)
    shape, only = release.synapse_shape(), synapse_filter.parse(release, connectivity.only)
    if computed := synapse_filter.not_in_scripts(only):
        raise BadInput(f"A script cannot filter synapses by their {' and '.join(computed)}.", "Download the file.")
    columns = dict.fromkeys(["id", direction.partner, *shape.values, *synapse_filter.columns_needed(only)])
    mask = "" if isinstance(only, Everything) else f"[{expression(only, release.query(shape.table, limit=1))}]"
    yield "def values_of(cell):"
    yield f"    frame = {call(release, columns, repr(direction.own))}"
    yield f"    return frame{mask}"
    yield "values = values_of(cell)"
    if scores := [name for name in shape.scores if f"{MEAN}{name}" in needed]:
        yield f"means = values.astype(dict.fromkeys({scores!r}, 'float64')).groupby({direction.partner!r})[{scores!r}]"
        yield f"frame[{[f'{MEAN}{name}' for name in scores]!r}] = means.mean().reindex(frame['root_id']).to_numpy()"
    if TRANSMITTER in needed:
        yield from _transmitters(release, direction, [name for name in TRANSMITTERS if name in needed])
    if {NEUROPIL, NEUROPILS} & set(needed):
        yield from _neuropils(release, direction)


def _rows(release: Release, table: str, direction: Direction) -> str:
    """The call that reads the rows of a table that refers to the synapses, for the variable `cell`."""
    method, arguments = release.query_call(table, Filters(equal={direction.own: 0}))
    return f"client.materialize.{method}(\n{written_arguments(arguments.items())})".replace(
        f"{direction.own!r}: 0", f"{direction.own!r}: cell"
    )


def _transmitters(release: Release, direction: Direction, names: list[str]) -> Iterator[str]:
    source = synapse_values.transmitter_table(release)
    if source is not None:
        columns = [*names, *([VALID_NT] if source.says_validity else [])]
        yield f"probabilities = {_rows(release, source.table, direction)}"
        yield f"probabilities = probabilities.drop_duplicates('target_id').set_index('target_id')[{columns!r}]"
        yield "values = values.join(probabilities, on='id')"
    if source.says_validity if source else release.synapse_shape().says_validity:
        yield f"values = values[values[{VALID_NT!r}].astype('boolean').fillna(False).astype(bool)]"
    yield f"means = values.astype(dict.fromkeys({names!r}, 'float64')).groupby({direction.partner!r})[{names!r}].mean()"
    yield f"words = { {name: TRANSMITTERS[name] for name in names}!r}"
    yield "most = means.dropna(how='all').idxmax(axis=1).map(words)"
    yield f"frame[{TRANSMITTER!r}] = most.reindex(frame['root_id']).array"
    yield f"frame[{names!r}] = means.reindex(frame['root_id']).to_numpy()"


def _neuropils(release: Release, direction: Direction) -> Iterator[str]:
    role = release.roles.neuropils
    yield f"places = {_rows(release, role.table or '', direction)}"
    yield f"places = places[['target_id', {role.column!r}]].dropna().drop_duplicates('target_id')"
    yield f"places = places.set_index('target_id')[{role.column!r}].reindex(values['id']).fillna({NO_NEUROPIL!r})"
    yield f"counts = pd.DataFrame({{'root_id': values[{direction.partner!r}].to_numpy(), 'name': places.to_numpy()}})"
    yield "counts = counts.value_counts().reset_index(name='count')"
    yield f"counts['last'] = counts['name'] == {NO_NEUROPIL!r}"
    yield "counts = counts.sort_values(['last', 'count', 'name'], ascending=[True, False, True])"
    yield "words = (counts['name'] + ' ' + counts['count'].astype(str)).groupby(counts['root_id']).agg(', '.join)"
    yield "first = counts.drop_duplicates('root_id').set_index('root_id')['name']"
    yield f"frame[{NEUROPIL!r}] = first.where(first != {NO_NEUROPIL!r}).reindex(frame['root_id']).array"
    yield f"frame[{NEUROPILS!r}] = words.reindex(frame['root_id']).array"
