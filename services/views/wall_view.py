"""What an address of the skeletons page means: a set of cells, and their skeletons side by side."""

from __future__ import annotations

from dataclasses import dataclass, replace

from werkzeug.utils import cached_property

from services.cave.client import Cave
from services.cave.release import Release
from services.cells import skeleton_wall
from services.cells.skeleton_wall import Wall
from services.populations import sets
from services.populations.sets import CellSet
from services.views.addresses import WallAddress
from services.views.resolving import release_of


@dataclass(frozen=True)
class WallView:
    """The cells of an address, created once for a request and shared by everything that answers it. `address` has the
    datastack and the version number filled in. Data are read when they are first needed."""

    release: Release
    address: WallAddress

    @classmethod
    def of(cls, cave: Cave, address: WallAddress) -> WallView:
        """The view of an address. Raises as :func:`live.resolve`."""
        release = release_of(cave, address)
        return cls(release, replace(address, datastack=release.datastack, version=str(release.version.label)))

    @cached_property
    def cells(self) -> CellSet:
        """The cells that the address names. Raises as :func:`sets.resolve`."""
        return sets.resolve(self.release, self.address.cells)

    @cached_property
    def wall(self) -> Wall:
        """Their skeletons. Raises as :func:`skeleton_wall.read`."""
        return skeleton_wall.read(self.release, self.cells.ids.tolist())
