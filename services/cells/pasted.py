"""The ids in whatever a person pastes: lists, columns of a spreadsheet, Python, JSON, links.

Every box and the API read pasted text here. Ids are read exactly, to the last digit; text that cannot be an id is
kept apart, so that the user can be told about it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from services.cells import pasted_links
from services.core.errors import BadInput
from services.core.id_text import EXACT, LARGEST_ID, as_id, cleaned, is_rounded, tokens, visible
from services.filters.values import described

MOST_IDS = 10_000
MOST_CHARACTERS = 2_000_000
MOST_NAMED = 5
LONGEST_ID_TEXT = 2_000

_LINK = re.compile(r"(?:https?|middleauth\+https?)://\S+")
_LABELLED = re.compile(
    r"<(?P<chat>https?://\S+?)\|[^|<>]*>|\[[^\[\]\n]*\]\((?P<markdown>https?://\S+)\)"
    r"|<a\b[^<>]*?\bhref=[\"'](?P<html>[^\"']+)[\"'][^<>]*>[^<>]*</a>",
    re.IGNORECASE,
)
"""Links with a label, as chats, Markdown and web pages write them."""
_INLINE = re.compile(r"#!\+?(?=\{)")
_STATE = re.compile(r"https?://[^\s#?]+/nglstate/(?:api/v\d+/)?(?:raw/)?\d{1,19}\b")
_PATH = re.compile(r"/cells/([0-9]{1,19})(?![0-9])")
_FEW_GROUPS = re.compile(r"[0-9]{1,3}(?:([ ,'])[0-9]{3})(?:\1[0-9]{3}){0,5}")
_UNREAD = "A link is cut off or shows no segmentation: no ids were taken from it."
_AROUND = " \t\r\n\v\f,;:.'\"`[](){}="
_NAMES = ("cell", "anno-id", "root_id", "root_ids", "ids")
"""Query parameters that hold ids in the addresses of this application and of older viewers."""


@dataclass(frozen=True)
class Pasted:
    """What was read from pasted text.

    `ids` are distinct, in order of first appearance; `repeated` counts further mentions, `left_out` the ids beyond
    MOST_IDS. `rubbish` are words that are not ids and `rounded` numbers whose last digits a spreadsheet dropped, each
    once. `states` are the addresses of states behind short Neuroglancer links, `notes` sentences about what was taken
    from links, and `points_nm` the positions (x, y, z in nm) of annotations in links.
    """

    ids: tuple[int, ...]
    rubbish: tuple[str, ...] = ()
    rounded: tuple[str, ...] = ()
    repeated: int = 0
    left_out: int = 0
    states: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    points_nm: tuple[pasted_links.Point, ...] = ()

    def sentences(self) -> tuple[str, ...]:
        """Sentences about what was read from links, and about the text that was not used."""
        sentences = list(self.notes)
        if self.left_out:
            sentences.append(
                f"Only the first {len(self.ids):,} ids are looked up; {self.left_out:,} more were left out."
            )
        if self.rounded:
            sentences.append(f"A spreadsheet has rounded {_some(self.rounded)}: copy such ids again as text.")
        if self.rubbish:
            sentences.append(f"No ids: {_some(self.rubbish)}.")
        return tuple(sentences)


def read_ids(
    text: str, *, state: Callable[[str], Mapping[str, Any]] | None = None, sources: Iterable[str] = ()
) -> Pasted:
    """Every id in `text`, with any separators, in brackets, quotes or links.

    A Neuroglancer link, or its state as JSON, gives the segments of one layer, hidden ones included, and those that its
    annotations are linked to. `sources` are the sources of the datastack's own segmentation, which decide the layer.
    `state` loads the state of a short link from its address; without it, short links are only listed in the result.
    Raises BadInput for more than MOST_CHARACTERS, and whatever `state` raises.
    """
    if len(text) > MOST_CHARACTERS:
        raise BadInput(
            f"{len(text):,} characters were pasted; at most {MOST_CHARACTERS:,} are read.", "Paste the ids in parts."
        )
    reading = _Reading(tuple(sources))
    document = _state(visible(text)) or _state(cleaned(text))
    if document is not None:
        reading.state(document)
    else:
        links, text_between = _links(visible(text))
        for link in links:
            reading.link(link)
        for token in tokens(cleaned(text_between)):
            reading.token(token)
    if state is not None:
        for address in reading.states:
            reading.state(state(address))
    return reading.result()


def one_id(text: str) -> int:
    """The single id in typed or pasted text.

    Raises BadInput where there is no id, more than one, or one that a spreadsheet has rounded.
    """
    bare = cleaned(text[:LONGEST_ID_TEXT]).strip(_AROUND)
    if (plain := as_id(bare)) is not None:
        return plain
    # numbers in brackets are a list, even where they look like one number with groups of thousands
    grouped = _FEW_GROUPS.fullmatch(bare) and not set("[](){};") & set(text)
    pasted = read_ids(re.sub(r"[ ,']", "", bare) if grouped else text[:LONGEST_ID_TEXT])
    words = [word for word in pasted.rubbish if not (word.isidentifier() and pasted.ids and pasted.ids[0] > EXACT)]
    if len(pasted.ids) > 1:
        raise BadInput(f"{len(pasted.ids)} ids are given, but one cell is shown at a time.", "Keep only one.")
    if pasted.rounded:
        raise BadInput(
            f"{pasted.rounded[0]} is not a whole id: a spreadsheet has probably rounded it.",
            "Copy the id again as text.",
        )
    if len(pasted.ids) == 1 and not words:
        return pasted.ids[0]
    if not words:
        raise BadInput("No cell is given.", "Type a root id, a nucleus id or a supervoxel id.")
    if len(pasted.rubbish) == 1 and re.fullmatch(r"[0-9]+", words[0]):
        reason = "it is too large" if words[0].strip("0") else "0 marks a place without a segment"
        raise BadInput(f"{words[0]} is not the id of a cell: {reason}.", "Check the id.")
    raise BadInput(
        f"{bare[:40]!r} is not an id: ids are whole numbers.", "Give an id, a position or a Neuroglancer link."
    )


class _Reading:
    """Collects what the parts of a pasted text hold, part by part."""

    def __init__(self, sources: tuple[str, ...]) -> None:
        self.sources = sources
        self.counted: Counter[int] = Counter()
        self.rubbish: dict[str, None] = {}
        self.rounded: dict[str, None] = {}
        self.states: dict[str, None] = {}
        self.notes: dict[str, None] = {}
        self.points_nm: dict[pasted_links.Point, None] = {}

    def token(self, token: str) -> None:
        value = as_id(token)
        if value is not None:
            self.counted[value] += 1
        else:
            (self.rounded if is_rounded(token) else self.rubbish)[token[:40]] = None

    def state(self, state: Mapping[str, Any]) -> None:
        try:
            result = pasted_links.from_state(state, self.sources)
        except BadInput as error:
            self.notes[error.message] = None
            return
        self.counted.update([*dict.fromkeys((*result.selected, *result.hidden, *result.linked))])
        self.notes.update(dict.fromkeys(result.warnings))
        self.points_nm.update(dict.fromkeys(result.points_nm))

    def link(self, link: str) -> None:
        inline = _INLINE.search(link) or _INLINE.search(unquote(link))
        document = _state(inline.string[inline.end() :]) if inline else None
        if document is not None:
            self.state(document)
            return
        if inline is not None:
            self.notes[_UNREAD] = None
            return
        link = link.rstrip(")>]}\"',;.")
        if stored := _STATE.search(unquote(link)):
            self.states[stored[0]] = None
            return
        try:
            parts = urlsplit(link)
        except ValueError:
            return
        values = [value for name, value in parse_qsl(parts.query) if name in _NAMES]
        for digits in re.findall(r"(?<!\d)[0-9]{1,19}(?!\d)", " ".join([*values, *_PATH.findall(parts.path)])):
            if 0 < int(digits) <= LARGEST_ID:
                self.counted[int(digits)] += 1

    def result(self) -> Pasted:
        ids = tuple(self.counted)
        return Pasted(
            ids[:MOST_IDS],
            tuple(self.rubbish),
            tuple(self.rounded),
            repeated=self.counted.total() - len(ids),
            left_out=max(0, len(ids) - MOST_IDS),
            states=tuple(self.states),
            notes=tuple(self.notes),
            points_nm=tuple(self.points_nm),
        )


def without_labels(text: str) -> str:
    """The text with each labelled link, such as `<link|label>`, replaced by the bare link."""
    return _LABELLED.sub(lambda match: f" {match['chat'] or match['markdown'] or match['html']} ", text)


def _links(text: str) -> tuple[list[str], str]:
    """The links in a text, and the text around them. A link includes its inline state even where that has spaces."""
    text = without_labels(text)
    links, between, end = [], [], 0
    while match := _LINK.search(text, end):
        inline, stop = _INLINE.search(match[0]), match.end()
        if inline:
            with suppress(ValueError, RecursionError):
                stop = max(stop, json.JSONDecoder().raw_decode(text, match.start() + inline.end())[1])
        links.append(text[match.start() : stop])
        between.append(text[end : match.start()])
        end = stop
    return links, " ".join([*between, text[end:]])


def _state(text: str) -> Mapping[str, Any] | None:
    """The Neuroglancer state that a text is or, as the end of a link, begins with; None if it is none."""
    text = text.strip()
    if not text.startswith("{"):
        return None
    for candidate in (text, text[: text.rfind("}") + 1]):
        try:
            document = pasted_links.parsed(candidate)
        except BadInput:
            continue
        return document if "layers" in document else None
    return None


def _some(texts: tuple[str, ...]) -> str:
    return described([text[:24] for text in texts], last="and", most=MOST_NAMED)
