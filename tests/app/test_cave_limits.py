"""What CAVE cuts off, through the real caveclient against a localcave that sends three rows at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from localcave.folder.writer import table_path
from services.cave.client import Cave
from services.cave.queries import Filters
from services.cave.release import Release
from services.cells import compartments, connectivity, partner_table, synapse_weights
from services.cells.partner_table import PartnerOptions
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
        frame = Release.of(limited, DS, V).synapses(tiny.A, Direction.IN)
        assert len(frame) == 3
        assert frame.attrs["truncated"] == {"shown": 3, "total": 5}

    def test_whole_synapses_are_whole(self, limited: Cave) -> None:
        frame = Release.of(limited, DS, V).synapses(tiny.A, Direction.IN, whole=True)
        assert sorted(frame["id"]) == [1001, 1002, 1003, 1004, 1005]
        assert frame.attrs["truncated"] is None

    def test_a_result_that_just_fits_is_not_called_cut(self, limited: Cave) -> None:
        frame = Release.of(limited, DS, V).query("types", Filters(equal={"cell_type": "23P"}))
        assert len(frame) == 3
        assert frame.attrs["truncated"] is None

    def test_a_limit_above_cave_s_own_is_told(self, limited: Cave) -> None:
        assert Release.of(limited, DS, V).query("nuclei", limit=5).attrs["truncated"] == {"shown": 3, "total": 7}
        assert Release.of(limited, DS, V).query("nuclei", limit=2).attrs["truncated"] is None

    def test_tables_come_whole_all_the_same(self, limited: Cave) -> None:
        assert sorted(Release.of(limited, DS, V).table("nuclei")["id"]) == [1, 2, 3, 4, 5, 6, 7]
        assert sorted(Release.of(limited, DS, V).table("types")["id"]) == [11, 12, 13, 14, 15, 16]


def test_a_truncated_query_says_both_numbers_and_the_whole_one_has_all(small_cortex: Path) -> None:
    with start_localcave([small_cortex], "--row-limit", "200") as url:
        cave = Cave(Settings(server_address=url, cache=""))
        version = cave.versions(CORTEX)[0].number
        first = Release.of(cave, CORTEX, version).query("proofreading_status_and_strategy", limit=1)
        root = int(first["pt_root_id"].iloc[0])
        cut = connectivity.read(Release.of(cave, CORTEX, version), root)
        whole = connectivity.read(Release.of(cave, CORTEX, version), root, whole=True)
        total = len(connectivity.synapses(cave, whole, Direction.IN))
        assert cut.truncated["in"] == {"shown": 200, "total": total}
        assert any("200 of" in warning and f"{total:,}" in warning for warning in cut.warnings)
        assert whole.truncated == {"in": None, "out": None} and not whole.warnings
        assert sum(whole.totals["in"][name] for name in ("num_syn", "autapses", "root_zero")) == total
        assert synapse_weights.cell_total(cut, Direction.IN) == total  # shares are of all, not of those sent
        assert len(connectivity.synapses(cave, cut, Direction.IN)) == 200
        source = pd.read_parquet(table_path(small_cortex, version, "synapse_target_predictions_ssa"))
        own = connectivity.synapses(cave, whole, Direction.IN)["id"]
        tags = compartments.predictions(cave, whole, Direction.IN)
        expected = source[source["target_id"].isin(own)].set_index("target_id")["tag"].dropna()
        assert len(expected) > 200 and tags.set_index("id")["tag"].to_dict() == expected.to_dict()
        degrees = synapse_weights.partner_degrees(cave, whole)
        roots = {*whole.inputs["root_id"], *whole.outputs["root_id"]}
        assert len(roots) > 200 and degrees is not None and {*degrees.index} == roots
        options = PartnerOptions("in", more=("compartment",))
        of_types = partner_table.open_partners(cave, whole, options).frame["not_predicted"].sum()
        every = connectivity.synapses(cave, whole, Direction.IN)
        partners = every[~every["pre_pt_root_id"].isin([0, whole.cell.root_id])]
        assert of_types == (~partners["id"].isin(expected.index)).sum()


def test_neuropils_are_of_all_synapses_however_little_cave_sends(siblings: dict[str, Path]) -> None:
    folder = siblings["karst_fly"]
    synapses, places = (
        pd.read_parquet(table_path(folder, 783, t)) for t in ("synapses_nt_v1", "fly_synapses_neuropil")
    )
    cell = int(synapses.loc[synapses["post_pt_root_id"] != 0, "post_pt_root_id"].value_counts().index[0])
    own = synapses[(synapses["post_pt_root_id"] == cell) & ~synapses["pre_pt_root_id"].isin([0, cell])]
    names = own["id"].map(places.set_index("target_id")["neuropil"]).fillna("none")
    expected = names.groupby(own["pre_pt_root_id"]).value_counts()
    most = names.ne("none").sum() // 5
    with start_localcave([folder], "--row-limit", str(most)) as url:
        cave = Cave(Settings(server_address=url, cache=""))
        whole = connectivity.read(Release.of(cave, "karst_fly", 783), int(cell), whole=True, only="all")
        frame = partner_table.open_partners(cave, whole, PartnerOptions("in", more=("neuropils",))).frame
    for root, words in zip(frame["root_id"], frame["neuropils"], strict=True):
        parts = dict(part.rsplit(" ", 1) for part in words.split(", "))
        assert {name: int(count) for name, count in parts.items()} == expected[root].to_dict()
