"""Ids of whatever is pasted, with the cells that lie at positions and at the points that links mark."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

import numpy as np

from services.cave.release import Release
from services.cells import cells, pasted_links, position_text, positions
from services.cells.pasted import MOST_NAMED, Pasted, read_ids
from services.cells.pasted_links import Point
from services.core.errors import BadInput, NotFound
from services.core.parallel import gather

MOST_POSITIONS = 100
"""Places that are looked up at once: each costs CAVE two queries of synapses."""
LONGEST_LIST = 20_000
_BETWEEN = re.compile(r"[;\n]|[\])}]\s*,?\s*[\[({]")


def read(release: Release, text: str) -> Pasted:
    """As :func:`pasted.read_ids`, short links and all; of a text that is surely a position, and of a link that marks
    points but names no segment, the root ids that lie there. Raises as these, and BadInput for what is no position
    although it is meant as one."""
    coordinates = positions_in(text)
    if coordinates and all(one.certain for one in coordinates):
        return at_points(release, [_in_nm(release, one) for one in coordinates])
    load = partial(pasted_links.stored_state, release.cave, release.datastack)
    pasted = read_ids(text, state=load, sources=pasted_links.own_sources(release.cave, release.datastack))
    if pasted.ids or not pasted.points_nm:
        return pasted
    below = at_points(release, pasted.points_nm)
    return replace(below, notes=(*pasted.notes, *below.notes))


def placed(release: Release, text: str) -> Pasted | None:
    """The root ids at the positions that a text may be; None where it is none."""
    coordinates = positions_in(text)
    if not coordinates or not all(positions.is_place(release, one) for one in coordinates):
        return None
    return at_points(release, [_in_nm(release, one) for one in coordinates])


def positions_in(text: str) -> list[position_text.Coordinates]:
    """The position that a text is, or all, one on a line or in brackets each; none where something else is there too.
    Raises BadInput for what is meant as one position but is none."""
    parts = [part for part in _BETWEEN.split(text[:LONGEST_LIST]) if part.strip()]
    several = []
    if len(parts) > 1 and len(text) <= LONGEST_LIST:
        with suppress(BadInput):
            several = [position_text.parse(part) for part in parts]
    if several and all(several):
        return [one for one in several if one]
    one = position_text.parse(text)
    return [one] if one else []


def at_points(release: Release, points_nm: Sequence[Point]) -> Pasted:
    """The root ids at positions, of the first MOST_POSITIONS, with notes on how they are known. Raises NotFound or
    BadInput where nothing lies at any."""
    tried = gather(*(partial(_try, release, point) for point in points_nm[:MOST_POSITIONS]))
    errors = [one for one in tried if isinstance(one, NotFound | BadInput)]
    nearest = [one for one in tried if isinstance(one, positions.CellAt)]
    if not nearest:
        raise errors[0]
    roots = dict.fromkeys(cells.find(release, one.id, one.id_type).root_id for one in nearest)
    notes = [*dict.fromkeys((*(one.note for one in nearest), *(error.message for error in errors)))]
    if len(points_nm) > MOST_NAMED:
        summary = f"The cells at {len(nearest):,} of {len(points_nm):,} positions were taken."
        notes = [summary, *(error.message for error in errors[:1])]
    return Pasted(tuple(roots), notes=tuple(notes), repeated=len(nearest) - len(roots))


def _in_nm(release: Release, coordinates: position_text.Coordinates) -> Point:
    x, y, z = positions.in_nm(release.cave, release.datastack, coordinates).tolist()
    return x, y, z


def _try(release: Release, point_nm: Point) -> positions.CellAt | NotFound | BadInput:
    try:
        return positions.at(release, np.asarray(point_nm))
    except (NotFound, BadInput) as error:
        return error
