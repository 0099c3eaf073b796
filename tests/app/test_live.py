"""The present state and that of expired versions, against what localcave still has of them."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from services import live, tables
from services.cave import Cave
from services.errors import BadInput, NotAllowed, NotFound
from services.settings import Settings
from services.tables import TableQuery

DS, TYPES, NUCLEI = "karst_demo", "aibs_metamodel_celltypes_v661", "nucleus_detection_v0"


@pytest.fixture(scope="module")
def cave(localcave_url, tmp_path_factory):
    config = tmp_path_factory.mktemp("config")
    (config / "datastacks").mkdir()
    (config / "datastacks" / f"{DS}.toml").write_text("allow_live = true\n")
    return Cave(Settings(server_address=localcave_url, cache="", config_dir=config))


@pytest.fixture(scope="module")
def expired(cave):
    return next(version for version in cave.versions(DS) if not version.valid)


@pytest.mark.parametrize("table", [TYPES, NUCLEI])
def test_an_expired_version_is_read_through_its_time(cave, expired, table):
    found = live.open_expired(cave, DS, expired, table)
    kept = cave.table(DS, expired.number, table)  # localcave keeps what CAVE may have dropped
    columns = list(kept.columns)
    pd.testing.assert_frame_equal(
        found.table.frame[columns].sort_values("id", ignore_index=True),
        kept.sort_values("id", ignore_index=True),
        check_like=True,
    )
    assert found.table.version == expired
    assert f"Version {expired.number} of {DS} has expired" in found.sentence
    rows = tables.select(found.table, TableQuery("volume > 200"))
    assert len(rows) == (kept["volume"] > 200).sum()


def test_roots_changed_since(cave, expired):
    newest = cave.table(DS, cave.versions(DS)[0].number, NUCLEI).set_index("id")["pt_root_id"]
    then = live.open_expired(cave, DS, expired, NUCLEI).table.frame.set_index("id")["pt_root_id"]
    assert (newest.loc[then.index] != then).any()


def test_the_present_is_asked_for_once_and_can_be_paged(cave):
    found = live.open_live(cave, DS, TYPES)
    assert datetime.now(UTC) - found.time < timedelta(minutes=1)
    before = cave.counts["requests"]
    again = live.open_live(cave, DS, TYPES, found.time)
    assert cave.counts["requests"] == before
    assert again.table.key == found.table.key
    newest = cave.table(DS, cave.versions(DS)[0].number, TYPES)
    assert len(found.table.frame) == len(newest)
    assert "not a version" in found.sentence


def test_what_cannot_be_live_is_told(cave, expired, localcave_url):
    with pytest.raises(BadInput, match="view"):
        live.open_live(cave, DS, "aibs_cell_info")
    with pytest.raises(BadInput, match="yet to come"):
        live.open_live(cave, DS, TYPES, datetime.now(UTC) + timedelta(days=1))
    with pytest.raises(NotFound):
        live.open_expired(cave, DS, expired, "nope")
    with pytest.raises(NotAllowed, match="switched off"):
        live.open_live(Cave(Settings(server_address=localcave_url, cache="")), DS, TYPES)
