"""Copy as Python: a caveclient script whose `frame` holds exactly the partners of a cell that the page shows."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import pandas as pd

from services.cave.client import Cave
from services.cave.release import Release
from services.cave.rows import SENT_AT_ONCE
from services.cave.synapse_shape import TRANSMITTERS
from services.cells import (
    cells,
    compartment_script,
    partner_columns,
    partner_joins,
    partner_table,
    proofreading_script,
    representative,
    several_cells,
    synapse_filter,
    synapse_weights,
    tuning_script,
    type_script,
    value_script,
)
from services.cells.connectivity import Connectivity
from services.cells.partner_joins import SEPARATOR
from services.cells.partner_table import PartnerOptions
from services.cells.synapse_values import MEAN, NEUROPIL, NEUROPILS, TRANSMITTER
from services.core.columns import find_column
from services.core.directions import Direction, Side
from services.core.errors import BadInput, TooLarge
from services.core.profiles import Volume
from services.core.roles import N_INPUT, N_OUTPUT, PAIR_SIZE
from services.core.sorting import Sort
from services.filters.nodes import Everything, Node
from services.tables.script_filters import expression
from services.tables.scripts import (
    DATASETS,
    MATCHES,
    NATURAL,
    commented,
    ordered,
    written_client,
)
from services.tables.tables import TableQuery, filter_of

EVERYTHING = Everything()

_SHARES = (synapse_weights.PCT_OF_CELL, synapse_weights.PARTNER_TOTAL, synapse_weights.PCT_OF_PARTNER)
_OF_BOTH = (*(f"{name}_{way}" for name in ("num_syn", "net_size", "mean_size") for way in Direction), "reciprocal")
_KNOWN = frozenset(
    proofreading_script.COLUMNS
    + compartment_script.COLUMNS
    + value_script.COLUMNS
    + _SHARES
    + _OF_BOTH
    + partner_columns.TUNED
)
"""Columns for which modules other than :mod:`type_script` write the lines."""
_ADDED = {
    partner_columns.SCORES: [name for name in value_script.COLUMNS if name.startswith(MEAN)],
    partner_columns.TRANSMITTERS: (TRANSMITTER, *TRANSMITTERS),
    partner_columns.NEUROPILS: (NEUROPIL, NEUROPILS),
    partner_columns.COMPARTMENT: compartment_script.COLUMNS,
    partner_columns.TUNING: partner_columns.TUNED,
}
"""Columns of each name in `PartnerOptions.more`; without it, a column of such a name is one of the type table."""

_COUNTED = """
def counted(cell, cell_column, partner_column):
    \"\"\"Number and summed size of a cell's synapses with each partner, and the number of all its synapses.\"\"\"
    frame = {call}
    synapses = {kept}
    kept = synapses[(synapses[partner_column] != cell) & (synapses[partner_column] != 0)]
    sizes = kept{size}.astype('float64').groupby(kept[partner_column])
    net_size = sizes.sum().where(sizes.count() == sizes.size())  # unknown unless all are known
    return pd.DataFrame({{'num_syn': sizes.size(), 'net_size': net_size}}).rename_axis('root_id'), len(synapses)
"""

_COUNTED_PAIRS = """
def counted(cell, cell_column, partner_column):
    \"\"\"Number and summed size of a cell's synapses with each partner, and the number of all its synapses.\"\"\"
    columns = {columns!r}
    pairs = client.materialize.query_view({view!r}, filter_equal_dict={{columns[cell_column]: cell}})
    partners = pairs[columns[partner_column]]
    groups = pairs[(partners != cell) & (partners != 0)].groupby(columns[partner_column])
    frame = pd.DataFrame({{'num_syn': groups[{count!r}].sum(), 'net_size': {size}}})
    return frame.rename_axis('root_id'), int(pairs[{count!r}].sum())
"""

_SUMMED = """
def summed(groups):
    \"\"\"Sums for each partner; the summed size is unknown unless all are known.\"\"\"
    sums, known = groups.sum(), groups['net_size'].count() == groups.size()
    return sums.assign(net_size=sums['net_size'].where(known))
