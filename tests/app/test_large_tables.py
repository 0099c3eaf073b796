"""Tables too large to hold, paged through a real localcave and compared with all of their rows."""

import pytest

from services.cave.client import Cave
from services.cave.release import Release
from services.core.errors import BadInput, TooLarge
from services.core.settings import Settings
from services.tables import tables
from services.tables.large_tables import is_large, open_large, read_all, read_page, rows_with_ids, with_units
from services.tables.tables import TableQuery
from tests.servers import start_localcave

DS, SYNAPSES, TAGS = "karst_demo", "synapses_pni_2", "synapse_target_predictions_ssa"


@pytest.fixture(scope="module")
def cave(localcave_url):
    """Holds next to nothing, so that the small demo is large."""
    return Cave(Settings(server_address=localcave_url, cache="", max_table_rows=5_000))


@pytest.fixture(scope="module")
def version(cave):
    return cave.versions(DS)[0].number


@pytest.fixture(scope="module")
def whole(localcave_url, version):
    """All rows, by a client that holds them."""
    rich = Cave(Settings(server_address=localcave_url, cache="", max_table_rows=10_000_000))
    return {name: Release.of(rich, DS, version).table(name) for name in (SYNAPSES, TAGS)}


@pytest.fixture(scope="module")
def synapses(cave, version):
    return open_large(Release.of(cave, DS, version), SYNAPSES)


def test_what_is_large_is_known_and_not_held(cave, version, whole):
    assert is_large(Release.of(cave, DS, version), SYNAPSES)
    assert not is_large(Release.of(cave, DS, version), "proofreading_status_and_strategy")
    with pytest.raises(TooLarge):
        tables.open_table(Release.of(cave, DS, version), SYNAPSES)
    opened = open_large(Release.of(cave, DS, version), SYNAPSES)
    assert opened.info.row_count == len(whole[SYNAPSES])
    assert {column.name for column in opened.columns} == set(whole[SYNAPSES].columns)


def test_pages_cover_every_row_once(cave, synapses, whole):
    query = TableQuery("size > 5000")
    wanted = whole[SYNAPSES][whole[SYNAPSES]["size"] > 5000]
    seen = []
    while True:
        page = read_page(cave, synapses, query, len(seen), 5_000)
        assert page.total == len(wanted)
        assert page.sentences == ()
        if page.frame.empty:
            break
        seen += page.frame["id"].tolist()
    assert sorted(seen) == sorted(wanted["id"])


def test_filters_are_those_of_the_language(cave, synapses, whole):
    frame = whole[SYNAPSES]
    busy = [int(one) for one in frame["post_pt_root_id"].value_counts().index[:3]]
    middle = {axis: int(frame[f"ctr_pt_position_{axis}"].median()) for axis in "xyz"}
    cases = {
        f"post_pt_root_id = {busy[0]}": frame["post_pt_root_id"] == busy[0],
        f"post_pt_root_id in ({busy[0]}, {busy[1]}) and size 1000..3000": frame["post_pt_root_id"].isin(busy[:2])
        & frame["size"].between(1000, 3000),
        f"post_pt_root_id = {busy[2]} and not_valid": None,
        f"size < 900 and id >= {int(frame['id'].median())}": (frame["size"] < 900)
        & (frame["id"] >= int(frame["id"].median())),
        f"ctr_pt_position in box (..{middle['x']}, {middle['y']}.., ..)": (frame["ctr_pt_position_x"] <= middle["x"])
        & (frame["ctr_pt_position_y"] >= middle["y"]),
        f"ctr_pt_position in box (..{middle['x'] * 4 / 1000}, .., {middle['z'] * 40 / 1000}..) um": (
            frame["ctr_pt_position_x"] <= middle["x"]
        )
        & (frame["ctr_pt_position_z"] >= middle["z"]),
    }
    for line, mask in cases.items():
        if mask is None:
            with pytest.raises(BadInput, match="no column"):
                read_page(cave, synapses, TableQuery(line))
            continue
        page = read_page(cave, synapses, TableQuery(line), 0, 10_000)
        assert page.total == mask.sum() > 0, line
        ids = set(frame.loc[mask, "id"])
        assert set(page.frame["id"]) <= ids
        assert len(page.frame) == min(len(ids), 10_000)


