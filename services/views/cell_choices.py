"""What there is to choose from beside the cells of a view: how partners are grouped, counted, joined and drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.cells import cell_types, column_groups, partner_columns, synapse_filter
from services.cells.partner_columns import SHARE, WORKED_OUT
from services.cells.partner_table import PartnerTable
from services.core.directions import Direction
from services.core.profiles import Viewer, Volume
from services.neuroglancer import links
from services.views.addresses import NO_TYPES
from services.views.cell_view import CellView, groupings

OF_ONE_CELL = frozenset(WORKED_OUT) - {SHARE}
"""Columns that are worked out for one cell only."""


@dataclass(frozen=True)
class CellChoices:
    """`rules` by which one of several types of a cell is chosen, with their titles, `columns` of text that can group
    the partners, `more` that can be added to the table, with their titles, groups of columns to `show` with what each
    adds to it, `viewers` that links can open, the numbers of other `versions` to compare with, and the `volume`, whose
    layers plots can have. `usual` is the filter of synapses that counts where none is written, `synapse_columns` what
    one can be about."""

    rules: Mapping[str, str]
    columns: Sequence[str]
    more: Mapping[str, str]
    show: Mapping[str, str]
    viewers: Sequence[Viewer]
    versions: Sequence[int]
    volume: Volume
    usual: str = ""
    synapse_columns: Sequence[str] = ()

    @classmethod
    def of(cls, view: CellView, sides: Mapping[str, PartnerTable]) -> CellChoices:
        """Those of a view, whose tables of partners are `sides`; of several cells without what is of one."""
        release, types, several = view.release, view.address.type_table, len(view.cells) > 1
        offered = partner_columns.offered(release, types)
        return cls(
            rules=cell_types.offered(release, types.replace(NO_TYPES, "")),
            columns=groupings([sides[way] for way in Direction]),
            more={name: title for name, title in offered.items() if not several or name not in OF_ONE_CELL},
            show=column_groups.here(offered, [column.name for side in sides.values() for column in side.columns]),
            viewers=links.viewers(release.cave, release.datastack),
            versions=[] if several else _others(view),
            volume=release.volume,
            usual=synapse_filter.usual(release),
            synapse_columns=[column.name for column in synapse_filter.columns_of(release)],
        )

    @property
    def panel(self) -> bool:
        """Whether a viewer can stand in the page."""
        return any(viewer.kind == links.BUNDLED.kind for viewer in self.viewers)


def _others(view: CellView) -> list[int]:
    """The other versions that have not expired."""
    known = view.release.cave.versions(view.release.datastack)
    return [one.number for one in known if one.valid and str(one.number) != view.address.version]
