"""The door to CAVE, through the real caveclient against a real localcave."""

from __future__ import annotations

import webbrowser
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from caveclient import CAVEclient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.cave import versions
from services.cave.client import Cave
from services.cave.queries import Filters
from services.cave.release import Release
from services.core.directions import Direction
from services.core.errors import BadInput, Expired, NotAllowed, NotFound, TooLarge
from services.core.parallel import gather
from services.core.settings import Settings
from tests import tiny
from tests.faults.proxy import Proxy, proxied, status
from tests.servers import start_localcave

DS, V = tiny.DATASTACK, tiny.NEWEST


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with start_localcave([tiny.make(tmp_path_factory.mktemp("tiny") / DS)]) as url:
        yield url


@pytest.fixture(scope="module")
def proxy(server: str) -> Iterator[Proxy]:
    with proxied(server) as proxy:
        yield proxy


@pytest.fixture
def options(proxy: Proxy, tmp_path: Path) -> Settings:
    return Settings(server_address=proxy.url, cache=str(tmp_path / "cache"), timeout_s=20)


@pytest.fixture
def cave(options: Settings) -> Cave:
    return Cave(options)


class TestMetadata:
    def test_datastacks_and_info(self, cave: Cave) -> None:
        assert cave.datastacks() == [DS]
        info = cave.info(DS)
        assert (info["synapse_table"], info["soma_table"]) == ("synapses", "nuclei")
        assert info["viewer_resolution"] == [4.0, 4.0, 40.0]
        assert info["image_source"] == "precomputed://x"

    def test_profile_and_volume_are_those_of_the_aligned_volume(self, cave: Cave) -> None:
        assert cave.volume(DS).transform == "minnie65"
        assert cave.profile(DS).palette["BC"] == "#d68c66"

    def test_versions_are_sorted_and_say_what_expired(self, cave: Cave) -> None:
        result = cave.versions(DS)
        assert [(version.number, version.valid) for version in result] == [(3, True), (2, True), (1, False)]
        assert result[0].timestamp.isoformat() == "2025-01-02T03:04:05.000006+00:00"
        assert all(version.timestamp.utcoffset() is not None for version in result)

    def test_tables_and_views_of_a_version(self, cave: Cave) -> None:
        tables = Release.of(cave, DS, V).tables()
        assert {name: info.kind for name, info in tables.items()} == {
            "nuclei": "table", "types": "table", "synapses": "table", "empty": "table", "totals": "view",
        }  # fmt: skip
        assert tables["types"].reference_table == "nuclei"
        assert tables["types"].schema_type == "cell_type_reference"
        assert tables["nuclei"].voxel_resolution_nm == (4.0, 4.0, 40.0)
        assert "empty" not in Release.of(cave, DS, tiny.FIRST).tables()

    def test_row_counts(self, cave: Cave) -> None:
        assert Release.of(cave, DS, V).row_counts() == {"nuclei": 7, "types": 6, "synapses": 6, "empty": 0}
        assert Release.of(cave, DS, tiny.FIRST).row_counts()["types"] == 5
        assert Release.of(cave, DS, V).row_count("totals") == 2


