"""The present state and that of expired versions, against what localcave still has of them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pandas as pd
import pytest

from services.cave.client import Cave
from services.cave.release import Release
from services.core.errors import BadInput, NotAllowed, NotFound, TooLarge
from services.core.settings import Settings
from services.neuroglancer import links
from services.tables import joins, live, tables
from services.tables.large_tables import open_any, read_page
from services.tables.tables import TableQuery

DS, TYPES, NUCLEI, SYNAPSES = "karst_demo", "aibs_metamodel_celltypes_v661", "nucleus_detection_v0", "synapses_pni_2"
PROOFREADING = "proofreading_status_and_strategy"
LATER, GONE = "vortex_axon_backtrace_column", "gamlin_2023_mcs_met_types"


@pytest.fixture(scope="module")
def expired(cave):
    return next(version for version in cave.versions(DS) if not version.valid)


@pytest.mark.parametrize("table", [TYPES, NUCLEI, PROOFREADING])
def test_an_expired_version_is_read_through_its_time(cave, expired, table):
    version = live.resolve(cave, DS, str(expired.number)).version
    at_moment = live.open_table(Release(cave, DS, version), table)
    kept = Release(cave, DS, expired).table(table)  # localcave keeps what CAVE may have dropped
    columns = [name for name in kept if name != "valid"]  # CAVE leaves it out of rows that were changed since
    pd.testing.assert_frame_equal(
        at_moment.frame[columns].sort_values("id", ignore_index=True),
        kept[columns].sort_values("id", ignore_index=True),
        check_like=True,
    )
    assert at_moment.version == expired
    assert f"Version {expired.number} of {DS} has expired" in live.sentences(DS, version, at_moment.info)[0]
    rows = tables.select(at_moment, TableQuery("id > 20"))
    assert len(rows) == (kept["id"] > 20).sum()


def test_a_table_that_grows_has_at_a_moment_between_versions_what_was_there(cave):
    """Its rows of both versions around the moment, and no others, each once."""
    newest, older = (version for version in cave.versions(DS) if version.valid)
    moment = f"{newest.timestamp - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
    then = live.open_table(live.resolve(cave, DS, moment), PROOFREADING).frame
    assert set(then["id"]) == set(Release(cave, DS, newest).table(PROOFREADING)["id"])
    assert len(then) == then["id"].nunique() > len(Release(cave, DS, older).table(PROOFREADING))


def test_what_stands_beside_a_table_of_an_expired_version_is_of_the_same_time(cave, expired):
    """Joined by root id, of which many changed since."""
    both, _ = joins.join(cave, live.open_table(Release(cave, DS, expired), PROOFREADING), NUCLEI, "root_id")
    nuclei = Release(cave, DS, expired).table(NUCLEI)["pt_root_id"]
    once = nuclei[~nuclei.duplicated(keep=False) & (nuclei != 0)]
    wanted = both.frame["pt_root_id"].isin(once)
    assert ((both.frame[f"{NUCLEI}.num_rows"] == 1) == wanted).all()
    today = Release(cave, DS, cave.versions(DS)[0]).table(NUCLEI)["pt_root_id"]
    assert not both.frame["pt_root_id"][wanted].isin(today).all()


def test_roots_changed_since(cave, expired):
    newest = Release(cave, DS, cave.versions(DS)[0]).table(NUCLEI).set_index("id")["pt_root_id"]
    then = live.open_table(Release(cave, DS, expired), NUCLEI).frame.set_index("id")["pt_root_id"]
    assert (newest.loc[then.index] != then).any()


def test_the_present_is_asked_for_once_and_can_be_paged(cave):
    now = live.resolve(cave, DS, "live").version
    assert datetime.now(UTC) - now.timestamp < timedelta(minutes=1)
    at_moment = live.open_table(Release(cave, DS, now), TYPES)
    before = cave.counts["requests"]
    again = open_any(live.resolve(cave, DS, str(now.label)), TYPES)
    assert cave.counts["requests"] == before
    assert again.derived.key == at_moment.derived.key
    assert again.version == now
    newest = Release(cave, DS, cave.versions(DS)[0]).table(TYPES)
    assert len(at_moment.frame) == len(newest)
    assert "of no version" in live.sentences(DS, now, at_moment.info)[0]


def test_a_kept_version_is_opened_as_ever(cave):
    version = live.resolve(cave, DS, "latest").version
    assert (
        live.open_table(Release(cave, DS, version), TYPES).derived.key
        == tables.open_table(Release(cave, DS, version), TYPES).derived.key
    )
    assert not live.sentences(DS, version, live.describe(Release(cave, DS, version), TYPES))


def test_a_catalogue_of_a_moment_has_only_what_can_be_opened_then(cave, expired):
    for version in (expired, live.resolve(cave, DS, "live").version):
        listed = live.catalogue(Release(cave, DS, version))
        assert {info.kind for info in listed} == {"table"}
        assert {info.row_count for info in listed} == {None}
        assert TYPES in [info.name for info in listed]


def test_a_catalogue_of_a_moment_leaves_out_tables_that_were_created_later(cave, expired):
    newest = Release(cave, DS, cave.versions(DS)[0]).tables().values()
    on = {info.name: info.created[:10] for info in newest if info.kind == "table"}
    assert {name for name, day in on.items() if day > "2025-05"} == {LATER, "digital_twin_properties_bcm_coreg_v4"}
    assert {info.name for info in live.catalogue(Release(cave, DS, expired))} == {
        n for n, day in on.items() if day < "2025-05"
    }
    noon = live.resolve(cave, DS, f"{on[LATER]}T12:00:00Z").version
    assert LATER not in [info.name for info in live.catalogue(Release(cave, DS, noon))]
    evening = live.resolve(cave, DS, f"{on[LATER]}T20:00:00Z").version
    assert {info.name for info in live.catalogue(Release(cave, DS, evening))} == set(on)


def test_a_table_of_which_cave_finds_no_results_has_no_rows_and_its_columns(cave, expired):
    at_moment = live.open_table(Release(cave, DS, expired), LATER)
    assert len(at_moment.frame) == 0
    newest = tables.open_table(Release(cave, DS, cave.versions(DS)[0]), LATER)
    assert [replace(one, decimals=0) for one in at_moment.columns] == [
        replace(one, decimals=0) for one in newest.columns
    ]
    assert at_moment.frame.dtypes.equals(newest.frame.dtypes)
    assert live.sentences(DS, expired, at_moment.info)[0].endswith("The table was created later, on 6 October 2025.")


def test_a_table_that_the_newest_version_has_no_more_is_refused_for_the_time_that_was_asked(cave, expired):
    now = live.resolve(cave, DS, "live").version
    for version, words in ((expired, "version 1412 of .* has expired"), (now, r".* UTC \(live\) of .* live data are")):
        for read in (live.open_table, live.describe):
            with pytest.raises(NotFound, match=rf"no table {GONE} at {words}.* the newest version, 1621, knows"):
                read(Release(cave, DS, version), GONE)


def test_a_link_to_a_moment_names_it(cave):
    now = live.resolve(cave, DS, "live").version
    table = live.open_table(Release(cave, DS, now), TYPES)
    link = links.table_link(cave, table, table.frame.head(3))
    assert f"{now.timestamp:%Y-%m-%d %H:%M:%S} UTC (live)" in link.description
    assert "version" not in link.description


def test_what_cannot_be_live_is_told(cave, expired, localcave_url, tmp_path):
    now = live.resolve(cave, DS, "live").version
    with pytest.raises(BadInput, match="view"):
        live.open_table(Release(cave, DS, now), "aibs_cell_info")
    with pytest.raises(BadInput, match="in the future"):
        live.resolve(cave, DS, "2200-01-01T00:00:00Z")
    with pytest.raises(BadInput, match="is not a time"):
        live.resolve(cave, DS, "2025-13-01T00:00:00Z")
    with pytest.raises(NotFound):
        live.open_table(Release(cave, DS, expired), "nope")
    with pytest.raises(NotAllowed, match="switched off"):
        live.resolve(Cave(Settings(server_address=localcave_url, cache="", config_dir=tmp_path)), DS, "live")


def test_a_table_too_large_to_hold_is_not_read_as_a_whole(localcave_url, expired):
    cave = Cave(Settings(server_address=localcave_url, cache="", max_table_rows=5_000))
    opened = open_any(Release(cave, DS, expired), SYNAPSES)
    before = cave.counts["requests"]
    with pytest.raises(TooLarge, match="as of a time") as refused:
        read_page(cave, opened, TableQuery())
    assert "by a root id or a box" in refused.value.hint and cave.counts["requests"] == before
    assert opened.info.row_count is None


def test_a_moment_is_the_same_in_every_time_zone(cave):
    newest = cave.versions(DS)[0]
    then = (newest.timestamp - timedelta(days=1)).replace(microsecond=0)
    plain = live.resolve(cave, DS, f"{then:%Y-%m-%dT%H:%M:%SZ}").version
    for hours in (-8, 1, 14):
        there = then.astimezone(timezone(timedelta(hours=hours))).isoformat()
        assert live.resolve(cave, DS, there).version == plain
    assert plain.timestamp == then
    with pytest.raises(BadInput, match="is not a time"):
        live.resolve(cave, DS, "2025-01-01T00:00:00+99:00")
