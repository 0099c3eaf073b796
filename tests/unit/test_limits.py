"""The shape of a JSON text, seen without parsing it."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.limits import MOST_DEPTH, MOST_VALUES, STRING, check_json
from services.core.errors import BadInput, TooLarge

JSON = st.recursive(
    st.none() | st.integers() | st.text() | st.text(alphabet='[]{},"\\'),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)


def depth(value: Any) -> int:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if parts is None else 1 + max(map(depth, parts), default=0)


@given(JSON)
def test_strings_hide_no_brackets_and_show_none(value: Any) -> None:
    left = STRING.sub(b"", json.dumps(value).encode())
    nesting = deepest = 0
    for mark in left:
        nesting += (mark in b"[{") - (mark in b"]}")
        deepest = max(deepest, nesting)
    assert (nesting, deepest) == (0, depth(value))
    check_json(json.dumps(value).encode())


def test_depth_is_bounded() -> None:
    check_json(b"[" * MOST_DEPTH + b"]" * MOST_DEPTH)
    with pytest.raises(BadInput, match="nested more than 64 levels"):
        check_json(b'{"a":' * (MOST_DEPTH + 1))


def test_values_are_bounded() -> None:
    check_json(json.dumps([0] * MOST_VALUES).encode())
    for value in ([0] * (MOST_VALUES + 1), [[]] * MOST_VALUES, {str(name): 0 for name in range(MOST_VALUES + 1)}):
        with pytest.raises(TooLarge, match="200,000 values"):
            check_json(json.dumps(value).encode())


@pytest.mark.parametrize("text", [b'"\\' * 2_000_000, b'"' + b"\\" * 4_000_000, b'"' * 4_000_001])
def test_strings_without_an_end_take_no_time(text: bytes) -> None:
    start = time.process_time()
    check_json(text)
    assert time.process_time() - start < 3