class TestTable:
    def test_a_reference_table_is_merged_with_its_target(self, cave: Cave) -> None:
        frame = Release.of(cave, DS, V).table("types").sort_values("id", ignore_index=True)
        assert frame["id"].tolist() == [11, 12, 13, 14, 15, 16]
        assert frame["id_ref"].tolist() == frame["target_id"].tolist() == [1, 2, 3, 4, 5, 7]
        assert frame["pt_root_id"].tolist() == [tiny.A, tiny.B, tiny.C, tiny.TWO_SOMATA, tiny.TWO_SOMATA, tiny.FRAGMENT]
        assert frame["pt_position_y"].tolist() == [2000, 4000, 6000, 8000, 10000, 14000]
        assert frame["volume"].isna().tolist() == [False, False, True, False, False, False]
        assert frame.attrs == {"resolution_nm": [4.0, 4.0, 40.0], "truncated": None}

    def test_ids_are_nullable_integers_and_boxes_are_left_out(self, cave: Cave) -> None:
        frame = Release.of(cave, DS, V).table("nuclei")
        assert {str(frame[name].dtype) for name in ("id", "pt_root_id", "pt_supervoxel_id")} == {"Int64"}
        assert not [name for name in frame.columns if name.startswith("bb_")]

    def test_a_version_has_its_own_rows(self, cave: Cave) -> None:
        first, newest = (Release.of(cave, DS, version).table("nuclei").set_index("id") for version in (tiny.FIRST, V))
        assert (first.loc[1, "pt_root_id"], newest.loc[1, "pt_root_id"]) == (tiny.OLD, tiny.A)

    def test_a_table_without_rows_has_its_columns(self, cave: Cave) -> None:
        frame = Release.of(cave, DS, V).table("empty")
        assert len(frame) == 0
        assert dict(frame.dtypes) == dict(Release.of(cave, DS, V).table("types").dtypes)

    def test_a_view(self, cave: Cave) -> None:
        assert Release.of(cave, DS, V).table("totals").set_index("root_id")["n_input"].to_dict() == {
            tiny.A: 5,
            tiny.B: 1,
        }

    def test_equals_what_caveclient_gives(self, cave: Cave, server: str) -> None:
        client = CAVEclient(DS, server_address=server, auth_token="x", write_server_cache=False)
        for name in ("nuclei", "types", "synapses"):
            expected = client.materialize.query_table(name, materialization_version=V, split_positions=True)
            result = Release.of(cave, DS, V).table(name)
            shared = [column for column in expected.columns if not column.startswith("bb_")]
            pd.testing.assert_frame_equal(
                result.sort_values("id", ignore_index=True)[shared],
                expected.sort_values("id", ignore_index=True)[shared],
            )

    def test_a_table_beyond_the_limit_is_too_large_with_both_numbers(self, options: Settings) -> None:
        small = Cave(Settings(server_address=options.server_address, cache="", max_table_rows=5))
        with pytest.raises(TooLarge, match=r"6 rows.* 5 "):
            Release.of(small, DS, V).table("types")


