"""What bounds the cache: bytes in memory and in its folder; and one frame for many threads."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import redis

from services.cache import stores
from services.cache.derived import ready
from services.cache.shared import Cache
from tests.unit.test_cache import MEMORY, assert_same, example, never


class TestBounds:
    def test_time_limits_hold_in_memory_and_in_the_store(self, where: str) -> None:
        cache = Cache(where, MEMORY)
        assert cache.value(("v",), lambda: 1, ttl_s=4) == 1
        assert cache.value(("v",), never, ttl_s=4) == 1
        time.sleep(1)
        late = Cache(where, MEMORY)
        assert late.value(("v",), never) == 1  # whose memory holds it no longer than the store
        time.sleep(3.2)
        assert late.value(("v",), lambda: 2, ttl_s=60) == 2
        assert cache.value(("v",), never, ttl_s=60) == 2

    def test_memory_stays_within_its_bound(self) -> None:
        frame = pd.DataFrame({"id": pd.array(np.arange(10_000), dtype="Int64")})
        size = int(frame.memory_usage(deep=True).sum())
        cache = Cache("", 3 * size + 3_000)  # keys count, too
        for number in range(5):
            cache.frame((number,), lambda: frame)
        cache.frame((2,), never)
        cache.frame((4,), never)
        before = cache.counts["loaded"]
        cache.frame((0,), lambda: frame)
        assert cache.counts["loaded"] == before + 1
        assert 2 * size < cache.memory.nbytes <= cache.memory.max_bytes

    def test_the_folder_stays_within_its_bound_and_keeps_what_was_used_last(self, tmp_path: Path) -> None:
        bound = 400_000
        cache = Cache(str(tmp_path), 0, store_bytes=bound)
        noise = "".join(map(chr, np.random.default_rng(1).integers(65, 90, 10_000)))
        cache.value(("favourite",), lambda: "kept")
        for number in range(100):
            cache.value((number,), lambda: noise)
            assert folder_bytes(tmp_path) <= bound
            assert cache.value(("favourite",), never) == "kept"
            time.sleep(0.002)  # later than what was written before, by the clock of the disk
        assert folder_bytes(tmp_path) > bound / 2
        assert cache.value((99,), never) == noise
        assert cache.value((0,), lambda: "anew") == "anew"

    def test_what_is_larger_than_the_folder_is_not_kept_there(self, tmp_path: Path) -> None:
        cache = Cache(str(tmp_path), MEMORY, store_bytes=1_000)
        assert cache.value(("v",), lambda: "a" * 2_000) == "a" * 2_000
        assert folder_bytes(tmp_path) == 0
        assert cache.problem() == ""

    def test_a_smaller_bound_holds_after_the_first_entry(self, tmp_path: Path) -> None:
        large = Cache(str(tmp_path), MEMORY)
        for number in range(20):
            large.value((number,), lambda: "a" * 1_000)
        Cache(str(tmp_path), MEMORY, store_bytes=5_000).value(("v",), lambda: 1)
        assert folder_bytes(tmp_path) <= 5_000

    def test_locks_leave_no_files(self, tmp_path: Path) -> None:
        cache = Cache(str(tmp_path), MEMORY)
        for number in range(20):
            cache.value((number,), partial(int, number))
        assert not list((tmp_path / "locks").iterdir())

    def test_what_is_larger_than_the_memory_is_given_but_not_held(self) -> None:
        cache = Cache("", 10)
        assert_same(cache.frame(("a",), example), example())
        assert_same(cache.frame(("a",), example), example())
        assert cache.counts["loaded"] == 2

    def test_counts_tell_where_answers_came_from(self, where: str) -> None:
        first, second = Cache(where, MEMORY), Cache(where, MEMORY)
        load: Callable[[], int] = lambda: 1  # noqa: E731
        for cache in (first, first, second):
            cache.value(("v",), load)
        assert dict(first.counts) == {"loaded": 1, "memory": 1}
        assert dict(second.counts) == {"store": 1}


def folder_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_threads_that_look_up_rows_of_a_shared_frame_at_once_find_them():
    """pandas said "cannot reindex on an axis with duplicate labels" of an index without any."""
    wanted = np.arange(100, 40_000)
    for _ in range(20):
        frame = ready(pd.DataFrame({"value": np.arange(200_000)}, index=np.random.default_rng(1).permutation(200_000)))
        with ThreadPoolExecutor(8) as pool:
            matches = list(pool.map(lambda _, frame=frame: len(frame.reindex(wanted)), range(8)))
        assert matches == [len(wanted)] * 8


def test_a_password_in_an_address_that_cannot_be_read_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    store = stores.open_store("redis://:pw77/secret@localhost/0", MEMORY)
    assert store.get("key") is None
    assert "ValueError" in store.problem() and "ValueError" in caplog.text
    assert "pw77" not in caplog.text + store.problem()


def test_of_a_silent_redis_one_asks_first(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Every thread waited for a Redis that had gone silent, again after each rest."""
    pid = redis.Redis.from_url(redis_url).info("server")["process_id"]
    store = stores.open_store(redis_url, MEMORY)
    store.set("a", b"kept", None)
    os.kill(pid, signal.SIGSTOP)
    try:
        monkeypatch.setattr(stores, "RETRY_S", 0.0)
        assert store.get("a") is None
        monkeypatch.setattr(stores, "RETRY_S", 60.0)
        caplog.clear()
        with ThreadPoolExecutor(20) as pool:
            assert list(pool.map(store.get, ["a"] * 20)) == [None] * 20
        assert len(caplog.records) == 1  # of the one that asked
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_redis_that_speaks_again_is_asked_by_all(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pid = redis.Redis.from_url(redis_url).info("server")["process_id"]
    store = stores.open_store(redis_url, MEMORY)
    store.set("a", b"kept", None)
    monkeypatch.setattr(stores, "RETRY_S", 0.0)
    os.kill(pid, signal.SIGSTOP)
    try:
        assert store.get("a") is None
    finally:
        os.kill(pid, signal.SIGCONT)
    monkeypatch.setattr(stores, "RETRY_S", 60.0)
    assert [store.get("a") for _ in range(3)] == [b"kept"] * 3
    assert not store.problem()
