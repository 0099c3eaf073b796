"""Lines of Python that add the columns of the type table and of joined tables to partners, for scripts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from services.cave.client import Cave
from services.cave.queries import Filters
from services.cave.release import Release
from services.cells import cell_types
from services.cells.connectivity import PARTNER_COLUMNS, Connectivity
from services.cells.partner_joins import SEPARATOR
from services.core.directions import Direction
from services.core.errors import BadInput
from services.tables.scripts import AGREED, wide_lines, written_arguments

TYPED = f"""{AGREED}


def typed(rows):
    \"\"\"What rows say of each root id.\"\"\"
    rows = rows[rows['pt_root_id'] != 0]
    rows = rows.sort_values('id') if 'id' in rows else rows
    many = rows['pt_root_id'].duplicated(keep=False)
    several = rows[many].groupby('pt_root_id').agg(agreed)
    alone = rows[~many].set_index('pt_root_id')
    return pd.concat([alone, several]) if len(several) else alone
"""
"""The text of the functions that :func:`lines` may call."""


def lines(cave: Cave, cells: Sequence[Connectivity], ways: Sequence[Direction], needed: Sequence[str]) -> Iterator[str]:
    """Lines that add to `frame`, the partners of `cells` in the directions `ways`, those columns in `needed` that are
    from the type table or, as `table.column`, from joined tables. Raises BadInput for a column that no table has."""
    result = cells[0]
    release = Release(cave, result.datastack, result.version)
    tables = release.tables()
    columns_of: dict[str, dict[str, str]] = {}
    for name in needed:
        table, dot, column = name.partition(SEPARATOR)
        if dot and table in tables:
            columns_of.setdefault(table, {})[name] = column
        elif name not in PARTNER_COLUMNS and result.type_table:
            original = name.removesuffix("_type")  # a partner frame adds it to a name that it has already
            columns_of.setdefault(result.type_table, {})[name] = original if original in PARTNER_COLUMNS else name
        elif name not in PARTNER_COLUMNS:
            raise BadInput(f"A script cannot make the column {name!r}.", "Hide it.")
    for table, columns in columns_of.items():
        by = result.type_by if table == result.type_table else _usual(release, table, cells)
        if table == result.type_table and result.typed_synapses:
            yield from _of_synapses(release, cells, ways)
        else:
            yield f"rows = {_rows(release, table)}"
        yield from _chosen(release, table, by)
        yield "rows = typed(rows).reindex(frame['root_id'])"
        yield from (f"frame[{name!r}] = rows[{column!r}].array" for name, column in columns.items())


def _usual(release: Release, table: str, cells: Sequence[Connectivity]) -> str:
    """The rule by which one of several rows of a root id in a joined table is chosen; see :attr:`TypeRows.by`."""
    roots = {root for cell in cells for way in Direction for root in cell.side(way)["root_id"].tolist()}
    return cell_types.type_rows(release, table, roots=roots).by


def _rows(release: Release, table: str) -> str:
    """The call that reads a table; for a table too large to be sent at once, the rows of the partners only."""
    if not release.is_large(table):
        return f"client.materialize.query_{release.table_info(table).kind}({table!r}, split_positions=True)"
    name, arguments = release.query_call(table, Filters(isin={"pt_root_id": [0]}))
    call = f"client.materialize.{name}(\n{written_arguments(arguments.items())})"
    return call.replace("'pt_root_id': [0]", "'pt_root_id': frame['root_id'].tolist()")


def _of_synapses(release: Release, cells: Sequence[Connectivity], ways: Sequence[Direction]) -> Iterator[str]:
    """Lines that read the rows of a type table that refers to synapses, for the synapses of the cells only."""
    first, roots = cells[0], [cell.cell.root_id for cell in cells]
    if first.only:
        raise BadInput("A script cannot read the types of some synapses only.", "Choose another type table.")
    yield "parts = []"
    for way in ways:
        method, arguments = release.query_call(first.type_table or "", Filters(isin={way.own: roots}))
        yield f"part = client.materialize.{method}(\n{written_arguments(arguments.items())})"
        yield f"parts.append(part.assign(pt_root_id=part[{way.partner!r}]))"
    yield "rows = pd.concat(parts, ignore_index=True)"
    yield "rows = rows[rows['pre_pt_root_id'] != rows['post_pt_root_id']]"


def _chosen(release: Release, table: str, by: str) -> Iterator[str]:
    """Lines that keep the rows of a table that the rule `by` chooses; see :func:`cell_types.narrowed`."""
    id_column = "target_id" if cell_types.is_of_synapses(release, table) else "pt_root_id"
    if by == cell_types.NEWEST:
        yield "age = [name for name in ('created', 'id') if name in rows]"
        yield f"rows = rows.sort_values(age).drop_duplicates({id_column!r}, keep='last')"
    elif by == cell_types.ORDER:
        column, values = release.profile.type_order[table]
        rank = {value: at for at, value in enumerate(values)}
        yield f"rank = rows[{column!r}].astype('string').map({rank}).fillna({len(rank)})"
        yield f"rows = rows[rank == rank.groupby(rows[{id_column!r}]).transform('min')]"
    elif by == cell_types.EACH:
        system, value = cell_types.system_and_value(release.sample(table), table)
        yield from wide_lines("rows", system, value)
    elif by not in ("", cell_types.ALL):
        column, _, value = by.partition("=")
        yield f"rows = rows[rows[{column!r}].astype('string') == {value!r}]"