class TestQuery:
    def test_filters_of_both_sides_of_a_reference(self, cave: Cave) -> None:
        frame = Release.of(cave, DS, V).query("types", Filters(equal={"cell_type": "23P"}, less={"volume": 150}))
        assert sorted(frame["id"]) == [11, 14]
        frame = Release.of(cave, DS, V).query(
            "types", Filters(isin={"pt_root_id": [tiny.A, tiny.C]}, regex={"cell_type": "^B"})
        )
        assert frame["id"].tolist() == [13]

    def test_a_box_in_voxels(self, cave: Cave) -> None:
        box = [[1500, 0, 0], [3500, 10**6, 10**6]]
        assert sorted(Release.of(cave, DS, V).query("nuclei", Filters(box={"pt_position": box}))["id"]) == [2, 3]

    def test_numbers_of_numpy_and_pandas_are_understood(self, cave: Cave) -> None:
        roots = pd.array([tiny.A, tiny.B], dtype="Int64")
        assert len(Release.of(cave, DS, V).query("nuclei", Filters(isin={"pt_root_id": roots}))) == 2
        assert len(Release.of(cave, DS, V).query("nuclei", Filters(equal={"pt_root_id": np.int64(tiny.C)}))) == 1

    def test_selected_columns_of_each_kind_of_source(self, cave: Cave) -> None:
        assert {"id", "volume"} <= set(Release.of(cave, DS, V).query("nuclei", select_columns=["volume"]).columns)
        frame = Release.of(cave, DS, V).query("types", select_columns=["cell_type", "pt_position"])
        assert {"id", "cell_type", "pt_position_x", "pt_position_z"} <= set(frame.columns)
        assert "volume" not in frame.columns
        assert "n_input" in Release.of(cave, DS, V).query("totals", select_columns=["n_input"]).columns

    def test_pages_cover_everything_once(self, cave: Cave) -> None:
        pages = [Release.of(cave, DS, V).query("nuclei", limit=3, offset=offset) for offset in (0, 3, 6)]
        assert [len(page) for page in pages] == [3, 3, 1]
        assert sorted(pd.concat(pages)["id"]) == [1, 2, 3, 4, 5, 6, 7]
        assert all(page.attrs["truncated"] is None for page in pages)

    def test_counts(self, cave: Cave) -> None:
        assert Release.of(cave, DS, V).count("nuclei", Filters(greater={"volume": 55})) == 3
        assert Release.of(cave, DS, V).count("types", Filters(equal={"cell_type": "23P"})) == 3
        assert Release.of(cave, DS, V).count("types", Filters(greater={"volume": 55})) is None

    def test_positions_in_other_units(self, cave: Cave) -> None:
        frame = Release.of(cave, DS, V).query("nuclei", Filters(equal={"id": 2}), desired_resolution=[1, 1, 1])
        assert frame[["pt_position_x", "pt_position_y", "pt_position_z"]].iloc[0].tolist() == [8000, 16000, 8000]
        assert frame.attrs["resolution_nm"] == [1.0, 1.0, 1.0]

    @pytest.mark.parametrize("table", ["nuclei", "types"])
    def test_an_unknown_column_is_bad_input(self, cave: Cave, table: str) -> None:
        with pytest.raises(BadInput, match="no column nope"):
            Release.of(cave, DS, V).query(table, Filters(equal={"nope": 1}))
        with pytest.raises(BadInput):
            Release.of(cave, DS, V).query(table, Filters(equal={"id": "no number"}))

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        chosen=st.lists(st.sampled_from([tiny.A, tiny.B, tiny.C, 0, 1, 2**63 - 1]), max_size=5),
        least=st.floats(0, 1000),
    )
    def test_any_filter_equals_the_same_filter_in_pandas(self, cave: Cave, chosen: list[int], least: float) -> None:
        every = Release.of(cave, DS, V).table("synapses")
        result = Release.of(cave, DS, V).query(
            "synapses", Filters(isin={"post_pt_root_id": chosen}, greater_equal={"size": least})
        )
        expected = every[every["post_pt_root_id"].isin(chosen) & (every["size"] >= np.float32(least))]
        assert sorted(result["id"]) == sorted(expected["id"])


class TestCells:
    def test_synapses_keep_autapses_and_zeros_and_are_in_nm(self, cave: Cave) -> None:
        frame = Release.of(cave, DS, V).synapses(tiny.A, Direction.IN).sort_values("id", ignore_index=True)
        assert frame.columns.tolist() == [
            "id", "pre_pt_root_id", "post_pt_root_id", "size",
            "ctr_pt_position_x_nm", "ctr_pt_position_y_nm", "ctr_pt_position_z_nm",
        ]  # fmt: skip
        assert frame["pre_pt_root_id"].tolist() == [tiny.B, tiny.B, tiny.C, tiny.A, 0]
        assert frame["ctr_pt_position_z_nm"].tolist() == [400, 440, 480, 520, 560]
        assert frame.attrs["truncated"] is None
        assert sorted(Release.of(cave, DS, V).synapses(tiny.A, Direction.OUT)["id"]) == [1004, 1006]

    def test_a_cell_without_synapses(self, cave: Cave) -> None:
        assert len(Release.of(cave, DS, V).synapses(tiny.FRAGMENT, Direction.IN)) == 0

    def test_roots_are_judged_at_the_time_of_the_version(self, cave: Cave) -> None:
        assert Release.of(cave, DS, V).latest_roots([tiny.A, tiny.OLD, tiny.B]) == [True, False, True]
        assert Release.of(cave, DS, tiny.FIRST).latest_roots([tiny.A, tiny.OLD]) == [False, True]
        assert Release.of(cave, DS, V).latest_roots([]) == []

    def test_a_stale_root_is_repaired_with_its_share(self, cave: Cave) -> None:
        assert Release.of(cave, DS, V).suggest_roots(tiny.OLD) == [(tiny.A, 1.0)]
        root, share = Release.of(cave, DS, tiny.FIRST).suggest_roots(tiny.A)[0]
        assert root == tiny.OLD
        assert share == pytest.approx(2 / 3)

    def test_a_supervoxel_has_a_root_at_every_version(self, cave: Cave) -> None:
        supervoxel = next(iter(tiny.SUPERVOXELS))
        assert [Release.of(cave, DS, version).root_of_supervoxel(supervoxel) for version in (tiny.FIRST, V)] == [
            tiny.OLD,
            tiny.A,
        ]

    def test_ids_that_never_were_are_told_by_name(self, cave: Cave) -> None:
        with pytest.raises(NotFound, match="no root id 12345"):
            Release.of(cave, DS, V).suggest_roots(12345)
        with pytest.raises(NotFound, match="no supervoxel 12345"):
            Release.of(cave, DS, V).root_of_supervoxel(12345)

    def test_states_go_up_and_come_down(self, cave: Cave, proxy: Proxy) -> None:
        state = {"layers": [{"segments": [str(tiny.A)]}]}
        with proxy.counting() as requests:
            number = cave.upload_state(DS, state)
            assert cave.upload_state(DS, state) == number
        assert requests.count("POST /nglstate/api/v1/post") == 1
        assert cave.state(DS, number) == state
        assert cave.state_url(DS, number) == f"{proxy.url}/nglstate/api/v1/{number}"
        with pytest.raises(NotFound, match="no Neuroglancer state 5"):
            cave.state(DS, 5)