@pytest.mark.parametrize(("unit", "nm"), [("um", 1000.0), ("nm", 1.0)])
def test_positions_count_in_a_unit_in_pages_files_and_filters(cave, synapses, whole, unit, nm):
    frame, counting = whole[SYNAPSES].set_index("id"), with_units(synapses, unit)
    x, z = int(frame["ctr_pt_position_x"].median()) * 4 / nm, int(frame["ctr_pt_position_z"].median()) * 40 / nm
    wanted = frame[(frame["ctr_pt_position_x"] * 4 / nm <= x) & (frame["ctr_pt_position_z"] * 40 / nm >= z)]
    query = TableQuery(f"ctr_pt_position in box (..{x}, .., {z}..)")
    page = read_page(cave, counting, query, 0, 500)
    assert page.total == len(wanted) > 500
    rows = wanted.loc[page.frame["id"]]
    for column, size in (("ctr_pt_position_x", 4), ("pre_pt_position_y", 4), ("post_pt_position_z", 40)):
        assert page.frame[column].tolist() == pytest.approx((rows[column] * size / nm).tolist())
    assert page.frame["size"].tolist() == rows["size"].tolist()
    files, total = read_all(cave, counting, query)
    assert total == len(wanted)
    assert next(iter(files))[:500].reset_index(drop=True).equals(page.frame.reset_index(drop=True))
    assert rows_with_ids(cave, counting, [int(page.frame["id"].iloc[0])])["ctr_pt_position_x"].tolist() == [
        page.frame["ctr_pt_position_x"].iloc[0]
    ]


def test_a_column_box_is_pushed_down_too(cave, synapses, whole):
    page = read_page(cave, synapses, TableQuery(boxes={"size": ">= 8000"}), 0, 10)
    assert page.total == (whole[SYNAPSES]["size"] >= 8000).sum()


def test_a_table_merged_with_its_target_is_not_counted_and_says_so(cave, version, whole):
    opened = open_large(Release.of(cave, DS, version), TAGS)
    root = int(whole[TAGS]["post_pt_root_id"].value_counts().index[0])
    page = read_page(cave, opened, TableQuery(f"tag = spine and post_pt_root_id = {root}"), 0, 10_000)
    wanted = whole[TAGS][(whole[TAGS]["tag"] == "spine") & (whole[TAGS]["post_pt_root_id"] == root)]
    assert sorted(page.frame["id"]) == sorted(wanted["id"])
    assert page.total is None
    assert SYNAPSES in page.sentences[0]
    counted = read_page(cave, opened, TableQuery("tag = spine"), 0, 5)
    assert counted.total == (whole[TAGS]["tag"] == "spine").sum()


@pytest.mark.parametrize(
    "line",
    [
        "size > 5 or id = 3",
        "not size > 5",
        "size != 5",
        "size null",
        "pre_pt_root_id not in (1, 2)",
        "size > 5 and size > 6",
        "ctr_pt_position_x > 5",
        "ctr_pt_position in box (5..5, .., ..)",
    ],
)
def test_what_cave_cannot_filter_is_refused_in_a_sentence(cave, synapses, line):
    with pytest.raises(BadInput, match=r"CAVE"):
        read_page(cave, synapses, TableQuery(line))


def test_sorting_is_not_pretended(cave, synapses, whole):
    page = read_page(cave, synapses, TableQuery("size > 5000", sort=(("size", "desc"),)), 0, 20_000)
    rows = (whole[SYNAPSES]["size"] > 5000).sum()
    assert page.sentences[0].startswith(f"{rows:,} rows are too many to sort") and "5,000 rows" in page.sentences[0]
    assert "10,000" in page.sentences[1]


def test_all_rows_come_in_parts_however_little_cave_sends_at_once(small_cortex, whole, version):
    with start_localcave([small_cortex], "--row-limit", "700") as url:
        cave = Cave(Settings(server_address=url, cache="", max_table_rows=5_000))
        opened = open_large(Release.of(cave, DS, version), SYNAPSES)
        frames, total = read_all(cave, opened, TableQuery("size > 5000"))
        rows = list(frames)
    wanted = whole[SYNAPSES].loc[whole[SYNAPSES]["size"] > 5000, "id"]
    assert total == len(wanted) > 1400
    assert max(map(len, rows)) <= 700
    assert sorted(one for frame in rows for one in frame["id"]) == sorted(wanted)


def test_more_rows_than_a_file_may_have_are_refused(cave, synapses, version):
    with pytest.raises(TooLarge, match="Narrow the filter"):
        read_all(cave, synapses, TableQuery("size > 5000"), most=10)
    tags = open_large(Release.of(cave, DS, version), TAGS)
    frames, total = read_all(cave, tags, TableQuery("size > 5000"), most=10)
    assert total is None
    with pytest.raises(TooLarge):
        next(frames)
