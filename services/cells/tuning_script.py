"""Lines of Python that add the columns of :mod:`tuning` to partners, for scripts."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from services.cave.client import Cave
from services.cave.release import Release
from services.cells import partner_columns, tuning
from services.cells.connectivity import Connectivity


def lines(cave: Cave, connectivity: Connectivity, needed: Collection[str]) -> Iterator[str]:
    """Lines that add tuning to the partners in `frame`; no lines where none of its columns is `needed`."""
    if not set(partner_columns.TUNED) & set(needed):
        return
    release = Release(cave, connectivity.datastack, connectivity.version)
    columns = set(release.table(tuning.tables(release)[0].name).columns)
    yield from units(release)
    yield "theirs = units.reindex(frame['root_id'])"
    for name, names in {"osi": ("OSI", "gOSI"), "dsi": ("DSI", "gDSI"), "cc_abs": ("cc_abs",)}.items():
        column = next((candidate for candidate in names if candidate in columns), None)
        yield f"frame[{name!r}] = {f'theirs[{column!r}].array' if column else 'np.nan'}"
    yield "frame['num_units'] = theirs['num_units'].astype('Int64').array"
    for name, period in (("ori", 180), ("dir", 360)):
        degrees = f"(units['pref_{name}'].astype('float64'){scale(release)} % {period})"
        yield f"angles = {degrees}.reindex([cell, *frame['root_id']])"
        yield f"frame['pref_{name}_deg'] = angles.iloc[1:].array"
        yield f"apart = ((angles.iloc[1:] - angles.iloc[0]).abs() % {period}).array"
        yield f"frame['delta_{name}_deg'] = np.minimum(apart, {period} - apart)"


def units(release: Release) -> Iterator[str]:
    """Lines that assign `units`, the best recorded unit of each cell, indexed by root id; see :func:`tuning.tuning`."""
    yield f"units = client.materialize.query_table({tuning.tables(release)[0].name!r}, split_positions=True)"
    yield "units = units[units['pt_root_id'] != 0]"
    yield "units = units[units.groupby('pt_root_id')['target_id'].transform('nunique') == 1]"
    yield "units['num_units'] = units.groupby('pt_root_id')['id'].transform('size')"
    yield "units = units.sort_values(['cc_abs', 'id'], ascending=[False, True], kind='stable')"
    yield "units = units.drop_duplicates('pt_root_id').set_index('pt_root_id')"


def scale(release: Release) -> str:
    """The end of an expression that converts the angles of that table to degrees; "" where they are in degrees."""
    return " * 180 / np.pi" if tuning.tables(release)[0].schema_type.startswith(tuning.RADIANS) else ""
