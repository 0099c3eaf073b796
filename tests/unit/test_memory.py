"""One bound in bytes for what a process holds, whosever it is, and no one's results for another."""

from __future__ import annotations

import gc
import threading
import time
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from services.cache.derived import NOT_KEPT, Derived, ready
from services.cache.memory import Memory, nbytes_of
from services.cache.shared import Cache
from services.cave.client import Cave
from services.core.errors import Upstream
from services.core.settings import Settings

ROWS = 50_000


@dataclass(frozen=True)
class Pair:
    left: Any
    right: Any


def numbers() -> np.ndarray[Any, Any]:
    return np.arange(ROWS, dtype=np.int64)


MAKERS: dict[str, Callable[[], Any]] = {
    "array": numbers,
    "small view of a large array": lambda: numbers()[:10],
    "objects": lambda: np.array([f"cell {number}" for number in range(ROWS)], dtype=object),
    "frame": lambda: pd.DataFrame({"id": numbers(), "volume": numbers() * 0.5}),
    "nullable": lambda: pd.DataFrame({"id": pd.array(numbers(), dtype="Int64")}),
    "text": lambda: pd.Series([f"cell {number}" for number in range(ROWS)], dtype="object"),
    "looked up by index": lambda: ready(pd.DataFrame({"id": numbers()}, index=pd.Index(numbers() * 3))),
    "texts": lambda: tuple(f"cell {number}" for number in range(ROWS)),
    "mapping": lambda: {f"cell {number}": f"#{number:06x}" for number in range(ROWS)},
    "dataclass": lambda: Pair(numbers(), {"in": numbers(), "out": [numbers()]}),
    "ids": lambda: tuple(864691135771609595 + number for number in range(ROWS)),
}


@pytest.mark.parametrize("name", MAKERS)
def test_sizes_are_those_that_python_allocates(name: str) -> None:
    make = MAKERS[name]
    make()
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        value = make()
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert nbytes_of(value) == pytest.approx(after - before, rel=0.15)


INDICES: dict[str, Callable[[], Any]] = {
    "numbers": lambda: pd.Index(numbers() * 3),
    "nullable": lambda: pd.Index(pd.array(numbers() * 3, dtype="Int64")),
    "text": lambda: pd.Index([f"cell {number}" for number in range(ROWS)], dtype=object),
}


@pytest.mark.parametrize("name", INDICES)
@pytest.mark.parametrize("kind", [pd.DataFrame, pd.Series])
def test_what_is_looked_up_after_it_was_put_grows_within_what_was_counted(name: str, kind: Callable[..., Any]) -> None:
    value = kind({"volume": numbers() * 0.5}) if kind is pd.DataFrame else kind(numbers() * 0.5)
    value.index = INDICES[name]()
    gc.collect()
    counted = Memory(2**30).put("key", value).nbytes
    unused = nbytes_of("key") + int(np.sum(value.memory_usage(deep=True)))
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        value.index.get_indexer(value.index[:1])
        growth = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert growth > 1_000_000
    assert counted == pytest.approx(unused + growth, rel=0.01)
    assert nbytes_of(value) == pytest.approx(counted, rel=0.01)


def test_sizes_of_arrow_are_those_that_arrow_allocates() -> None:
    before = pa.total_allocated_bytes()
    values = pa.array([f"cell {number}" for number in range(ROWS)])
    assert nbytes_of(values) == pytest.approx(pa.total_allocated_bytes() - before, rel=0.15)


def test_answers_and_what_is_derived_share_one_bound() -> None:
    cache = Cache("", 10 * ROWS * 8)
    derived = Derived(cache.memory, "thing")
    for number in range(40):
        cache.frame((number,), lambda: pd.DataFrame({"id": numbers()}))
        derived.of("rows", number).get(numbers)
        assert cache.memory.nbytes <= cache.memory.max_bytes
    held = [one.content for one in cache.memory._held.values()]  # the very things, weighed in another way
    weights = [one.memory_usage().sum() if isinstance(one, pd.DataFrame) else one.nbytes for one in held]
    assert 8 * ROWS * 8 < sum(weights) <= cache.memory.max_bytes
    assert len({type(one) for one in held}) == 2


