"""Parts of a script that read the synapses of a cell, or of several, for figures."""

from __future__ import annotations

from collections.abc import Sequence

from services.cave.client import Cave
from services.cave.release import Release
from services.cave.synapse_shape import SynapseShape
from services.cells import synapse_filter, value_script
from services.cells.connectivity import Connectivity
from services.cells.partner_script import turn
from services.core.directions import Direction
from services.core.errors import BadInput
from services.filters.nodes import Everything
from services.tables.script_filters import expression

_SYNAPSES = """
def synapses_of(cell_column, partner_column):
    \"\"\"Synapses of one direction: the partner's root id{words}.\"\"\"
    frame = pd.concat([{call} for cell in {cells}], ignore_index=True)
    frame = {kept}.sort_values('id', kind='stable')
"""
_PLACED = """\
    nm = {places} * {voxel_nm}
    um = {turn}
"""
MEAN_OF = """
def mean_of(rows, positions):
    \"\"\"Of each row the mean of those positions that are known.\"\"\"
    parts = [rows[[f'{name}_{axis}' for axis in 'xyz']].to_numpy('float64') for name in positions]
    return pd.concat(map(pd.DataFrame, parts)).groupby(level=0).mean()

"""
"""The text of the function that the expression of :func:`places` calls."""


def definition(cave: Cave, cells: Sequence[Connectivity]) -> str:
    """The text of a function `synapses_of(cell_column, partner_column)`, whose arguments name the columns of the cell
    and of the partner.

    It returns a frame of root_id (the partner) and, where they are known, the position along the axes of the volume in
    um and the size in voxels. The script has to define `client` before. Raises BadInput for a filter by a computed
    column, such as the depth.
    """
    first = cells[0]
    release = Release(cave, first.datastack, first.version)
    only, shape, volume = synapse_filter.parse(release, first.only), release.synapse_shape(), release.volume
    if computed := synapse_filter.not_in_scripts(only):
        raise BadInput(f"A script cannot filter synapses by their {' and '.join(computed)}.", "Download the file.")
    columns = dict.fromkeys(["id", *(way.own for way in Direction)])
    columns |= dict.fromkeys([*shape.positions, *shape.ends])
    columns |= dict.fromkeys([*(["size"] if shape.sized else []), *synapse_filter.columns_needed(only)])
    rows = "frame" if isinstance(only, Everything) else f"frame[{expression(only, release.sample(shape.table))}]"
    results = {"'root_id'": "frame[partner_column].array"}
    lines = _SYNAPSES.format(
        words=(", place (um)" if shape.positions else "") + (", size (voxels)" if shape.sized else ""),
        call=value_script.call(release, columns, "cell_column"),
        cells=[cell.cell.root_id for cell in cells],
        kept=rows,
    )
    if shape.positions:
        turning, voxel_nm = turn(volume), [*release.table_info(shape.table).voxel_resolution_nm]
        lines = f"{MEAN_OF}{lines}"
        lines = f"import standard_transform\n{lines}" if "standard_transform." in turning else lines
        lines += _PLACED.format(places=places(shape, "frame"), voxel_nm=voxel_nm, turn=turning)
        results |= {repr(name): f"um[:, {at}]" for at, name in enumerate(volume.axes)}
    if shape.sized:
        results["'size'"] = "frame['size'].array"
    return f"{lines}    return pd.DataFrame({{{', '.join(f'{name}: {values}' for name, values in results.items())}}})\n"


def places(shape: SynapseShape, rows: str) -> str:
    """A Python expression for the positions of the synapses in the frame named `rows`, in the voxels of their table:
    the centre, else the mean of the ends."""
    ends = f".fillna(mean_of({rows}, {[*shape.ends]}))" if shape.ends else ""
    return f"mean_of({rows}, {[*shape.positions]}){ends}.to_numpy()"


def line(direction: Direction) -> str:
    """The line that calls `synapses_of` for one direction and assigns `in_synapses` or `out_synapses`."""
    return f"{direction}_synapses = synapses_of({direction.own!r}, {direction.partner!r})"
