"""Reads a position from text: Python, JSON or words, with units, labels, and groups of thousands."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from services.core.errors import BadInput
from services.core.id_text import cleaned, without_calls

LONGEST_POSITION = 400
LARGEST_COORDINATE = 2**40
"""Three whole numbers of this size are segment ids, not a position."""
UNIT_NM = {"nm": 1.0, "um": 1_000.0, "mm": 1_000_000.0}
VOXELS = "vx"

_UNITS = {
    "nm": r"nm|nanomet(?:er|re)s?",
    "um": r"um|μm?|micromet(?:er|re)s?|microns?",
    "mm": r"mm|millimet(?:er|re)s?",
    VOXELS: r"vx|vox(?:el)?s?|px|pixels?",
}
_ANY_UNIT = "|".join(f"(?P<{unit}>{words})" for unit, words in _UNITS.items())
_UNIT = re.compile(rf"(?:\bin\s+)?(?:(?<![a-zμ_])|(?<=[xyz])_)(?:{_ANY_UNIT})(?![a-zμ])", re.IGNORECASE)
_LABEL = re.compile(r"(?<![a-z0-9])(?:[a-z]+_)*([xyz])(?![a-z0-9])\s*([:=]?)", re.IGNORECASE)
_NAMES = "pos|position|pt|point|location|coords?|coordinates?|voxels?|xyz"
_NAMED = re.compile(rf"\s*[\"']?(?:[a-z]+_)*(?:{_NAMES})[\"']?\s*[:=]", re.IGNORECASE)
_IN_WORDS = re.compile(
    r"\s*(?:pos|position|point|location|coords?|coordinates?)\s+(?:(?:is|at)\s+)?(?=[-+.\d\[({])", re.IGNORECASE
)
_WELL_KNOWN = re.compile(r"\s*(?:SRID\s*=\s*\d+\s*;\s*)?(?:MULTI)?POINT\s*Z?\s*(?=\()", re.IGNORECASE)
"""What precedes the numbers in the well-known text (WKT) of databases, as in `POINT Z (1 2 3)`."""
_TIMES = re.compile(r"(?<=[\d.])\s*[x×✕*]\s*(?=[+-]?\d)", re.IGNORECASE)
_AROUND = re.compile(r"[\[\](){}<>\"]|(?<!\d)'|'(?!\d)")
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?", re.IGNORECASE)
_GROUPED = re.compile(r"[+-]?\d{1,3}(?P<by>[ ,'_])\d{3}(?:(?P=by)\d{3})*(?:\.\d*)?")
_COMMA = re.compile(r"[+-]?(?:\d{1,3}(?:[. ']\d{3})+|\d+)(?:,\d+)?")
"""A number with a decimal comma, with or without groups of thousands."""
_BETWEEN_COMMAS = tuple(map(re.compile, (r"\s*[;|\t]\s*", r"\s*,\s+", r"\s+")))
"""Separators between numbers with decimal commas. All but the first also separate ids."""
_BETWEEN = tuple(
    (re.compile(between), grouped)
    for between, grouped in (
        (r"\s*[;|\t\n]\s*", 1),
        (r"\s*,\s+", 1),
        (r"\s*,\s*", 2),
        (r"\s+", 2),
        (r"[\s,;]+", 1),
    )
)
"""Separators between the numbers, from those that no number contains to those that also separate groups of thousands,
each with the least count of grouped numbers that a split at it must give, if it gives any: `240,640 207,872` is two
numbers, not `240`, `640 207` and `872`."""


@dataclass(frozen=True)
class Coordinates:
    """Three numbers along x, y and z in a `unit`: a key of UNIT_NM, VOXELS, or "" where none is given. `certain` is
    whether labels, a unit or multiplication signs show that they are a position; bare numbers may be ids."""

    numbers: tuple[float, float, float]
    unit: str
    certain: bool


def parse(text: str, *, certain: bool = False) -> Coordinates | None:
    """The position that a text gives; None if it is not one.

    Where the text must be a position, because the caller is `certain` or a label, unit or sign shows it, raises
    BadInput with what is wrong."""
    plain = cleaned(text) if len(text) <= LONGEST_POSITION else ""
    well_known = _WELL_KNOWN.match(plain)
    plain = without_calls(plain[well_known.end() :] if well_known else plain)
    named = well_known or _NAMED.match(plain) or _IN_WORDS.match(plain)
    plain = plain[named.end() :] if named and not well_known else plain
    units = {str(match.lastgroup) for match in _UNIT.finditer(plain)}
    plain = _AROUND.sub(" ", _UNIT.sub(" ", plain)).strip(" \t\r\n,;:")
    labels = _LABEL.findall(plain)
    axes = [axis.lower() for axis, _ in labels]
    labelled = bool({"y", "z"} & set(axes)) or any(sign for _, sign in labels)
    separate = plain if labelled else _TIMES.sub(";", plain)
    sure = certain or labelled or bool(named) or bool(units) or separate != plain
    parts = _with_points(_LABEL.split(plain)[3::3]) if labelled else _split(separate, sure=sure)
    numbers = [_number(part) for part in parts]
    if None in numbers or (labelled and _LABEL.split(plain)[0].strip()):
        if certain:
            raise _no_position(text)
        return None
    if sure:
        _check(len(numbers), axes if labelled else ["x", "y", "z"], units)
    if len(numbers) != 3:
        return None
    by_axis = dict(zip(axes if labelled else "xyz", numbers, strict=True))
    x, y, z = (float(by_axis[axis] or 0) for axis in "xyz")
    if max(map(abs, (x, y, z))) >= LARGEST_COORDINATE:
        if sure:
            raise BadInput("These numbers are too large for a position.", "Give x, y and z in voxels, nm or um.")
        return None
    return Coordinates((x, y, z), next(iter(units), ""), sure)


def _no_position(text: str) -> BadInput:
    return BadInput(f"{text.strip()[:40]!r} is not a position.", "Give x, y and z, as Neuroglancer shows them.")


def _check(count: int, axes: list[str], units: set[str]) -> None:
    """Raises BadInput where a text meant as a position mixes units, or has not one number for each axis."""
    if len(units) > 1:
        raise BadInput(f"This position is in {' and in '.join(sorted(units))}.", "Give all three numbers in one unit.")
    if count != 3:
        numbers = "1 number" if count == 1 else f"{count} numbers"
        raise BadInput(f"This has {numbers}, but a position has three.", "Give x, y and z of one place.")
    if sorted(axes) != ["x", "y", "z"]:
        raise BadInput(f"This position is along {', '.join(axes)}.", "Give x, y and z, each once.")


def _with_points(parts: list[str]) -> list[str]:
    """Three numbers with decimal points for commas that can only be decimal commas: those of `1,5`, not of `1,500`."""
    bare = [part.strip(" \t\r\n,;") for part in parts]
    clear = any("," in part and not _GROUPED.fullmatch(part) for part in bare)
    if len(bare) != 3 or not clear or not all(map(_COMMA.fullmatch, bare)):
        return parts
    return [re.sub(r"[. ']", "", part).replace(",", ".") for part in bare]


def _split(text: str, *, sure: bool) -> list[str]:
    """The numbers in a text, as text: three where a separator splits it into three. Raises BadInput where separators
    give different threes. `sure` is whether the text is meant as a position."""
    for between in _BETWEEN_COMMAS if sure else _BETWEEN_COMMAS[:1]:
        parts = between.split(text)
        if (pointed := _with_points(parts)) != parts:
            return pointed
    splits = []
    for between, least in _BETWEEN:
        parts = [part for part in between.split(text) if part]
        grouped = sum(bool(_GROUPED.fullmatch(part)) for part in parts)
        if all(_number(part) is not None for part in parts) and (not grouped or grouped >= least):
            splits.append(parts)
    three = {tuple(map(_number, parts)): parts for parts in splits if len(parts) == 3}
    if len(three) > 1:
        raise BadInput(
            f"{text[:40]!r} can be read as more than one position.", "Leave out the separators of thousands."
        )
    several = [parts for parts in splits if len(parts) > 1]
    return [*three.values(), *several, *splits, [text]][0]


def _number(text: str) -> float | None:
    bare = text.strip(" \t\r\n,;")
    if _GROUPED.fullmatch(bare):
        bare = re.sub(r"[ ,'_]", "", bare)
    value = float(bare) if _NUMBER.fullmatch(bare) else math.nan
    return value if math.isfinite(value) else None
