"""What CAVE cuts off, through the real caveclient against a localcave that sends three rows at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.cave.client import Cave
from services.cave.queries import Filters
from services.cells import connectivity, synapse_weights
from services.core.directions import Direction
from services.core.settings import Settings
from tests import tiny
from tests.servers import start_localcave

DS, V = tiny.DATASTACK, tiny.NEWEST
CORTEX = "karst_demo"


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cave]:
    """A CAVE that sends three rows at once."""
    folder = tiny.make(tmp_path_factory.mktemp("limited") / DS)
    with start_localcave([folder], "--row-limit", "3") as url:
        yield Cave(Settings(server_address=url, cache=""))


class TestLimits:
    """What CAVE cuts off is told with both numbers, or asked for in pieces."""

    def test_cut_synapses_say_so(self, limited: Cave) -> None:
        frame = limited.release(DS, V).synapses(tiny.A, Direction.IN)
        assert len(frame) == 3
        assert frame.attrs["truncated"] == {"shown": 3, "total": 5}

    def test_whole_synapses_are_whole(self, limited: Cave) -> None:
        frame = limited.release(DS, V).synapses(tiny.A, Direction.IN, whole=True)
        assert sorted(frame["id"]) == [1001, 1002, 1003, 1004, 1005]
        assert frame.attrs["truncated"] is None

    def test_a_result_that_just_fits_is_not_called_cut(self, limited: Cave) -> None:
        frame = limited.release(DS, V).query("types", Filters(equal={"cell_type": "23P"}))
        assert len(frame) == 3
        assert frame.attrs["truncated"] is None

    def test_a_limit_above_cave_s_own_is_told(self, limited: Cave) -> None:
        assert limited.release(DS, V).query("nuclei", limit=5).attrs["truncated"] == {"shown": 3, "total": 7}
        assert limited.release(DS, V).query("nuclei", limit=2).attrs["truncated"] is None

    def test_tables_come_whole_all_the_same(self, limited: Cave) -> None:
        assert sorted(limited.release(DS, V).table("nuclei")["id"]) == [1, 2, 3, 4, 5, 6, 7]
        assert sorted(limited.release(DS, V).table("types")["id"]) == [11, 12, 13, 14, 15, 16]


def test_a_truncated_query_says_both_numbers_and_the_whole_one_has_all(small_cortex: Path) -> None:
    with start_localcave([small_cortex], "--row-limit", "300") as url:
        cave = Cave(Settings(server_address=url, cache=""))
        version = cave.versions(CORTEX)[0].number
        root = str(
            int(cave.release(CORTEX, version).query("proofreading_status_and_strategy", limit=1)["pt_root_id"].iloc[0])
        )
        cut = connectivity.read(cave.release(CORTEX, version), root)
        whole = connectivity.read(cave.release(CORTEX, version), root, whole=True)
        total = len(connectivity.synapses(cave, whole, Direction.IN))
        assert cut.truncated["in"] == {"shown": 300, "total": total}
        assert any("300 of" in warning and f"{total:,}" in warning for warning in cut.warnings)
        assert whole.truncated == {"in": None, "out": None} and not whole.warnings
        assert sum(whole.totals["in"][name] for name in ("num_syn", "autapses", "root_zero")) == total
        assert synapse_weights.cell_total(cut, Direction.IN) == total  # shares are of all, not of those sent
        assert len(connectivity.synapses(cave, cut, Direction.IN)) == 300