class TestVersions:
    @pytest.mark.parametrize(
        ("requested", "number"), [("latest", 3), (None, 3), ("", 3), (" LATEST ", 3), (2, 2), ("2", 2), (" 3 ", 3)]
    )
    def test_what_is_meant(self, cave: Cave, requested: str | int | None, number: int) -> None:
        assert versions.resolve(cave, DS, requested).number == number

    def test_an_expired_version_names_its_end_and_the_newest(self, cave: Cave) -> None:
        with pytest.raises(Expired) as caught:
            versions.resolve(cave, DS, 1)
        assert caught.value.message == "Version 1 of tiny, of 2 January 2023, expired on 3 February 2023."
        assert caught.value.hint == "The newest version is 3."

    def test_an_unknown_version_lists_those_that_are(self, cave: Cave) -> None:
        with pytest.raises(NotFound) as caught:
            versions.resolve(cave, DS, 99)
        assert caught.value.hint == "Its versions are 3, 2 and, expired, 1."

    @pytest.mark.parametrize("rubbish", ["two", "-1", "1.5", "٣", "3;drop", "1e3", "0x3"])
    def test_rubbish_is_bad_input(self, cave: Cave, rubbish: str) -> None:
        with pytest.raises(BadInput):
            versions.resolve(cave, DS, rubbish)


class TestNotFound:
    def test_each_is_told_by_name(self, cave: Cave) -> None:
        with pytest.raises(NotFound, match="no datastack nope"):
            cave.info("nope")
        with pytest.raises(NotFound, match="no datastack nope"):
            cave.versions("nope")
        with pytest.raises(NotFound, match="tiny has no version 99"):
            Release.of(cave, DS, 99).tables()
        with pytest.raises(NotFound, match="no table nope at version 3 of tiny"):
            Release.of(cave, DS, V).table("nope")
        with pytest.raises(NotFound, match="no table empty at version 2 of tiny"):
            Release.of(cave, DS, tiny.FIRST).table("empty")


OPEN_TABLE = [
    "GET /info/api/v2/datastack/full/tiny",
    "GET /info/version",
    "GET /materialize/api/v2/datastack/tiny/version/3/table/types/count",
    "GET /materialize/api/v3/datastack/tiny/metadata",
    "GET /materialize/api/v3/datastack/tiny/version/3/tables/metadata",
    "GET /materialize/api/v3/datastack/tiny/version/3/views",
    "GET /materialize/version",
    "POST /materialize/api/v3/datastack/tiny/version/3/query",
]
OPEN_CELL = [
    "POST /materialize/api/v3/datastack/tiny/version/3/table/synapses/query",
    "POST /materialize/api/v3/datastack/tiny/version/3/table/synapses/query",
    "POST /segmentation/api/v1/table/tiny_pcg/is_latest_roots",
]


