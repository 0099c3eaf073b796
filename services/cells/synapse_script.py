"""Lines of Python for the synapses of a cell, or of several, as plots have them."""

from __future__ import annotations

from collections.abc import Sequence

from services.cave.client import Cave
from services.cave.release import Release
from services.cells import synapse_filter
from services.cells.connectivity import Connectivity
from services.cells.partner_script import turn
from services.core.directions import Direction
from services.core.errors import BadInput
from services.filters.nodes import Everything
from services.tables.script_filters import expression

_SYNAPSES = """
def synapses_of(own, other):
    \"\"\"Synapses of one direction: the partner's root id, depth (um) and size (voxels).\"\"\"
    frame = client.materialize.query_table(
        {table!r}, filter_in_dict={{own: {cells}}}, select_columns={columns!r}, split_positions=True
    )
    frame = {kept}.sort_values('id')
    nm = frame[[f'ctr_pt_position_{{axis}}' for axis in 'xyz']].to_numpy('float64') * {voxel_nm}
    return pd.DataFrame({{'root_id': frame[other].array, 'depth_um': ({turn})[:, 1], 'size': {size}}})
"""


def definition(cave: Cave, cells: Sequence[Connectivity]) -> str:
    """A function `synapses_of(own, other)`, from the names of the columns of the two ends to a frame of root_id (the
    partner), depth_um (of no meaning in a volume without depths) and size. `client` is there. Raises BadInput for a
    filter by what is no column of the synapse table."""
    first = cells[0]
    release = Release(cave, first.datastack, first.version)
    only, table = synapse_filter.parse(release, first.only), release.roles.synapses.table or ""
    if worked_out := synapse_filter.not_in_scripts(only):
        raise BadInput(f"A script cannot filter synapses by their {' and '.join(worked_out)}.", "Download the file.")
    needed = ["id", "pre_pt_root_id", "post_pt_root_id", synapse_filter.CENTRE, *(["size"] if first.sized else [])]
    turning = turn(release.volume)
    imports = "import standard_transform\n" if "standard_transform." in turning else ""
    return imports + _SYNAPSES.format(
        table=table,
        cells=[one.cell.root_id for one in cells],
        columns=list(dict.fromkeys([*needed, *synapse_filter.columns_asked(only)])),
        kept="frame" if isinstance(only, Everything) else f"frame[{expression(only, release.query(table, limit=1))}]",
        voxel_nm=list(release.table_info(table).voxel_resolution_nm),
        turn=turning,
        size="frame['size'].array" if first.sized else "float('nan')",
    )


def line(direction: Direction) -> str:
    """The call of that function for one direction."""
    return f"{direction}_synapses = synapses_of({direction.own!r}, {direction.partner!r})"
