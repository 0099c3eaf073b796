"""Root ids from pasted text that may also hold positions, or links to annotated points."""

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
"""The most positions that are looked up: each costs CAVE two queries of synapses."""
LONGEST_LIST = 20_000
"""Characters of a text that is read as a list of positions."""
_BETWEEN = re.compile(r"[;\n]|[\])}]\s*,?\s*[\[({]")


def read(release: Release, text: str) -> Pasted:
    """The ids in a text as :func:`pasted.read_ids` reads them, short links included. A text that is certainly one or
    more positions, and a link that marks points but names no segment, give the root ids at these points instead.

    Raises as :func:`pasted.read_ids` and :func:`at_points`, and BadInput for a text that is meant as a position but
    cannot be one."""
    coordinates = positions_in(text)
    if coordinates and all(position.certain for position in coordinates):
        return at_points(release, [_in_nm(release, position) for position in coordinates])
    load = partial(pasted_links.stored_state, release.cave, release.datastack)
    pasted = read_ids(text, state=load, sources=pasted_links.own_sources(release.cave, release.datastack))
    if pasted.ids or not pasted.points_nm:
        return pasted
    at_marks = at_points(release, pasted.points_nm)
    return replace(at_marks, notes=(*pasted.notes, *at_marks.notes))


def placed(release: Release, text: str) -> Pasted | None:
    """The root ids at the positions that a text can be read as; None where it is not positions in the volume. Raises as
    :func:`positions_in`, :func:`positions.is_place` and :func:`at_points`."""
    coordinates = positions_in(text)
    if not coordinates or not all(positions.is_place(release, position) for position in coordinates):
        return None
    return at_points(release, [_in_nm(release, position) for position in coordinates])


def positions_in(text: str) -> list[position_text.Coordinates]:
    """The positions in a text, each on its own line or in its own brackets; [] where the text holds anything else.
    Raises BadInput for a single text that is meant as a position but cannot be one."""
    parts = [part for part in _BETWEEN.split(text[:LONGEST_LIST]) if part.strip()]
    several = []
    if len(parts) > 1 and len(text) <= LONGEST_LIST:
        with suppress(BadInput):
            several = [position_text.parse(part) for part in parts]
    if several and all(several):
        return [position for position in several if position]
    single = position_text.parse(text)
    return [single] if single else []


def at_points(release: Release, points_nm: Sequence[Point]) -> Pasted:
    """The root ids at the first MOST_POSITIONS of some points, with notes on how each is known. Raises the NotFound or
    BadInput of the first point where none has a cell."""
    results = gather(*(partial(_cell_or_error, release, point) for point in points_nm[:MOST_POSITIONS]))
    errors = [result for result in results if isinstance(result, NotFound | BadInput)]
    located = [result for result in results if isinstance(result, positions.CellAt)]
    if not located:
        raise errors[0]
    roots = dict.fromkeys(cells.find(release, cell.id, cell.id_type).root_id for cell in located)
    notes = [*dict.fromkeys((*(cell.note for cell in located), *(error.message for error in errors)))]
    if len(points_nm) > MOST_NAMED:
        summary = f"The cells at {len(located):,} of {len(points_nm):,} positions were taken."
        notes = [summary, *(error.message for error in errors[:1])]
    return Pasted(tuple(roots), notes=tuple(notes), repeated=len(located) - len(roots))


def _in_nm(release: Release, coordinates: position_text.Coordinates) -> Point:
    x, y, z = positions.in_nm(release.cave, release.datastack, coordinates).tolist()
    return x, y, z


def _cell_or_error(release: Release, point_nm: Point) -> positions.CellAt | NotFound | BadInput:
    try:
        return positions.at(release, np.asarray(point_nm))
    except (NotFound, BadInput) as error:
        return error