def open_table(cave: Cave) -> pd.DataFrame:
    return Release(cave, DS, versions.resolve(cave, DS, "latest")).table("types")


def open_cell(cave: Cave) -> None:
    gather(
        lambda: Release.of(cave, DS, V).latest_roots([tiny.A]),
        lambda: Release.of(cave, DS, V).synapses(tiny.A, Direction.IN),
        lambda: Release.of(cave, DS, V).synapses(tiny.A, Direction.OUT),
    )


class TestRequests:
    """Nothing is asked of CAVE that an earlier request already paid for."""

    def test_a_table_costs_eight_requests_from_nothing_and_none_after(self, cave: Cave, proxy: Proxy) -> None:
        with proxy.counting() as cold:
            open_table(cave)
        with proxy.counting() as warm:
            open_table(cave)
        assert sorted(cold) == OPEN_TABLE
        assert warm == []

    def test_another_process_pays_nothing(self, options: Settings, proxy: Proxy) -> None:
        open_table(Cave(options))
        with proxy.counting() as requests:
            open_table(Cave(options))
        assert requests == []

    def test_a_cell_costs_three_requests_and_the_same_again_none(self, cave: Cave, proxy: Proxy) -> None:
        open_table(cave)
        release = Release.of(cave, DS, V)
        release.latest_roots([tiny.B])  # from nothing, the segmentation's client asks for its version
        assert release.roles.synapses.table  # which views are of pairs is asked once a version
        with proxy.counting() as cold:
            open_cell(cave)
        with proxy.counting() as warm:
            open_cell(cave)
        assert sorted(cold) == OPEN_CELL
        assert warm == []

    def test_a_stampede_costs_what_one_costs(self, cave: Cave, proxy: Proxy) -> None:
        with proxy.counting() as requests, ThreadPoolExecutor(12) as pool:
            frames = list(pool.map(lambda _: open_table(cave), range(12)))
        assert sorted(requests) == OPEN_TABLE
        assert {len(frame) for frame in frames} == {6}

    def test_two_servers_are_not_mixed_up(self, cave: Cave, tmp_path: Path) -> None:
        other_folder = tiny.make(tmp_path / "other")
        (other_folder / "datastack.json").write_text(
            (other_folder / "datastack.json").read_text().replace("A table of schema", "Another table of schema")
        )
        with start_localcave([other_folder]) as url:
            other = Cave(Settings(server_address=url, cache=cave.settings.cache))
            assert Release.of(cave, DS, V).tables()["nuclei"].description == "A table of schema nucleus_detection"
            assert (
                Release.of(other, DS, V).tables()["nuclei"].description == "Another table of schema nucleus_detection"
            )


class TestManners:
    def test_the_operators_token_files_are_left_alone(
        self, cave: Cave, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HOME", str(tmp_path))
        secrets = tmp_path / ".cloudvolume" / "secrets"
        secrets.mkdir(parents=True)
        (secrets / "cave-secret.json").write_text('{"token": "the operators own"}')
        fresh = Cave(cave.settings)
        fresh.info(DS)
        assert fresh._auth.token == "none"
        assert [path.name for path in secrets.iterdir()] == ["cave-secret.json"]

    def test_no_browser_is_opened_on_the_server(
        self, cave: Cave, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        opened: list[str] = []
        monkeypatch.setattr(webbrowser, "open", lambda url, *_: opened.append(url))
        body = b'{"error": "missing_tos", "data": {"tos_form_url": "https://tos.example.org/1"}}'
        proxy.break_next(status(403, body), "datastack/full")
        with pytest.raises(NotAllowed, match=r"terms of service of tiny .* https://tos.example.org/1"):
            cave.info(DS)
        assert opened == []
