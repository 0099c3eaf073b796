"""How many cases are tried, and what they are made of."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

TIMES = int(os.environ.get("KARST_FUZZ_TIMES", "1"))
"""1 in every run of the tests, 50 in `make fuzz`."""


def tries(cases: int) -> settings:
    """Settings for so many cases a run. Those of `make fuzz` are others each time."""
    return settings(
        max_examples=cases * TIMES,
        deadline=None,
        derandomize=TIMES == 1,
        suppress_health_check=list(HealthCheck),
        database=None,
    )


TEXTS = st.one_of(
    st.sampled_from(
        ["", "in (1, 2)", "= 'a'", "not null", "> 1e400", "1..2", "((", "saved(1)", "/[/", "\x00", "\ud800", "𝔸" * 9]
    ),
    st.text(max_size=20),
    st.text(st.characters(codec=None), max_size=5),
)
IDS = st.one_of(
    st.sampled_from(["864691135771609595", "0", "1", "9223372036854775807", "9223372036854775808", "-1", "1.0"]),
    st.integers(0, 2**70).map(str),
)
JUNK: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS, IDS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=6,
)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(deeper for key, part in below for deeper in _paths(part, (*path, key)))]


@st.composite
def mutated(draw: st.DrawFn, bodies: st.SearchStrategy[Any], most: int = 2) -> Any:
    """A body with up to `most` of its parts replaced, left out or doubled."""
    body = draw(bodies)
    for _ in range(draw(st.integers(0, most))):
        ways = _paths(body)[1:]
        if not ways:
            return draw(JUNK)
        *way, last = draw(st.sampled_from(ways))
        place = body
        for step in way:
            place = place[step]
        match draw(st.sampled_from(["replace", "leave out", "double"])):
            case "leave out":
                del place[last]
            case "double" if isinstance(place, list):
                place.append(place[last])
            case _:
                place[last] = draw(JUNK)
    return body
