"""Lines of Python for the synapses of a cell, or of several, as plots have them."""

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
def synapses_of(own, other):
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
"""The function that :func:`places` calls."""


def definition(cave: Cave, cells: Sequence[Connectivity]) -> str:
    """A function `synapses_of(own, other)`, from the names of the columns of the two ends to a frame of root_id (the
    partner) and, where they are known, the size and the place along the axes of the volume. `client` is there. Raises
    BadInput for a filter by what is no column of the synapse table."""
    first = cells[0]
    release = Release(cave, first.datastack, first.version)
    only, shape, volume = synapse_filter.parse(release, first.only), release.synapse_shape(), release.volume
    if worked_out := synapse_filter.not_in_scripts(only):
        raise BadInput(f"A script cannot filter synapses by their {' and '.join(worked_out)}.", "Download the file.")
    columns = dict.fromkeys(["id", *(way.own for way in Direction)])
    columns |= dict.fromkeys([*shape.positions, *shape.ends])
    columns |= dict.fromkeys([*(["size"] if shape.sized else []), *synapse_filter.columns_needed(only)])
    kept = "frame" if isinstance(only, Everything) else f"frame[{expression(only, release.sample(shape.table))}]"
    results = {"'root_id'": "frame[other].array"}
    lines = _SYNAPSES.format(
        words=(", place (um)" if shape.positions else "") + (", size (voxels)" if shape.sized else ""),
        call=value_script.call(release, columns, "own"),
        cells=[one.cell.root_id for one in cells],
        kept=kept,
    )
    if shape.positions:
        turning, voxel_nm = turn(volume), [*release.table_info(shape.table).voxel_resolution_nm]
        lines = f"{MEAN_OF}{lines}"
        lines = f"import standard_transform\n{lines}" if "standard_transform." in turning else lines
        lines += _PLACED.format(places=places(shape, "frame"), voxel_nm=voxel_nm, turn=turning)
        results |= {repr(name): f"um[:, {at}]" for at, name in enumerate(volume.axes)}
    if shape.sized:
        results["'size'"] = "frame['size'].array"
    return f"{lines}    return pd.DataFrame({{{', '.join(f'{name}: {of}' for name, of in results.items())}}})\n"


def places(shape: SynapseShape, rows: str) -> str:
    """An expression for where the synapses of the frame `rows` are, in the voxels of their table: at their centre, else
    between their ends."""
    ends = f".fillna(mean_of({rows}, {[*shape.ends]}))" if shape.ends else ""
    return f"mean_of({rows}, {[*shape.positions]}){ends}.to_numpy()"


def line(direction: Direction) -> str:
    """The call of that function for one direction."""
    return f"{direction}_synapses = synapses_of({direction.own!r}, {direction.partner!r})"
