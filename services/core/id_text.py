"""How people write ids: in quotes of any kind, in Python, as a spreadsheet's formula, in groups of three digits."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator
from decimal import Decimal

LARGEST_ID = 2**63 - 1
EXACT = 2**53
"""A float holds every whole number up to this one."""

_UNSEEN = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]")
_QUOTES = str.maketrans(dict.fromkeys("“”„‟«»", '"') | dict.fromkeys("‘’‚‛‹›", "'"))
_CALL = re.compile(
    r"\b(?:numpy=)?(?:[a-z]\w*(?:\.|::))*[a-z_]\w*(?:\.\w+)*\(|<[a-z][\w.]*:(?=\s)|::[a-z]\w*"
    r"|[,;:]?\s*\b(?:dtype|device|name|shape|length)\s*[=:]\s*(?:'[^']*'|\"[^\"]*\"|\([\d, ]*\)|[\w.]+)",
    re.IGNORECASE,
)
"""What Python, R, SQL and spreadsheets write around numbers: calls, and what their types are."""
_FORMAT = re.compile(r"\b(text\([^()]*)[,;]\s*(?:\"[0#@,.]+\"|'[0#@,.]+')\s*\)", re.IGNORECASE)
"""A spreadsheet's TEXT(id,"0"), whose second part is how many digits are shown."""
_SERIES_INDEX = re.compile(r"^ *\d+ {2,}(?=\d)", re.MULTILINE)
"""The numbers of rows beside the values of a Series of pandas as it is printed, its dtype below."""
_GROUPED = re.compile(r"(?<![\d,.'_])(?<!\d )[1-9]\d{0,2}(?P<by>[ ,'._])\d{3}(?:(?P=by)\d{3}){4}(?![,.'_]?\d)(?! \d)")
"""Six groups of digits: a root or supervoxel id as a spreadsheet shows it. Fewer could be a list of small ids."""
_GROUPED_BY_MARKS = re.compile(r"(?<![\d,.'_])[1-9]\d{0,2}(?P<by>[,'._])\d{3}(?:(?P=by)\d{3}){4}(?![,.'_]?\d)")
"""The same with marks between the groups, so that a blank is between numbers."""
_RUN_OF_GROUPS = re.compile(
    r"(?<![\d,.'_])(?<!\d )[1-9]\d{0,2}(?P<by>[ ,'._])\d{3}(?:(?P=by)\d{1,3}){10,}(?![,.'_]?\d)(?! \d)"
)
_SIX_GROUPS = re.compile(r"(?<!\d)(?=([1-9]\d{2}(?P<by>[ ,'._])\d{3}(?:(?P=by)\d{3}){4})(?!\d))")
_LAYER_BITS, _LARGEST_IN_LAYER = 56, 2**40
"""A root id is its layer in the highest bits and, beside it, a number that is small, for a root is in no chunk."""
_SUFFIX = re.compile(r"\b([0-9]{6,})(?:n|U?LL?|_?[iu]64)\b", re.IGNORECASE)
_BULLET = re.compile(r"^\s*(?:[-+*]|\d{1,3}[.)])\s+(?=\d{15})", re.MULTILINE)
"""What lists in notes and e-mails write before a long id."""
_ENTITY = re.compile(r"&#(?:\d{1,5}|x[0-9a-f]{1,4});", re.IGNORECASE)
"""A character as web pages write it by its number."""
_JOINED = re.compile(r"(?<=\d)[-_/|:](?=\d)")
_TOKEN = re.compile(r"[\w.+\-]+")
_FLOAT = re.compile(r"[0-9]+(?:\.[0-9]+)?e\+?[0-9]+|[0-9]+\.[0-9]*", re.IGNORECASE)


def visible(text: str) -> str:
    """The text without marks that nobody sees, such as those of writing from right to left."""
    return _UNSEEN.sub("", text)


def cleaned(text: str) -> str:
    """The :func:`visible` text in plain digits of our own, blanks and straight quotes."""
    plain = unicodedata.normalize("NFKC", visible(_ENTITY.sub(lambda entity: html.unescape(entity[0]), text)))
    return re.sub(r"(?![0-9])\d", lambda digit: str(unicodedata.digit(digit[0])), plain.translate(_QUOTES))


def without_calls(text: str) -> str:
    """A :func:`cleaned` text without what Python and spreadsheets write around numbers: `np.int64(17)` is `17)`."""
    values = _BULLET.sub("", _SERIES_INDEX.sub("", text) if "dtype:" in text else text)
    return _CALL.sub(" ", _FORMAT.sub(r"\1)", values))


def tokens(text: str) -> Iterator[str]:
    """The words and numbers of a :func:`cleaned` text; digits that belong together are one."""
    whole = _RUN_OF_GROUPS.sub(_as_supervoxels, _with_whole_roots(without_calls(text)))
    for grouped in (_GROUPED_BY_MARKS, _GROUPED):
        whole = grouped.sub(lambda result: re.sub(r"\D", "", result[0]), whole)
    separate = _JOINED.sub(" ", _SUFFIX.sub(r"\1", whole))
    return (stripped for token in _TOKEN.findall(separate) if (stripped := token.strip("._")))


def _with_whole_roots(text: str) -> str:
    """The text with each root id in groups of three digits as one number, whatever numbers stand before and after."""
    parts, end = [], 0
    for groups in _SIX_GROUPS.finditer(text):
        digits = re.sub(r"\D", "", groups[1])
        layer, number = divmod(int(digits), 2**_LAYER_BITS)
        if groups.start() >= end and layer > 1 and number < _LARGEST_IN_LAYER:
            parts += [text[end : groups.start()], f" {digits} "]
            end = groups.end(1)
    return "".join([*parts, text[end:]])


def _as_supervoxels(run: re.Match[str]) -> str:
    """Groups of three digits as the supervoxel ids that they are, six groups each; as they stand where they may be
    other numbers: no group with a zero before it, and none shorter, tells them from a list of small ids."""
    groups = run[0].split(run["by"])
    parts = [groups[at : at + 6] for at in range(0, len(groups), 6)]
    whole = all(len(group) == 3 for part in parts for group in part[1:]) and not len(groups) % 6
    shown = run["by"] not in " ," or any(group[0] == "0" or len(group) < 3 for group in groups)
    ids = ["".join(part) for part in parts]
    return " ".join(ids) if whole and shown and all(int(id) >> _LAYER_BITS == 1 for id in ids) else run[0]


def as_id(token: str) -> int | None:
    """The id that a word is, None if it is none. `17.0` is one, for a float of its size has lost nothing."""
    digits, point, decimals = token.partition(".")
    digits = digits.lstrip("0")
    if not re.fullmatch(r"[0-9]{1,19}", digits) or decimals.strip("0"):
        return None
    return int(digits) if int(digits) <= (EXACT if point else LARGEST_ID) else None


def is_float(token: str) -> bool:
    """Whether a word is a number with a point or an exponent."""
    return bool(_FLOAT.fullmatch(token))


def is_rounded(token: str) -> bool:
    """Whether a word is an id that has become a float, too large to have kept all of its digits."""
    return is_float(token) and float(token) > EXACT


def looks_rounded(value: int) -> bool:
    """Whether an id may be what a spreadsheet or JavaScript made of another: it ends in zeros, or is just what a
    float of 64 bits holds. One true id in sixty does too, so ask CAVE first."""
    if value <= EXACT:
        return False
    near = float(value)
    return value % 100 == 0 or int(near) == value or int(Decimal(repr(near))) == value
