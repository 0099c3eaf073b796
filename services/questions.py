"""Ask for a cell by anything: an id of any kind, several ids, a position, a pasted Neuroglancer link."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np

from services import cells, connectivity, pasted_links, space
from services.cave import Cave
from services.cells import ID_TYPES
from services.connectivity import Connectivity
from services.errors import BadInput, KarstError, NotFound, TooLarge
from services.parallel import gather
from services.pasted import read_ids

Kind = Literal["id", "ids", "position", "link"]
QUESTION_TYPES = (*ID_TYPES, "position", "link")
"""What a person may say that a text is; with "auto" it is found out."""
MOST_CELLS = 20
"""Cells that are read at once: two synapse queries each."""
NEAR_UM = 25.0
"""No cell body is wider: a position farther from the middle of a nucleus is in none of its cell."""
LONGEST_POSITION = 200

_NUMBER = r"-?\d+(?:\.\d+)?"
_POSITION = re.compile(
    rf"[\[(\s]*({_NUMBER})[\s,;]+({_NUMBER})[\s,;]+({_NUMBER})[\s\])]*(nm|um|µm|μm|vx)?", re.IGNORECASE
)
_UNIT_NM = {"nm": 1.0, "um": 1000.0}


@dataclass(frozen=True)
class Question:
    """What a text was understood as. `ids` are texts for :func:`cells.find`, with `id_type`; `notes` are sentences
    about what it means and what of it was left out."""

    kind: Kind
    ids: tuple[str, ...]
    id_type: str = "auto"
    notes: tuple[str, ...] = ()


def understand(cave: Cave, datastack: str, version: int, text: str, question_type: str = "auto") -> Question:
    """Which cells a text asks for.

    Three numbers are a position in voxels of the datastack's viewer (or in the unit behind them) when they lie in the
    volume and are not all nucleus ids; the nearest nucleus within 25 um answers it. A link asks for its selected
    segments. Raises BadInput, NotFound, and TooLarge for more than MOST_CELLS cells.
    """
    if question_type not in QUESTION_TYPES:
        raise BadInput(f"{question_type[:40]!r} is no type of id.", f"Choose one of {', '.join(QUESTION_TYPES)}.")
    if question_type == "link" or (question_type == "auto" and pasted_links.is_link(text)):
        return _linked(cave, datastack, text)
    point_nm = _position_nm(cave, datastack, text)
    if question_type == "position" and point_nm is None:
        raise BadInput(f"{text[:40]!r} is no position.", "Give x, y and z, as Neuroglancer shows them.")
    if point_nm is not None and question_type in ("position", "auto"):
        forced = question_type == "position"
        if forced or _is_place(cave, datastack, version, point_nm, text):
            return _nearest(cave, datastack, version, point_nm)
    return _listed(text, question_type)


def read(
    cave: Cave,
    datastack: str,
    version: int,
    text: str,
    question_type: str = "auto",
    *,
    type_table: str | None = None,
    type_by: str = "",
    whole: bool = False,
    lenient: bool = False,
    only: str = "",
) -> tuple[Connectivity, ...]:
    """The cells that a text asks for, each with its partners; one root id costs what :func:`connectivity.read` does.

    What was understood is in the `warnings` of the first. Of several ids those that are no cell of the version are
    told and left out. Raises BadInput, NotFound, TooLarge and what CAVE raises.
    """
    asked = understand(cave, datastack, version, text, question_type)
    options: Any = {"type_table": type_table, "type_by": type_by, "whole": whole, "lenient": lenient, "only": only}
    ask = partial(connectivity.read, cave, datastack, version, **options)
    tried = gather(*(partial(_try, partial(ask, one, asked.id_type)) for one in asked.ids))
    found = [one for one in tried if isinstance(one, Connectivity)]
    missed = [one for one in tried if isinstance(one, KarstError)]
    if not found:
        raise missed[0]
    distinct = list({one.cell.root_id: one for one in reversed(found)}.values())[::-1]
    notes = (*asked.notes, *(error.message for error in missed))
    return (replace(distinct[0], warnings=(*notes, *distinct[0].warnings)), *distinct[1:])


def _try(ask: partial[Connectivity]) -> Connectivity | KarstError:
    try:
        return ask()
    except (BadInput, NotFound) as error:
        return error


def _linked(cave: Cave, datastack: str, text: str) -> Question:
    try:
        link = pasted_links.read(cave, datastack, text)
    except BadInput:
        ids = read_ids(text).ids  # an address of this application, or of an older viewer
        if not ids:
            raise
        return _some("link", [str(one) for one in ids], "auto", "The link names")
    if not link.selected:
        raise BadInput("No cell is selected in this link.", "Select cells in Neuroglancer and copy the link again.")
    return _some("link", link.selected, "root_id", "The link has", link.warnings)


def _listed(text: str, question_type: str) -> Question:
    try:
        return Question("id", (str(cells.parse_id(text)),), question_type)
    except BadInput:
        pasted = read_ids(text)
        if len(pasted.ids) < 2:
            raise
    return _some("ids", [str(one) for one in pasted.ids], question_type, "There are", pasted.sentences())


def _some(kind: Kind, ids: Sequence[str], id_type: str, start: str, notes: Sequence[str] = ()) -> Question:
    """All of the cells. Raises TooLarge for more than can be read at once: an answer for a part would pass for all."""
    if len(ids) > MOST_CELLS:
        raise TooLarge(
            f"{start} {len(ids):,} cells, more than the {MOST_CELLS} that are read at once.",
            "Ask for fewer, one part after the other.",
        )
    return Question(kind, tuple(ids), id_type, tuple(notes))


def _position_nm(cave: Cave, datastack: str, text: str) -> space.Floats | None:
    found = _POSITION.fullmatch(unicodedata.normalize("NFKC", text[:LONGEST_POSITION]).strip())
    if found is None:
        return None
    unit = (found[4] or "vx").lower().replace("μ", "u").replace("µ", "u")
    size_nm = [_UNIT_NM[unit]] * 3 if unit in _UNIT_NM else cave.info(datastack)["viewer_resolution"]
    return space.voxels_to_nm([float(number) for number in found.groups()[:3]], size_nm)


def _is_place(cave: Cave, datastack: str, version: int, point_nm: space.Floats, text: str) -> bool:
    """Whether three numbers lie among the nuclei, give or take a fifth, and are not themselves three nucleus ids."""
    somas = cells.somas(cave, datastack, version)
    numbers = read_ids(text).ids
    if len(numbers) == 3 and np.isin(numbers, somas["nucleus_id"]).all():
        return False
    points = somas[["x_nm", "y_nm", "z_nm"]].to_numpy()
    if not len(points):
        return False
    low, high = points.min(axis=0), points.max(axis=0)
    room = (high - low) / 5
    return bool(((point_nm >= low - room) & (point_nm <= high + room)).all())


def _nearest(cave: Cave, datastack: str, version: int, point_nm: space.Floats) -> Question:
    somas = cells.somas(cave, datastack, version)
    somas = somas[somas["root_id"] != 0]
    if somas.empty:
        raise NotFound(f"{datastack} has no table of nuclei, so a position names no cell.", "Give an id.")
    apart_um = np.linalg.norm(somas[["x_nm", "y_nm", "z_nm"]].to_numpy() - point_nm, axis=1) / 1000
    nucleus, distance_um = int(somas["nucleus_id"].iloc[apart_um.argmin()]), float(apart_um.min())
    if distance_um > NEAR_UM:
        raise NotFound(
            f"No nucleus lies within {NEAR_UM:.0f} µm of this position; the nearest, {nucleus}, is "
            f"{distance_um:,.0f} µm away.",
            "Give a place in a cell body, or the id of the segment there.",
        )
    note = f"The position was read as a place: the nearest nucleus is {nucleus}, {distance_um:.1f} µm away."
    return Question("position", (str(nucleus),), "nucleus_id", (note,))
