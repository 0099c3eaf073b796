"""Ask for a cell by anything: an id of any kind, several ids, a position, a pasted Neuroglancer link."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, TypeVar

from services.cave.release import Release
from services.cells import cells, connectivity, pasted_links, pasted_positions, position_text, positions
from services.cells.cells import ID_TYPES, Cell
from services.cells.connectivity import Connectivity
from services.cells.pasted import one_id, read_ids, without_labels
from services.cells.pasted_links import PastedLink
from services.core.errors import BadInput, KarstError, NotFound, TooLarge
from services.core.id_text import as_id, visible
from services.core.parallel import gather
from services.tables import live

Kind = Literal["id", "ids", "position", "link"]
QUESTION_TYPES = (*ID_TYPES, "position", "link")
"""What a person may say that a text is; with "auto" it is found out."""
MOST_CELLS = 20
"""Cells that are read at once: two synapse queries each."""
T = TypeVar("T")


@dataclass(frozen=True)
class Question:
    """What a text was understood as. `ids` are those of cells, as `id_type` says; `notes` are sentences about what it
    means and what of it was left out."""

    kind: Kind
    ids: tuple[int, ...]
    id_type: str = "auto"
    notes: tuple[str, ...] = ()


def understand(release: Release, text: str, question_type: str = "auto") -> Question:
    """Which cells a text asks for.

    Three numbers are a position in voxels of the datastack's viewer (or in the unit behind them) when they lie in the
    volume and are not all nucleus ids; what lies there answers it, see :func:`positions.at`. A link asks for its
    selected segments, else for those of its annotations, else for hidden ones, else for what lies at the points that
    it marks. Raises BadInput, NotFound, and TooLarge for more than
    MOST_CELLS cells.
    """
    if question_type not in QUESTION_TYPES:
        raise BadInput(f"{question_type[:40]!r} is not a type of id.", f"Choose one of {', '.join(QUESTION_TYPES)}.")
    plain = without_labels(visible(text)).strip()
    if question_type in ID_TYPES and (id := as_id(plain)) is not None:
        return Question("id", (id,), question_type)
    coordinates = None
    if question_type in ("position", "auto"):
        coordinates = position_text.parse(plain, certain=question_type == "position")
    if coordinates is not None and (question_type == "position" or positions.is_place(release, coordinates)):
        place = positions.at(release, positions.in_nm(release.cave, release.datastack, coordinates))
        return Question("position", (place.id,), place.id_type, (place.note,))
    if question_type == "link" or (question_type == "auto" and pasted_links.is_link(plain)):
        return _linked(release, plain)
    _refuse_positions(release, plain)
    return _listed(text, question_type)


def answer(release: Release, question: Question, **options: Any) -> tuple[Connectivity, ...]:
    """The cells of a question, each with its partners; `options` are those of :func:`connectivity.read`.

    What was understood is in the `warnings` of the first. Of several ids those that are no cell of the version are
    told and left out. Raises BadInput, NotFound, TooLarge and what CAVE raises.
    """
    read = partial(connectivity.read, release, **options)
    results = gather(*(partial(_try, partial(read, id, question.id_type)) for id in question.ids))
    cells = [result for result in results if isinstance(result, Connectivity)]
    missed = [result for result in results if isinstance(result, KarstError)]
    if not cells:
        raise _with_notes(missed[0], question)
    distinct = list({cell.cell.root_id: cell for cell in reversed(cells)}.values())[::-1]
    notes = (*question.notes, *(error.message for error in missed))
    return (replace(distinct[0], warnings=(*notes, *distinct[0].warnings)), *distinct[1:])


def cell_of(release: Release, question: Question) -> Cell:
    """The one cell of a question; what was understood is in its `warnings`. Raises BadInput, also for several cells,
    and NotFound."""
    refuse_several(question)
    result = _try(partial(cells.find, release, question.ids[0], question.id_type))
    if isinstance(result, KarstError):
        raise _with_notes(result, question)
    return replace(
        result, warnings=(*question.notes, *result.warnings, *live.of_cells(release.datastack, release.version))
    )


def refuse_several(question: Question) -> None:
    """Raises BadInput for more than one cell."""
    if len(question.ids) > 1:
        raise BadInput(f"{len(question.ids)} ids are given, but one cell is shown at a time.", "Keep only one.")


def _with_notes(error: KarstError, question: Question) -> KarstError:
    """The same, with what was understood of the question before its hint."""
    return type(error)(error.message, " ".join((*question.notes, error.hint)).strip())


def _refuse_positions(release: Release, text: str) -> None:
    """Raises BadInput for several positions, one after the other: their coordinates would pass for ids."""
    coordinates = pasted_positions.positions_in(text)
    if len(coordinates) > 1 and all(positions.is_place(release, point) for point in coordinates):
        raise BadInput(f"{len(coordinates)} positions are given, but one is read at a time.", "Keep only one.")


def _try(request: partial[T]) -> T | KarstError:
    try:
        return request()
    except (BadInput, NotFound) as error:
        return error


def _linked(release: Release, text: str) -> Question:
    try:
        link = pasted_links.read(release.cave, release.datastack, text)
    except BadInput:
        # several links, or an address of this application or of an older viewer
        load, sources = (
            partial(pasted_links.stored_state, release.cave, release.datastack),
            pasted_links.own_sources(release.cave, release.datastack),
        )
        pasted = read_ids(text, state=load, sources=sources)
        if not pasted.ids:
            raise
        return _some("link", pasted.ids, "auto", "The link names", pasted.notes)
    if link.selected or link.linked:
        chosen = link.selected or link.linked
        hidden = len(set(link.hidden) - set(chosen))
        are = "s of this link are" if hidden > 1 else " of this link is"
        notes = (f"{hidden:,} hidden segment{are} left out.", *link.warnings) if hidden else link.warnings
        return _some("link", chosen, "root_id", "The link has", notes)
    if link.hidden:
        notes = ("The segments of this link are hidden in its viewer.", *link.warnings)
        return _some("link", link.hidden, "root_id", "The link has", notes)
    if link.points_nm:
        return _marked(release, link)
    lost = [warning for warning in link.warnings if warning.endswith("left out.")]
    raise BadInput(
        " ".join(["No cell is selected in this link.", *lost]), "Select cells in Neuroglancer and copy the link again."
    )


def _marked(release: Release, link: PastedLink) -> Question:
    """The cells at the points that a link marks. Raises TooLarge for more than can be read at once."""
    if len(link.points_nm) > MOST_CELLS:
        raise TooLarge(
            f"The link has {len(link.points_nm):,} points, more than the {MOST_CELLS} that are looked up at once.",
            "Split them into smaller lists.",
        )
    below = pasted_positions.at_points(release, link.points_nm)
    return Question("link", below.ids, "root_id", (*link.warnings, *below.notes))


def _listed(text: str, question_type: str) -> Question:
    try:
        id, pasted = one_id(text), read_ids(text)
        grouped = f"This was read as the one id {id}; put brackets around a list."
        notes = (grouped,) if pasted.ids not in ((), (id,)) else ()
        return Question("id", (id,), question_type, notes)
    except BadInput:
        pasted = read_ids(text)
        if len(pasted.ids) < 2:
            raise
    return _some("ids", pasted.ids, question_type, "There are", pasted.sentences())


def _some(kind: Kind, ids: Sequence[int], id_type: str, start: str, notes: Sequence[str] = ()) -> Question:
    """All of the cells. Raises TooLarge for more than can be read at once: an answer for a part would pass for all."""
    if len(ids) > MOST_CELLS:
        raise TooLarge(
            f"{start} {len(ids):,} cells, more than the {MOST_CELLS} that can be read at once.",
            "Split them into smaller lists.",
        )
    return Question(kind, tuple(ids), id_type, tuple(notes))
