"""Reading the synapses of populations: in pieces, none of them twice, and equal to pandas on other cortices."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from caveclient import CAVEclient

from localcave.cortex import make
from services.cave.client import Cave
from services.cave.release import Release
from services.core.pages import StoppedError
from services.core.settings import Settings
from services.populations import groupings, matrices, population, sets, synapse_reading
from services.populations.edges import Ids
from tests import six_cells
from tests.faults.proxy import proxied
from tests.servers import start_localcave
from tests.six_cells import CELLS, SYNAPSES, VERSION

SIX = six_cells.DATASTACK
DEMO = "karst_demo"
NUCLEI = "nucleus_detection_v0"
PROOFREAD = "proofreading_status_and_strategy"


def truth(pre: Ids, post: Ids) -> pd.DataFrame:
    frame = pd.DataFrame(SYNAPSES, columns=["pre", "post", "size"])
    return frame[frame["pre"].isin(pre) & frame["post"].isin(post)]


def test_what_was_read_is_not_asked_again(six: Cave) -> None:
    every = np.sort(np.array(CELLS, dtype=np.int64))

    def cost(pre: Ids, post: Ids) -> int:
        before = six.counts["requests"]
        result = synapse_reading.read(Release.of(six, SIX, VERSION), pre, post)
        assert len(result) == len(truth(pre, post)) and result["id"].is_unique
        return six.counts["requests"] - before

    cost(every[:2], every[:3])
    assert cost(every[:2], every[1:3]) == 0  # a part
    assert cost(every[:3], every[:3]) == 1  # one cell more
    assert cost(every, every) == 2  # the rest of the rows, and the rows of the rest
    assert cost(every[1:5], every[2:]) == 0
    assert synapse_reading.plan(Release.of(six, SIX, VERSION), every, every).num_requests == 0


def test_rectangles_that_are_left() -> None:
    """Against every pair by itself, for random sets."""
    rng = np.random.default_rng(5)
    ids = np.arange(1, 41, dtype=np.int64)
    for _ in range(50):
        known = [
            synapse_reading.Rectangle(
                *(None if rng.random() < 0.1 else np.flatnonzero(rng.random(40) < 0.4) + 1 for _ in "ab")
            )
            for _ in range(rng.integers(0, 5))
        ]
        pre, post = (ids[rng.random(40) < 0.6] for _ in "ab")
        used, rest = synapse_reading.uncovered(known, pre, post)
        for one in pre.tolist():
            for other in post.tolist():
                held = any((r.pre is None or one in r.pre) and (r.post is None or other in r.post) for r in used)
                requested = sum(one in a and other in b for a, b in rest)
                assert held + requested == 1 or (held and not requested), (one, other)
                assert held == any(
                    (r.pre is None or one in r.pre) and (r.post is None or other in r.post) for r in known
                )


def test_few_pieces_have_more_synapses_than_an_answer() -> None:
    """Cells of very unequal numbers of synapses, as those of a table of which few have a proofread axon."""
    numbers = np.random.default_rng(3).lognormal(0, 1.27, 6_000) * 6  # varies by twice its mean
    for limit in (500, 5_000, 200_000):
        number = synapse_reading.num_pieces(numbers.sum(), len(numbers), limit)
        sums = [numbers[start::number].sum() for start in range(number)]
        assert np.mean(np.array(sums) > limit) < 0.15 and number <= np.ceil(2 * numbers.sum() / limit)
    assert synapse_reading.num_pieces(0, 5, 500) == 1


@pytest.mark.parametrize(("limit", "ids_at_once"), [(400, 200), (400, 5_000), (200_000, 60)])
def test_the_number_of_requests_that_is_said(
    small_cortex: Path, localcave_url: str, monkeypatch: pytest.MonkeyPatch, limit: int, ids_at_once: int
) -> None:
    """Sets that are large and small, at either end, beside what a proxy counts before the server."""
    monkeypatch.setattr(synapse_reading, "IDS_AT_ONCE", ids_at_once)
    known = Cave(Settings(server_address=localcave_url, cache=""))
    version = known.newest(DEMO).number
    release = Release.of(known, DEMO, version)
    every, proofread = sets.resolve(release, f"{NUCLEI}:").ids[::3], sets.resolve(release, f"{PROOFREAD}:").ids
    with start_localcave([small_cortex], "--row-limit", str(limit)) as url, proxied(url) as proxy:
        for pre, post in ((proofread, proofread), (proofread[:3], every), (every, proofread[:3]), (every, every)):
            release = Release.of(Cave(Settings(server_address=proxy.url, cache="")), DEMO, version)
            release.query(NUCLEI)  # by which the limit is known
            planned = synapse_reading.plan(release, pre, post)
            with proxy.counting() as requests:
                result = synapse_reading.read(release, pre, post)
            assert len(requests) / 1.5 <= planned.num_requests <= 1.5 * max(len(requests), len(result) / limit)
            ends = {(one.pre is None, one.post is None) for one in planned.missing}
            if ends != {(False, False)}:  # by one end, which takes no more than the ids of both
                least = np.ceil(len(pre) / ids_at_once) * np.ceil(len(post) / ids_at_once)
                assert len(ends) == 1 and len(requests) <= 1.5 * least


def test_nothing_is_cut_by_a_small_row_limit(
    small_cortex: Path, localcave_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All synapses among the proofread cells, and all outputs of three, through a server that sends 50 rows at once."""
    client = CAVEclient(DEMO, server_address=localcave_url, auth_token="none", write_server_cache=False)
    version = max(client.materialize.get_versions())
    client.version = version
    proofread = client.materialize.query_table(PROOFREAD)
    ids = np.unique(proofread["pt_root_id"]).astype(np.int64)
    raw = client.materialize.query_table(
        "synapses_pni_2", filter_in_dict={"pre_pt_root_id": ids.tolist(), "post_pt_root_id": ids.tolist()}
    )
    assert len(raw) > 500
    monkeypatch.setattr(synapse_reading, "FILL", 0.1)
    monkeypatch.setattr(synapse_reading, "MOST_NOTES", 8)
    with start_localcave([small_cortex], "--row-limit", "50") as url:
        cut = Cave(Settings(server_address=url, cache=""))
        release = Release.of(cut, DEMO, version)
        release.table(PROOFREAD)  # by which the limit is known
        assert synapse_reading.plan(release, ids, ids).num_requests > 1
        assert len(ids) > 4 * synapse_reading.MOST_NOTES
        seen: list[synapse_reading.Progress] = []

        def stop(progress: synapse_reading.Progress) -> None:
            seen.append(progress)
            if progress.done > 2 * synapse_reading.MOST_NOTES:
                raise InterruptedError

        with pytest.raises(InterruptedError):
            synapse_reading.read(release, ids, ids, report=stop)
        left = {int(root) for one in synapse_reading.plan(release, ids, ids).missing for root in one.post}
        assert len(left) < len(ids) - 2 * synapse_reading.MOST_NOTES  # a piece was of one cell, or of two
        result = synapse_reading.read(release, ids, ids, report=seen.append)
        assert synapse_reading.plan(release, ids, ids).num_requests == 0
        assert synapse_reading.read(release, ids, ids).equals(result)
    assert sorted(result["id"]) == sorted(raw["id"])
    assert seen[0].done == 0 and seen[-1].done == seen[-1].total and seen[-1].rows == len(raw)


