"""The two directions of a cell's synapses, with the columns of CAVE and the words that go with each."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, get_args


class Direction(StrEnum):
    """Synapses onto a cell ("in", its inputs) or of it ("out", its outputs). In addresses and JSON it is its value."""

    IN = "in"
    OUT = "out"

    @property
    def own(self) -> str:
        """The column of a synapse table with the cell's own end."""
        return "post_pt_root_id" if self is Direction.IN else "pre_pt_root_id"

    @property
    def partner(self) -> str:
        """The column with the other end."""
        return self.opposite.own

    @property
    def opposite(self) -> Direction:
        """What an input is to the partner that makes it: one of its outputs."""
        return Direction.OUT if self is Direction.IN else Direction.IN

    @property
    def noun(self) -> str:
        """ "input" or "output"."""
        return f"{self}put"

    @property
    def preposition(self) -> str:
        """A synapse is from an input partner, or to an output partner."""
        return "from" if self is Direction.IN else "to"


Side = Literal["in", "out", "both"]
"""One direction or both: what a tab, a link or a comparison of partners is about."""
SIDES: tuple[Side, ...] = get_args(Side)
