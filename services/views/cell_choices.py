"""The choices that the connectivity viewer offers: how partners are grouped, counted, joined and drawn."""

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

SINGLE_CELL_ONLY = frozenset(WORKED_OUT) - {SHARE}
"""Computed columns that a table of several cells cannot have."""


@dataclass(frozen=True)
class CellChoices:
    """What the options of a view can be set to.

    `rules` select one of several types of a cell, `more` are columns that can be added and `show` groups of columns
    that can be shown; each maps a name to its title. `columns` can group the partners, `viewers` can open links,
    `versions` are the numbers of other versions to compare with, and `volume` has the layers that plots can show.
    `usual` is the synapse filter that applies where none is typed, `synapse_columns` are the columns that one can use.
    """

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
        """The choices for a view with the partner tables `sides`, by side; fewer for several cells than for one."""
        release, types, several = view.release, view.address.type_table, len(view.cells) > 1
        offered = partner_columns.offered(release, types)
        return cls(
            rules=cell_types.offered(release, types.replace(NO_TYPES, "")),
            columns=groupings([sides[way] for way in Direction]),
            more={name: title for name, title in offered.items() if not several or name not in SINGLE_CELL_ONLY},
            show=column_groups.here(offered, [column.name for side in sides.values() for column in side.columns]),
            viewers=links.viewers(release.cave, release.datastack),
            versions=[] if several else _other_versions(view),
            volume=release.volume,
            usual=synapse_filter.usual(release),
            synapse_columns=[column.name for column in synapse_filter.columns_of(release)],
        )

    @property
    def panel(self) -> bool:
        """Whether the page can show a viewer beside the table: the bundled one, if the datastack offers it."""
        return any(viewer.kind == links.BUNDLED.kind for viewer in self.viewers)


def _other_versions(view: CellView) -> list[int]:
    """The numbers of the other versions that have not expired."""
    versions = view.release.cave.versions(view.release.datastack)
    return [version.number for version in versions if version.valid and str(version.number) != view.address.version]
