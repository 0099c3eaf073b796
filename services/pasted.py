"""The ids in whatever a person pastes: lists, columns of a spreadsheet, Python, JSON, links.

Ids are read as they are written, to the last digit. What cannot be an id is kept apart, so that it can be told.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from services.errors import BadInput
from services.filter_values import LARGEST_ID, described

MOST_IDS = 10_000
MOST_CHARACTERS = 2_000_000
MOST_TOLD = 5

_LINK = re.compile(r"(?:https?|middleauth\+https?)://\S+")
_STATE = re.compile(r"https?://[^\s#?]+/nglstate/(?:api/v\d+/)?\d{1,19}\b")
_CALL = re.compile(r"\b(?:np\.|numpy\.)?u?int(?:64)?\(", re.IGNORECASE)
_GROUPED = re.compile(r"(?<![\d,.'])\d{1,3}(?:[,'.]\d{3}){5}(?![\d,.'])")
"""Six groups of digits: a root or supervoxel id as a spreadsheet shows it. Fewer could be a list of small ids."""
_JOINED = re.compile(r"(?<=\d)[-_/|:](?=\d)")
_TOKEN = re.compile(r"[\w.+\-]+")
_ROUNDED = re.compile(r"\d+(?:\.\d+)?e\+?\d+|\d+\.\d*", re.IGNORECASE)
_NAMES = ("cell", "anno-id", "root_id", "root_ids", "ids")
"""Parameters under which the addresses of this application and of older viewers have ids."""


@dataclass(frozen=True)
class Pasted:
    """What was read. `ids` are distinct and in the order in which they came; `repeated` counts further mentions,
    `left_out` the ids beyond the most that are looked up. `rubbish` is what is no id, `rounded` numbers from which
    a spreadsheet took digits, each once; `states` where the Neuroglancer states of short links are."""

    ids: tuple[int, ...]
    rubbish: tuple[str, ...] = ()
    rounded: tuple[str, ...] = ()
    repeated: int = 0
    left_out: int = 0
    states: tuple[str, ...] = ()

    def sentences(self) -> tuple[str, ...]:
        """What a person should know about what was not used."""
        said = []
        if self.left_out:
            said.append(f"Only the first {len(self.ids):,} ids are looked up; {self.left_out:,} more were left out.")
        if self.rounded:
            said.append(f"A spreadsheet has rounded {_some(self.rounded)}: copy such ids again as text.")
        if self.rubbish:
            said.append(f"No ids: {_some(self.rubbish)}.")
        return tuple(said)


def read_ids(text: str, *, state: Callable[[str], Mapping[str, Any]] | None = None) -> Pasted:
    """Every id in `text`, with any separators, in brackets, quotes or links.

    A Neuroglancer link, or its state as JSON, gives its segments; `state` loads the one of a short link from
    its address. Raises BadInput for more than 2,000,000 characters, and whatever `state` raises.
    """
    if len(text) > MOST_CHARACTERS:
        raise BadInput(
            f"{len(text):,} characters were pasted; {MOST_CHARACTERS:,} are the most.", "Paste the ids in parts."
        )
    plain = unicodedata.normalize("NFKC", text)
    counted: Counter[int] = Counter()
    rubbish: dict[str, None] = {}
    rounded: dict[str, None] = {}
    states: list[str] = []
    for link in _LINK.findall(plain):
        _read_link(link, counted, states)
    rest = _LINK.sub(" ", plain)
    document = _json(rest)
    if isinstance(document, dict):
        counted.update(_segments(document))
        rest = ""
    for token in _tokens(rest):
        digits = token.lstrip("0")
        if re.fullmatch(r"[0-9]{1,19}", digits) and _fits(int(digits)):
            counted[int(digits)] += 1
        else:
            (rounded if _ROUNDED.fullmatch(token) else rubbish)[token[:40]] = None
    if state is not None:
        for address in dict.fromkeys(states):
            counted.update(_segments(state(address)))
    ids = tuple(counted)
    return Pasted(
        ids[:MOST_IDS],
        tuple(rubbish),
        tuple(rounded),
        repeated=counted.total() - len(ids),
        left_out=max(0, len(ids) - MOST_IDS),
        states=tuple(dict.fromkeys(states)),
    )


def _tokens(text: str) -> Iterator[str]:
    joined = _GROUPED.sub(lambda found: re.sub(r"\D", "", found[0]), _CALL.sub(" ", text))
    return (stripped for token in _TOKEN.findall(_JOINED.sub(" ", joined)) if (stripped := token.strip("._")))


def _read_link(link: str, counted: Counter[int], states: list[str]) -> None:
    link = link.rstrip(")>]}\"',;.")
    found = _STATE.search(unquote(link))
    if found:
        states.append(found[0])
        return
    try:
        parts = urlsplit(link)
    except ValueError:
        return
    content = unquote(parts.fragment.removeprefix("!"))
    document = _json(content)
    if isinstance(document, dict):
        counted.update(_segments(document))
    for name, value in parse_qsl(parts.query):
        if name in _NAMES:
            counted.update(one for one in map(int, re.findall(r"(?<!\d)[0-9]{1,19}(?!\d)", value)) if _fits(one))


def _json(text: str) -> Any:
    if not text.lstrip().startswith("{"):
        return None
    try:
        return json.loads(text, parse_float=str)
    except (ValueError, RecursionError):
        return None


def _segments(state: Mapping[str, Any]) -> Iterator[int]:
    """The segments of a Neuroglancer state, hidden ones ("!123") too."""
    layers = state.get("layers")
    for layer in layers if isinstance(layers, list) else []:
        segments = layer.get("segments") if isinstance(layer, dict) else None
        for segment in segments if isinstance(segments, list) else []:
            digits = str(segment).removeprefix("!")
            if re.fullmatch(r"[0-9]{1,19}", digits) and _fits(int(digits)):
                yield int(digits)


def _fits(value: int) -> bool:
    return 0 < value <= LARGEST_ID


def _some(texts: tuple[str, ...]) -> str:
    return described([text[:24] for text in texts], last="and", most=MOST_TOLD)