"""


@dataclass(frozen=True)
class Shown:
    """How the partners of one side are shown.

    `frame` holds all partners and `columns` names those of its columns to show, in order. The other fields select
    rows: the largest partners that together make up `top` percent of all synapses, those with `at_least` this many
    synapses, only `proofread` ones, and what the filter `where` keeps; then `sort` orders them. `more` are the names
    of :class:`PartnerOptions`.
    """

    side: Side
    frame: pd.DataFrame
    columns: Sequence[str]
    at_least: int = 1
    proofread: bool = False
    where: Node = EVERYTHING
    sort: Sort = ()
    top: Fraction | None = None
    more: tuple[str, ...] = ()

    @property
    def ways(self) -> tuple[Direction, ...]:
        """The directions of the side: one, or both."""
        return tuple(Direction) if self.side == "both" else (Direction(self.side),)


def snippet(
    cave: Cave, cells: Sequence[Connectivity], options: PartnerOptions, query: TableQuery, *, hidden: bool = False
) -> str:
    """The script of :func:`partner_snippet` for the partners that `options` and `query` select, of one cell or of
    several; `hidden` includes columns that plots need and the page does not show. Raises BadInput for a moment in time
    that is not a kept version, and as :func:`partner_snippet`."""
    if not cells[0].version.materialized:
        raise BadInput("A script reads partners at versions that are kept.", "Choose one, or download the file.")
    several = len(cells) > 1
    opened = several_cells.open_partners(cave, cells, options) if several else None
    table = opened or partner_table.open_partners(cave, cells[0], options)
    where = filter_of(table.columns, query)
    sort = tuple((find_column(table.columns, name).name, direction) for name, direction in query.sort)
    names = [*map(str, table.frame)] if hidden else [column.name for column in table.columns]
    shown = Shown(
        options.side, table.frame, names, options.at_least, options.proofread, where, sort, options.top, options.more
    )
    return partner_snippet(cave, cells, shown)


def partner_snippet(cave: Cave, cells: Sequence[Connectivity], shown: Shown) -> str:
    """The text of a script whose `frame` has the partners of one side of a cell, or of several, in the rows, order and
    columns of `shown`.

    The script needs caveclient and pandas, and standard_transform where the volume has depths. Raises BadInput for a
    column that a script cannot make, TooLarge where CAVE would not send all synapses in one answer.
    """
    for result, way in itertools.product(cells, shown.ways):
        total = result.before[way] if result.only else synapse_weights.cell_total(result, way)
        if result.truncated[way] or total is None or total > SENT_AT_ONCE:
            raise TooLarge(
                f"CAVE does not send all {total or 'the'} synapses of this cell at once.", "Download the file."
            )
    result, roots = cells[0], [cell.cell.root_id for cell in cells]
    release = Release(cave, result.datastack, result.version)
    of_several = {several_cells.NUM_CELLS, *(f"{several_cells.OF_CELL}{root}" for root in roots)}
    needed = [str(name) for name in shown.frame.columns if name not in of_several]
    computable = _KNOWN | {*partner_joins.distance_columns(release.volume), *representative.columns(release.volume)}
    unrequested = {name for more, names in _ADDED.items() if more not in shown.more for name in names}
    typed = unrequested & {*map(str, result.inputs)}
    derived = [name for name in needed if name not in typed]
    body = [
        written_client(release),
        f"cell = {result.cell.root_id}" if len(cells) == 1 else f"cells = {roots}\ncell = cells[0]",
        *_partners(shown.side, several=len(cells) > 1),
        *_largest(shown.top),
        *_somata(cave, result, needed),
        *representative.lines(release, turn(release.volume), needed),
        *type_script.lines(cave, cells, shown.ways, [name for name in needed if name not in computable - typed]),
        *(() if shown.side == "both" else _of_direction(cave, result, Direction(shown.side), derived)),
        *proofreading_script.lines(cave, result, shown.ways if shown.proofread else (), needed),
        *tuning_script.lines(cave, result, derived),
        *([f"frame = frame[frame['num_syn'] >= {shown.at_least}]"] if shown.at_least > 1 else []),
        *([] if isinstance(shown.where, Everything) else [f"frame = frame[{expression(shown.where, shown.frame)}]"]),
        *ordered(shown.frame, dict(shown.sort)),
        f"frame = frame[{list(shown.columns)}].reset_index(drop=True)",
    ]
    words = {"in": "Inputs", "out": "Outputs", "both": "Partners"}[shown.side]
    named = f"cell{'s' if len(cells) > 1 else ''} {', '.join(map(str, roots))}"
    subject = f"{words} of {named} at version {result.version.number} of {result.datastack}"
    more = [name.partition(SEPARATOR)[0] for name in needed if SEPARATOR in name]
    notices = dict.fromkeys((*result.notices, *release.notices(*more)))
    return _script(subject, shown.where, body, _counted(cave, result), [*notices])


def _counted(cave: Cave, connectivity: Connectivity) -> str:
    """The text of the function `counted`, which counts those synapses of a cell that the synapse filter keeps. Raises
    BadInput for a filter by something that is not a column of the synapse table."""
    release = Release(cave, connectivity.datastack, connectivity.version)
    if view := connectivity.view:
        ends = {"pre_pt_root_id": view.pre, "post_pt_root_id": view.post}
        size = f"groups[{PAIR_SIZE!r}].sum()" if view.sized else "float('nan')"
        return _COUNTED_PAIRS.format(columns=ends, view=view.name, count=view.count, size=size)
    rows, only = "frame", synapse_filter.parse(release, connectivity.only)
    table = release.roles.synapses.table or ""
    columns = ["id", "pre_pt_root_id", "post_pt_root_id", *(["size"] if connectivity.sized else [])]
    if computed := synapse_filter.not_in_scripts(only):
        raise BadInput(f"A script cannot filter synapses by their {' and '.join(computed)}.", "Download the file.")
    if not isinstance(only, Everything):
        columns = list(dict.fromkeys([*columns, *synapse_filter.columns_needed(only)]))
        rows = f"frame[{expression(only, release.query(table, limit=1))}]"
    size = "['size']" if connectivity.sized else "['id'].where(kept['id'].isna())"
    return _COUNTED.format(call=value_script.call(release, columns, "cell_column"), kept=rows, size=size)


def _script(subject: str, where: Node, body: Sequence[str], counted: str, notices: Sequence[str]) -> str:
    code = "\n".join([counted, *body])
    heading = subject + ("" if isinstance(where, Everything) else f": {where.describe()}")
    helper_code = {"matches(": MATCHES, "typed(": type_script.TYPED, "summed(": _SUMMED}
    natural = [f"\n{NATURAL}"] if "natural_ranks(" in code or "typed(" in code else []
    helpers = [counted, *(text for name, text in helper_code.items() if name in code), *natural]
    used = {"np.": "import numpy as np", "matches(": "import pyarrow as pa\nimport pyarrow.compute as pc"}
    imports = [line for name, line in used.items() if name in code]
    transform = ["import standard_transform"] if "standard_transform." in code else []
    client, *further = body
    setup = ["import pandas as pd", *transform, "from caveclient import CAVEclient", "", client, *helpers]
    lines = [*map(commented, (heading, *notices)), *imports, *setup]
    return "\n".join([*lines, *further, ""])


def _partners(side: Side, *, several: bool) -> Iterator[str]:
    """Lines for the partners with their synapse counts, in the order of the page."""
    if side == "both":
        yield from _both(several=several)
    elif several:
        yield from _counts_of_several(Direction(side))
    else:
        way = Direction(side)
        yield f"frame, total = counted(cell, {way.own!r}, {way.partner!r})"
        yield "frame = frame.reset_index()"
        yield "frame = frame.sort_values(['num_syn', 'root_id'], ascending=[False, True], ignore_index=True)"
    if side != "both":
        yield "frame['mean_size'] = frame['net_size'] / frame['num_syn']"
        yield "frame['pct_of_cell'] = frame['num_syn'] * (100 / max(1, total))"


def _largest(percent: Fraction | None) -> Iterator[str]:
    """Lines that keep the largest partners that together make up `percent` of all synapses."""
    if percent is not None:
        yield "largest = frame.sort_values(['num_syn', 'root_id'], ascending=[False, True])['num_syn']"
        yield "before = largest.cumsum() - largest"
        yield f"enough = before * {100 * percent.denominator} >= {percent.numerator} * largest.sum()"
        yield "frame = frame[~enough.reindex(frame.index)].reset_index(drop=True)"


def _counts_of_several(direction: Direction) -> Iterator[str]:
    """Lines for the synapses with each of several cells beside those with all of them; partners of most cells first."""
    yield f"ends = {direction.own!r}, {direction.partner!r}"
    yield "each = {root_id: counted(root_id, *ends) for root_id in cells}"
    yield "total = sum(number for _, number in each.values())"
    yield "groups = pd.concat([counts for counts, _ in each.values()]).groupby('root_id')"
    yield "frame = summed(groups).assign(num_cells=groups.size())"
    yield "for root_id, (counts, _) in each.items():"
    yield "    frame[f'num_syn_{root_id}'] = counts['num_syn'].reindex(frame.index).fillna(0).astype('int64')"
    yield "order = ['num_cells', 'num_syn', 'root_id']"
    yield "frame = frame.reset_index().sort_values(order, ascending=[False, False, True], ignore_index=True)"


def _both(*, several: bool) -> Iterator[str]:
    """Lines for the counts of both directions side by side, reciprocal partners first."""
    for way in Direction:
        ends = f"{way.own!r}, {way.partner!r}"
        if several:
            yield f"{way}_each = [counted(root_id, {ends})[0] for root_id in cells]"
            yield f"{way.noun}s = summed(pd.concat({way}_each).groupby('root_id'))"
        else:
            yield f"{way.noun}s, _ = counted(cell, {ends})"
    yield "frame = inputs.join(outputs, how='outer', lsuffix='_in', rsuffix='_out').reset_index()"
    for way in Direction:
        yield f"frame.loc[frame['num_syn_{way}'].isna(), ['num_syn_{way}', 'net_size_{way}']] = 0"
    yield "frame = frame.astype({'num_syn_in': 'int64', 'num_syn_out': 'int64'})"
    for way in Direction:
        yield f"frame['mean_size_{way}'] = frame['net_size_{way}'] / frame['num_syn_{way}']"
    yield "frame['num_syn'] = frame['num_syn_in'] + frame['num_syn_out']"
    yield "frame['reciprocal'] = (frame['num_syn_in'] > 0) & (frame['num_syn_out'] > 0)"
    yield "order = ['reciprocal', 'num_syn', 'root_id']"
    yield "frame = frame.sort_values(order, ascending=[False, False, True], ignore_index=True)"
    if several:
        yield "of_each = [{*inputs.index, *outputs.index} for inputs, outputs in zip(in_each, out_each)]"
        yield "frame['num_cells'] = [sum(root_id in partners for partners in of_each) for root_id in frame['root_id']]"


def _of_direction(
    cave: Cave, connectivity: Connectivity, direction: Direction, needed: Collection[str]
) -> Iterator[str]:
    yield from _weights(cave, connectivity, direction, needed)
    yield from compartment_script.lines(cave, connectivity, direction, needed)
    yield from value_script.lines(cave, connectivity, direction, needed)


def turn(volume: Volume) -> str:
    """A Python expression that turns the array `nm` (positions in nm) into um along the axes of the volume."""
    name = volume.transform
    return f"standard_transform.{DATASETS[name]}.transform('nm').apply(nm)" if name in DATASETS else "nm / 1000"


def _somata(cave: Cave, connectivity: Connectivity, needed: Collection[str]) -> Iterator[str]:
    volume = cave.volume(connectivity.datastack)
    distances = partner_joins.distance_columns(volume)
    if not {"num_soma", "nucleus_id", *distances} & set(needed):
        return
    table = cells.nucleus_table(Release(cave, connectivity.datastack, connectivity.version))
    if table is None:
        blank = [name for name in ("num_soma", "nucleus_id", *distances) if name in needed]
        yield f"frame[{blank}] = pd.NA  # there is no nucleus table"
        return
    yield f"nuclei = client.materialize.query_table(\n    {table!r},"
    yield "    split_positions=True, desired_resolution=[1, 1, 1]\n)"
    yield "frame['num_soma'] = frame['root_id'].map(nuclei['pt_root_id'].value_counts()).fillna(0).astype('int64')"
    yield "somata = nuclei.drop_duplicates('pt_root_id', keep=False).set_index('pt_root_id')"
    yield "frame['nucleus_id'] = somata['id'].astype('Int64').reindex(frame['root_id']).array"
    if not set(distances) & set(needed):
        return
    name = volume.transform
    yield "nm = somata[['pt_position_x', 'pt_position_y', 'pt_position_z']]"
    yield "nm = nm.reindex([*frame['root_id'], cell]).to_numpy(float)"
    yield f"um = {turn(volume)}"
    yield f"{', '.join(f'frame[{axis!r}]' for axis in distances[:3])} = um[:-1].T"
    yield "frame['soma_distance_um'] = np.linalg.norm(nm[:-1] - nm[-1], axis=1) / 1000"
    if name in DATASETS:
        yield "frame['lateral_distance_um'] = np.hypot(*(um[:-1] - um[-1])[:, [0, 2]].T)"


def _weights(cave: Cave, connectivity: Connectivity, direction: Direction, needed: Collection[str]) -> Iterator[str]:
    view = synapse_weights.degree_view(Release(cave, connectivity.datastack, connectivity.version))
    if view is None or not {synapse_weights.PARTNER_TOTAL, synapse_weights.PCT_OF_PARTNER} & set(needed):
        return
    column = N_OUTPUT if direction == "in" else N_INPUT
    yield f"degrees = client.materialize.query_view({view!r}, filter_in_dict={{'root_id': frame['root_id'].tolist()}})"
    yield f"totals = degrees.set_index('root_id')[{column!r}].fillna(0)"
    yield "frame['partner_total'] = totals.reindex(frame['root_id']).astype('Int64').array"
    yield "frame['pct_of_partner'] = frame['num_syn'] * 100 / frame['partner_total']"