def test_a_chunk_of_many_answers_tells_of_each_and_ends_between_them(
    small_cortex: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another who waits for the same chunk meanwhile is not ended with it."""
    monkeypatch.setattr(synapse_reading, "SPARSER", 9)  # as if few rows were expected: the limit is not known yet
    with start_localcave([small_cortex], "--row-limit", "100") as url:
        cave = Cave(Settings(server_address=url, cache=""))
        release = Release.of(cave, DEMO, cave.newest(DEMO).number)
        ids = sets.resolve(release, f"{PROOFREAD}:").ids
        others: list[pd.DataFrame] = []
        other = threading.Thread(target=lambda: others.append(synapse_reading.read(release, ids, ids)))
        seen: list[synapse_reading.Progress] = []

        def stop(progress: synapse_reading.Progress) -> None:
            seen.append(progress)
            if len(seen) == 2:
                other.start()
            if progress.rows > 300:
                raise StoppedError

        with pytest.raises(StoppedError):
            synapse_reading.read(release, ids, ids, report=stop)
        other.join(60)
    assert len(seen) > 5 and {one.done for one in seen} == {0} and {one.total for one in seen} == {1}
    assert seen[-1].rows > seen[2].rows and len(others) == 1 and len(others[0]) > seen[-1].rows


def test_very_many_cells_through_a_server_of_few_rows(six_folder: Path) -> None:
    rng = np.random.default_rng(1)
    ids = np.union1d(rng.integers(864691130000000000, 864691135999999999, 100_000), np.array(CELLS))
    with start_localcave([six_folder], "--row-limit", "500") as url:
        cave = Cave(Settings(server_address=url, cache=""))
        result = synapse_reading.read(Release.of(cave, SIX, VERSION), ids, ids)
    assert len(result) == len(truth(ids, ids)) == 14


@pytest.mark.parametrize("seed", [2, 3])
def test_other_cortices_against_pandas(seed: int, tmp_path: Path) -> None:
    """Edges and the matrix of types, of demo cortices that grew from other seeds."""
    folder = tmp_path / DEMO
    make(folder, size="small", seed=seed)
    with start_localcave([folder]) as url:
        client = CAVEclient(DEMO, server_address=url, auth_token="none", write_server_cache=False)
        client.version = max(client.materialize.get_versions())
        release = Release.of(Cave(Settings(server_address=url, cache="")), DEMO, client.version)
        result = population.read(population.choose(release, f"{PROOFREAD}:", proofread="off"))
        types = "aibs_metamodel_celltypes_v661"
        groups = [groupings.group(release, one, f"{types}.cell_type") for one in (result.pair.pre, result.pair.post)]
        ids = sorted(set(client.materialize.query_table(PROOFREAD)["pt_root_id"]) - {0})
        raw = client.materialize.query_table(
            "synapses_pni_2", filter_in_dict={"pre_pt_root_id": ids, "post_pt_root_id": ids}
        )
        typed = client.materialize.query_table(types).drop_duplicates("pt_root_id", keep=False)
    raw = raw[raw["pre_pt_root_id"] != raw["post_pt_root_id"]]
    names = typed.set_index("pt_root_id")["cell_type"]
    expected = pd.crosstab(raw["pre_pt_root_id"].map(names), raw["post_pt_root_id"].map(names))
    table = matrices.matrix(result.edges, *groups, "synapses").frame().dropna(subset=["pre", "post"])
    table = table.pivot(index="pre", columns="post", values="value")
    for row in expected.index:
        assert table.loc[row, expected.columns].astype(int).tolist() == expected.loc[row].tolist(), row
    assert result.edges.num_syn.sum() == len(raw) > 500


def test_a_failed_chunk_keeps_the_others(six: Cave) -> None:
    every = np.sort(np.array(CELLS, dtype=np.int64))

    class StopError(Exception):
        pass

    def stop(progress: synapse_reading.Progress) -> None:
        if progress.done:
            raise StopError

    with pytest.raises(StopError):
        synapse_reading.read(Release.of(six, SIX, VERSION), every, every, report=stop)
    assert synapse_reading.plan(Release.of(six, SIX, VERSION), every, every).num_requests == 0


def test_another_process_pays_nothing(six_url: str, tmp_path: Path) -> None:
    first, second = (Cave(Settings(server_address=six_url, cache=str(tmp_path / "cache"))) for _ in "ab")
    every = np.sort(np.array(CELLS, dtype=np.int64))
    synapse_reading.read(Release.of(first, SIX, VERSION), every, every)
    assert synapse_reading.plan(Release.of(second, SIX, VERSION), every[:4], every).num_requests == 0
    before = second.counts["rows"]
    assert len(synapse_reading.read(Release.of(second, SIX, VERSION), every[:4], every)) == len(truth(every[:4], every))
    assert second.counts["rows"] == before


# ---- the demo cortex