def test_the_least_recently_used_goes_first() -> None:
    derived = Derived(Memory(5 * ROWS * 8), "thing")
    created: list[int] = []

    def ask(number: int) -> None:
        def make() -> np.ndarray[Any, Any]:
            created.append(number)
            return numbers()

        derived.of("rows", number).get(make)

    for number in (0, 1, 2, 0, 3, 0, 4, 0, 5, 0):
        ask(number)
    assert created == [0, 1, 2, 3, 4, 5]
    ask(1)
    assert created[-1] == 1


def test_nothing_too_large_is_held_and_nothing_is_lost() -> None:
    derived = Derived(Memory(1_000), "thing")
    assert len(derived.get(numbers)) == ROWS
    assert len(derived.get(numbers)) == ROWS


def test_none_is_a_result() -> None:
    derived = Derived(Memory(10_000), "thing")
    created: list[None] = []
    for _ in range(2):
        assert derived.get(lambda: created.append(None)) is None
    assert len(created) == 1


def test_what_is_not_valid_any_more_is_made_anew() -> None:
    derived = Derived(Memory(10_000), "thing")
    assert derived.get(lambda: 1, is_valid=lambda _: False) == 1
    assert derived.get(lambda: 2, is_valid=lambda held: held == 1) == 1
    assert derived.get(lambda: 3, is_valid=lambda held: held != 1) == 3
    assert derived.get(lambda: 4) == 3


def test_what_many_ask_for_at_once_is_made_once() -> None:
    """Each of thirty cold cells worked out the somata that they share."""
    derived, made = Derived(Memory(10_000), "thing"), []
    barrier = threading.Barrier(20)

    def make() -> int:
        made.append(1)
        time.sleep(0.2)
        return derived.of("part").get(lambda: 3)

    def ask(_number: int) -> int:
        barrier.wait()
        return derived.get(make)

    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(ask, range(20))) == [3] * 20
    assert len(made) == 1


def test_who_waits_for_what_fails_is_told_why() -> None:
    derived, made = Derived(Memory(10_000), "thing"), []
    barrier = threading.Barrier(5)

    def make() -> int:
        made.append(1)
        time.sleep(0.2)
        raise Upstream("CAVE does not answer.")

    def ask(_number: int) -> str:
        barrier.wait()
        with pytest.raises(Upstream) as error:
            derived.get(make)
        return str(error.value)

    with ThreadPoolExecutor(5) as pool:
        assert set(pool.map(ask, range(5))) == {"CAVE does not answer."}
    assert len(made) == 1
    assert derived.get(lambda: 4) == 4  # a failure is never kept


def test_without_a_name_nothing_is_kept() -> None:
    assert [NOT_KEPT.of("rows").get(lambda number=number: number) for number in range(3)] == [0, 1, 2]


def test_names_cannot_run_into_each_other() -> None:
    derived = Derived(Memory(10_000), "thing")
    names = [("a", "b"), ("a",), ("ab",), ("a", 1), ("a", "1")]
    every = [derived.of(*name) for name in names] + [derived.of("a").of("b"), derived.of("a").of("a").of("b")]
    for number, one in enumerate(every):
        one.get(lambda number=number: number)
    assert [one.get(lambda: -1) for one in every] == list(range(len(every)))


MINE = Settings(server_address="http://127.0.0.1:9", token="mine", cache="")


@pytest.mark.parametrize(
    "other",
    [
        {"token": "another's"},
        {"token": ""},
        {"server_address": "http://127.0.0.1:10"},
        {"config_dir": Path("elsewhere")},
    ],
    ids=["token", "no token", "server", "configuration"],
)
def test_what_one_derived_is_never_given_to_another(other: dict[str, Any]) -> None:
    """Over the same cache, as all the identities of one process share one bound."""
    cache = Cache("", 10_000)
    mine, theirs = Cave(MINE, cache), Cave(replace(MINE, **other), cache)
    assert mine.derived.of("somas", "ds", 1).get(lambda: "mine") == "mine"
    assert theirs.derived.of("somas", "ds", 1).get(lambda: "theirs") == "theirs"
    assert Cave(MINE, cache).derived.of("somas", "ds", 1).get(lambda: "theirs") == "mine"
