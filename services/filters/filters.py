"""The filter language: one box per column, and a query line over the same operators.

==================  ==========================================================================
typed in a box      keeps the rows whose cell
==================  ==========================================================================
``5P-NP``           is that (``= 5P-NP`` is the same)
``BC, MC``          is one of them (``in BC, MC`` is the same); ``not in BC, MC`` none of them
``!= BC``           is not that, or is blank
``> 500``           is more (``>=``, ``<``, ``<=`` likewise; numbers, ids and times)
``200..400``        lies between, both included; ``200..`` and ``..400`` are open at one end
``~ ^5P``           holds a match of the regular expression (RE2); ``!~`` does not
``71,521``          is 71521: so are numbers written on the page; ``71, 521`` is one of two
``null``            is blank; ``not null`` is not
``"a, b"``          is exactly the quoted text
``!= valid_id``     differs from another column of like kind in its row (``=``, ``<`` … likewise); none is blank
``once``            is what no other row of the table has; blank cells and the id 0 never are
==================  ==========================================================================

A query line puts the column first and joins with ``and``, ``or``, ``not`` and brackets, ``and`` binding
tighter than ``or``: ``cell_type in (BC, MC) and (volume > 300 or not valid)``. A boolean column alone means
that it is true. A position as a whole takes a box in space, in vx, nm or um:
``pt_position in box (100..200, 300.., ..) um``. An id may be one of a long list that CAVE keeps:
``pt_root_id in saved(5560000000000001)``. What occurs once is ``once(pt_root_id)``. In a line, values with
spaces, commas, brackets or operators need quotes, as do words that are the names of other columns of words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from services.core.columns import Column
from services.core.errors import BadInput
from services.filters.column_conditions import once_in_box
from services.filters.conditions import ALSO_WRITTEN, QUOTED, SIGN, Operand, Saved, condition, in_saved, split_values
from services.filters.line import LineParser, tokens_of
from services.filters.nodes import Blank, Everything, Node, OneOf, all_of
from services.filters.values import Value, ungrouped, unquote

__all__ = ["Node", "all_of", "box_of", "parse_box", "parse_line"]

NOTHING_SAVED: Saved = {}
LONGEST_LINE = 250_000
"""Characters: some ten thousand ids."""


def parse_line(text: str, columns: Sequence[Column], saved: Saved = NOTHING_SAVED) -> Node:
    """The filter of a query line over `columns`; an empty line keeps everything. `saved` are the lists it may name.

    Raises BadInput, whose `position` is the character at fault.
    """
    _check_length(text)
    line = LineParser(tokens_of(text), columns, len(text), saved)
    return line.parse()


def parse_box(column: Column, text: str, saved: Saved = NOTHING_SAVED, columns: Sequence[Column] = ()) -> Node:
    """The filter that `text` in the box of a column means; an empty box keeps everything. `columns` are those that the
    text may name.

    Raises BadInput, whose `position` is the character at fault.
    """
    _check_length(text)
    start = len(text) - len(text.lstrip())
    stripped = text.strip()
    if not stripped:
        return Everything()
    if blank := re.fullmatch(r"(?:is\s+|=\s*)?(not\s+)?null", stripped, re.IGNORECASE):
        return Blank(column, blank[1] is None)
    if named := re.fullmatch(r"(not\s+)?in\s+saved\s*\(\s*(\w*)\s*\)", stripped, re.IGNORECASE):
        return in_saved(column, Operand(named[2], start + named.start(2), False), saved, opposite=bool(named[1]))
    if (once := once_in_box(column, stripped)) is not None:
        return once
    sign = SIGN.match(stripped) or re.match(r"(not\s+)?in(?=[\s(\[\"'])", stripped, re.IGNORECASE)
    name = re.sub(r"\s+", " ", sign[0].lower()) if sign else "="
    name = ALSO_WRITTEN.get(name, name)
    after = sign.end() if sign else 0
    operand = stripped[after:].lstrip()
    position = start + len(stripped) - len(operand)
    if name in ("in", "not in") and operand[:1] + operand[-1:] in ("()", "[]"):
        operand, position = operand[1:-1], position + 1
    if name in ("~", "!~"):
        pattern = unquote(operand) if QUOTED.fullmatch(operand) else operand
        return condition(column, name, [Operand(pattern, position, True)], position)
    if name not in ("in", "not in"):
        operand = ungrouped(column, operand)
    return condition(column, name, split_values(column, operand, position), position, columns)


def box_of(column: Column, values: Sequence[Value]) -> str:
    """What to put into a column's box to keep the rows that hold one of `values`, exactly."""
    plain = tuple(value.item() if isinstance(value, np.generic) else value for value in values)
    return OneOf(column, plain).box()


def _check_length(text: str) -> None:
    if len(text) > LONGEST_LINE:
        raise BadInput(
            f"The filter has {len(text):,} characters; at most {LONGEST_LINE:,} are allowed.", position=LONGEST_LINE
        )
