"""The cache: exact frames, one load however many ask, and nothing lost when its second level fails."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from multiprocessing.synchronize import Barrier, Event
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.cache.codec import decode_frame, encode_frame
from services.cache.shared import Cache
from services.core.pages import StoppedError
from services.core.parallel import gather
from services.core.waiting import waiting_for_others

MEMORY = 64 * 2**20


def example() -> pd.DataFrame:
    """A frame with every dtype that CAVE sends, ids beyond 2^53 and nulls in each column."""
    frame = pd.DataFrame(
        {
            "id": pd.array([1, 864691135771609595, None], dtype="Int64"),
            "pt_position_x": pd.array([1, None, 3], dtype="Int32"),
            "volume": pd.array([1.5, None, 3.25], dtype="Float32"),
            "total": pd.array([None, 0.1, 1e300], dtype="Float64"),
            "cell_type": pd.array(["23P", None, ""], dtype="string"),
            "valid": pd.array([True, False, None], dtype="boolean"),
            "created": pd.to_datetime(
                pd.Series(["2020-01-01T00:00:00.123456", None, "2024-02-29"]), format="ISO8601", utc=True
            ),
            "class": pd.Categorical(["a", None, "b"], categories=["b", "a"], ordered=True),
        }
    )
    frame.attrs = {"resolution_nm": [4.0, 4.0, 40.0], "truncated": {"shown": 3, "total": None}}
    return frame


def assert_same(actual: pd.DataFrame, expected: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(actual, expected, check_exact=True)
    assert actual.attrs == expected.attrs


class TestContent:
    def test_a_frame_comes_back_exactly_from_memory_and_from_the_store(self, where: str) -> None:
        first = Cache(where, MEMORY)
        assert_same(first.frame(("a", 1), example), example())
        assert_same(first.frame(("a", 1), never), example())
        assert_same(Cache(where, MEMORY).frame(("a", 1), never), example())

    def test_a_frame_without_rows_keeps_its_dtypes(self, where: str) -> None:
        Cache(where, MEMORY).frame(("a",), lambda: example().iloc[:0])
        assert_same(Cache(where, MEMORY).frame(("a",), never), example().iloc[:0])

    def test_the_index_of_a_loaded_frame_does_not_depend_on_where_it_comes_from(self, where: str) -> None:
        cold = Cache(where, MEMORY).frame(("a",), lambda: example().iloc[[2, 0]])
        warm = Cache(where, MEMORY).frame(("a",), never)
        assert_same(warm, cold)

    def test_values_come_back(self, where: str) -> None:
        value = {"ids": [864691135771609595], "text": "µm", "none": None, "deep": {"a": [1.5, True]}}
        assert Cache(where, MEMORY).value(("v",), lambda: value) == value
        assert Cache(where, MEMORY).value(("v",), never) == value

    def test_keys_that_look_alike_are_different(self, where: str) -> None:
        cache = Cache(where, MEMORY)
        keys: list[tuple[str | int, ...]] = [("a", 1), ("a", "1"), ("a1",), ("a", 1, ""), ("a,1",)]
        for number, key in enumerate(keys):
            cache.value(key, partial(int, number))
        assert [cache.value(key, never) for key in keys] == list(range(len(keys)))

    def test_namespaces_do_not_see_each_other(self, where: str) -> None:
        assert Cache(where, MEMORY, namespace="one server").value(("v",), lambda: 1) == 1
        assert Cache(where, MEMORY, namespace="another").value(("v",), lambda: 2) == 2

    def test_two_versions_give_two_answers(self, where: str) -> None:
        cache = Cache(where, MEMORY)
        one = cache.frame(("table", "ds", 1, "t"), lambda: example().iloc[:1])
        two = cache.frame(("table", "ds", 2, "t"), lambda: example().iloc[:2])
        assert (len(one), len(two)) == (1, 2)

    def test_changing_a_frame_changes_nobody_elses(self, where: str) -> None:
        cache = Cache(where, MEMORY)
        for frame in (cache.frame(("a",), example), cache.frame(("a",), never)):
            frame["new"] = 1
            frame.loc[0, "id"] = 7
            frame.attrs["truncated"]["shown"] = 0
            frame.sort_values("volume", inplace=True)
        assert_same(cache.frame(("a",), never), example())

    def test_changing_a_value_changes_nobody_elses(self) -> None:
        cache = Cache("", MEMORY)
        cache.value(("v",), lambda: {"a": [1]})["a"].append(2)
        assert cache.value(("v",), never) == {"a": [1]}

    @settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        ids=st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), max_size=20),
        text=st.lists(st.one_of(st.none(), st.text()), min_size=20, max_size=20),
    )
    def test_any_id_and_any_text_survive(self, ids: list[int | None], text: list[str | None]) -> None:
        usable = [None if part is None else part.encode("utf-8", "ignore").decode() for part in text[: len(ids)]]
        frame = pd.DataFrame({"id": pd.array(ids, dtype="Int64"), "text": pd.array(usable, dtype="string")})
        assert_same(decode_frame(encode_frame(frame)), frame)


def never() -> pd.DataFrame:
    raise AssertionError("this was loaded although it is in the cache")


class TestOnce:
    def test_twenty_threads_load_once(self, where: str) -> None:
        cache = Cache(where, MEMORY)
        loads = []

        def load() -> pd.DataFrame:
            loads.append(1)
            time.sleep(0.2)
            return example()

        barrier = threading.Barrier(20)

        def ask() -> pd.DataFrame:
            barrier.wait()
            return cache.frame(("a",), load)

        with ThreadPoolExecutor(20) as pool:
            frames = [future.result() for future in [pool.submit(ask) for _ in range(20)]]
        assert len(loads) == 1
        for frame in frames:
            assert_same(frame, example())

    def test_processes_load_once(self, where: str, tmp_path: Path) -> None:
        calls = tmp_path / "calls"
        calls.mkdir()
        context = multiprocessing.get_context("spawn")
        start = context.Barrier(3)
        workers = [context.Process(target=ask_from_a_process, args=(where, str(calls), start)) for _ in range(3)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(60)
        assert [worker.exitcode for worker in workers] == [0, 0, 0]
        assert len(list(calls.iterdir())) == 1

    def test_a_load_may_use_the_cache(self, where: str) -> None:
        cache = Cache(where, MEMORY)
        assert cache.value(("outer",), lambda: cache.value(("inner",), lambda: 1) + 1) == 2

    def test_who_does_not_wait_long_is_not_held_up_by_what_another_loads(self, where: str) -> None:
        """In this process and in another, which has only the store in common with it."""
        cache, loading, done = Cache(where, MEMORY), threading.Event(), threading.Event()

        def load() -> int:
            loading.set()
            assert done.wait(30)
            return 1

        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(cache.value, ("slow",), load)
            assert loading.wait(30)
            for asked in (cache, Cache(where, MEMORY)):
                with waiting_for_others(0.05), pytest.raises(StoppedError):
                    asked.value(("slow",), never)
            assert not first.done()
            done.set()
            assert first.result() == 1
        with waiting_for_others(0.0):
            assert cache.value(("slow",), never) == Cache(where, MEMORY).value(("slow",), never) == 1

    def test_who_does_not_wait_long_waits_for_what_his_own_threads_load(self, where: str) -> None:
        cache, asked = Cache(where, MEMORY), threading.Barrier(2)

        def load() -> int:
            time.sleep(0.3)
            return 1

        def ask() -> int:
            asked.wait(30)
            return int(cache.value(("shared",), load))

        with waiting_for_others(0.0):
            assert gather(ask, ask) == [1, 1]

    def test_different_keys_do_not_wait_for_each_other(self, where: str) -> None:
        cache = Cache(where, MEMORY)
        entered = threading.Barrier(2, timeout=5)

        def load() -> int:
            entered.wait()
            return 1

        with ThreadPoolExecutor(2) as pool:
            assert [*pool.map(lambda key: cache.value((key,), load), ["a", "b"])] == [1, 1]

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
    def test_a_process_that_dies_while_loading_blocks_nobody(self, tmp_path: Path) -> None:
        where = str(tmp_path / "cache")
        context = multiprocessing.get_context("spawn")
        loading = context.Event()
        worker = context.Process(target=load_for_ever, args=(where, loading))
        worker.start()
        assert loading.wait(30)
        worker.kill()
        worker.join(10)
        start = time.monotonic()
        assert Cache(where, MEMORY).value(("slow",), lambda: 1) == 1
        assert time.monotonic() - start < 5


def ask_from_a_process(where: str, calls: str, start: Barrier) -> None:
    cache = Cache(where, MEMORY)

    def load() -> pd.DataFrame:
        (Path(calls) / str(os.getpid())).touch()
        time.sleep(0.5)
        return example()

    start.wait(30)
    assert_same(cache.frame(("a",), load), example())


def load_for_ever(where: str, loading: Event) -> None:
    def load() -> int:
        loading.set()
        time.sleep(600)
        return 0

    Cache(where, MEMORY).value(("slow",), load)


class TestFailure:
    def test_a_failure_is_told_and_not_kept(self, where: str) -> None:
        cache = Cache(where, MEMORY)
        with pytest.raises(ZeroDivisionError):
            cache.value(("v",), lambda: 1 // 0)
        assert cache.value(("v",), lambda: 1) == 1

    def test_who_waits_for_a_failing_load_gets_its_error(self) -> None:
        cache = Cache("", MEMORY)
        loads = []
        barrier = threading.Barrier(10)

        def load() -> int:
            loads.append(1)
            time.sleep(0.5)
            raise ValueError("no")

        def ask() -> str:
            barrier.wait()
            try:
                return str(cache.value(("v",), load))
            except ValueError as error:
                return str(error)

        with ThreadPoolExecutor(10) as pool:
            assert [future.result() for future in [pool.submit(ask) for _ in range(10)]] == ["no"] * 10
        assert len(loads) == 1

    def test_damaged_entries_are_loaded_again(self, tmp_path: Path) -> None:
        where = tmp_path / "cache"
        for damage in (cut_in_half, flip_a_bit, make_empty, write_rubbish):
            Cache(str(where), MEMORY).frame(("a",), example)
            for path in (where / "entries").iterdir():
                damage(path)
            assert_same(Cache(str(where), MEMORY).frame(("a",), example), example())
            assert_same(Cache(str(where), MEMORY).frame(("a",), never), example())

    def test_entries_are_not_pickles(self, tmp_path: Path) -> None:
        Cache(str(tmp_path), MEMORY).frame(("a",), example)
        for path in (tmp_path / "entries").iterdir():
            assert b"pandas.core" not in path.read_bytes()
            assert not path.read_bytes()[4:].startswith(b"\x80")

    def test_the_folder_is_private(self, tmp_path: Path) -> None:
        where = tmp_path / "cache"
        Cache(str(where), MEMORY).frame(("a",), example)
        assert where.stat().st_mode & 0o077 == 0
        assert all(path.stat().st_mode & 0o077 == 0 for path in (where / "entries").iterdir())

    @pytest.mark.parametrize("place", ["/proc/karst", "/dev/full/karst", "redis://127.0.0.1:1/0"])
    def test_without_a_second_level_all_works_with_a_warning(
        self, place: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        cache = Cache(place, MEMORY)
        assert_same(cache.frame(("a",), example), example())
        assert_same(cache.frame(("a",), never), example())
        assert "shared cache does not work" in caplog.text
        assert "shared cache does not work" in cache.problem()

    def test_a_full_disk_costs_only_the_sharing(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        cache = Cache(str(tmp_path), MEMORY)
        assert cache.problem() == ""
        shutil.rmtree(tmp_path / "entries")
        (tmp_path / "entries").touch()  # nothing can be written there
        assert_same(cache.frame(("a",), example), example())
        assert_same(cache.frame(("a",), never), example())
        assert "shared cache does not work" in caplog.text
        assert "shared cache does not work" in cache.problem()

    def test_the_folder_may_be_deleted_at_any_time(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        where = tmp_path / "cache"
        cache = Cache(str(where), MEMORY)
        cache.value(("old",), lambda: 1)
        shutil.rmtree(where)
        assert cache.value(("new",), lambda: 2) == 2
        assert Cache(str(where), MEMORY).value(("new",), never) == 2
        assert cache.problem() == ""
        assert caplog.text == ""
        assert where.stat().st_mode & 0o077 == 0

    def test_a_folder_that_is_deleted_while_threads_write_goes_on_sharing(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        where = tmp_path / "cache"
        cache = Cache(str(where), 0)

        def write(first: int) -> None:
            for number in range(first, first + 200):
                if number % 10 == 0:
                    shutil.rmtree(where, ignore_errors=True)
                assert cache.value((number,), partial(int, number)) == number

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(write, range(0, 800, 200)))
        assert "shared cache does not work" not in caplog.text
        assert cache.value(("last",), lambda: 1) == 1
        assert Cache(str(where), MEMORY).value(("last",), never) == 1

    def test_a_folder_that_is_deleted_again_and_again_costs_only_the_sharing(self, tmp_path: Path) -> None:
        where = tmp_path / "cache"
        caches = [Cache(str(where), 0) for _ in range(2)]
        over = threading.Event()

        def delete() -> None:
            while not over.is_set():
                shutil.rmtree(where, ignore_errors=True)

        def ask(cache: Cache) -> list[int]:
            return [cache.value((number % 7,), partial(int, number % 7)) for number in range(300)]

        with ThreadPoolExecutor(3) as pool:
            deleting = pool.submit(delete)
            answers = list(pool.map(ask, caches))
            over.set()
            deleting.result()
        assert answers == [[number % 7 for number in range(300)]] * 2


def cut_in_half(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def make_empty(path: Path) -> None:
    path.write_bytes(b"")


def write_rubbish(path: Path) -> None:
    path.write_bytes(b"\0\0\0\0bno entry at all")
