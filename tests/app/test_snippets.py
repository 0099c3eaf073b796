"""Copied scripts, run as they are against a real localcave, yield exactly the rows of the page."""

import contextlib
import io
from dataclasses import replace
from datetime import timedelta

import pandas as pd
import pytest

from services.cave.client import Cave
from services.cave.release import Release
from services.core.errors import BadInput, TooLarge
from services.core.settings import Settings
from services.tables import joins, live, tables
from services.tables.large_tables import open_large, read_page, with_units
from services.tables.scripts import large_snippet, table_snippet
from services.tables.tables import TableQuery

DS, TYPES, NUCLEI, PROOFREAD, MET_TYPES = (
    "karst_demo",
    "aibs_metamodel_celltypes_v661",
    "nucleus_detection_v0",
    "proofreading_status_and_strategy",
    "gamlin_2023_mcs_met_types",
)


@pytest.fixture(scope="module")
def version(cave):
    return cave.versions(DS)[0].number


@pytest.fixture(scope="module")
def opened(cave, version):
    return {
        name: tables.open_table(Release.of(cave, DS, version), name)
        for name in (TYPES, NUCLEI, PROOFREAD, "aibs_cell_info")
    }


def run(script):
    """The `frame` of a script, which runs by itself and prints nothing."""
    names = {}
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(script, "snippet", "exec"), names)
    assert printed.getvalue() == ""
    return names["frame"]


def assert_same(frame, page, *, ordered):
    if not ordered and "id" in page:
        frame, page = (one.sort_values("id", ignore_index=True) for one in (frame, page))
    pd.testing.assert_frame_equal(frame, page, check_dtype=False, rtol=0, atol=0)
    assert [column for column in page if page[column].dtype != frame[column].dtype] == []


@pytest.mark.parametrize(
    ("table", "query"),
    [
        (TYPES, TableQuery()),
        (TYPES, TableQuery("cell_type in (BC, MC) and (volume > 300 or not valid)", sort=(("volume", "desc"),))),
        (TYPES, TableQuery("cell_type ~ '^5P' and not cell_type ~ '[[:alpha:]]T$'", sort=(("cell_type", "desc"),))),
        (TYPES, TableQuery("layer = L4", {"soma_depth_um": "300..350"}, (("soma_depth_um", "asc"),))),
        (TYPES, TableQuery("cell_type != BC and volume 200..400 and pt_root_id not in (0, 1)")),
        (TYPES, TableQuery("pt_position in box (500..900, .., 700..) um or cell_type = 'say \"a\"\n\\\\'")),
        (NUCLEI, TableQuery("volume null or volume < 30 or pt_root_id = 0", sort=(("pt_root_id", "desc"),))),
        (NUCLEI, TableQuery("volume not null and not valid or pt_position_z in (20000, 20001, 20002)")),
        (PROOFREAD, TableQuery("status_axon and strategy_axon !~ partially", sort=(("strategy_axon", "asc"),))),
        (PROOFREAD, TableQuery("pt_root_id != valid_id", sort=(("pt_root_id", "asc"),))),
        (PROOFREAD, TableQuery("strategy_axon = strategy_dendrite or status_axon != status_dendrite")),
        (TYPES, TableQuery("once(pt_root_id) and pt_root_id != id and id_ref <= target_id", {"cell_type": "!= MC"})),
        (NUCLEI, TableQuery("not once(volume)", {"pt_root_id": "once", "id": "!= pt_root_id"})),
        ("aibs_cell_info", TableQuery("mtype null and visual_area not in (V1, null)")),
    ],
)
def test_the_script_yields_the_rows_of_the_page(cave, opened, table, query):
    page = tables.select(opened[table], query)[[column.name for column in opened[table].columns]]
    assert_same(run(table_snippet(cave, opened[table], query)), page, ordered=bool(query.sort))


def test_one_volume_is_found_by_its_own_digits(cave, opened):
    value = tables.to_records(opened[NUCLEI].frame.head(1), opened[NUCLEI].columns)[0]["volume"]
    query = TableQuery(f"volume in ({value}, 5)")
    page = tables.select(opened[NUCLEI], query)
    assert len(page) >= 1
    assert set(run(table_snippet(cave, opened[NUCLEI], query))["id"]) == set(page["id"])


@pytest.mark.parametrize("unit", ["nm", "um"])
def test_units_are_those_of_the_page(cave, opened, unit):
    table = tables.with_units(opened[TYPES], unit)
    query = TableQuery("cell_type = MC and pt_position in box (.., 100..600, ..) um", sort=(("pt_position_y", "asc"),))
    page = tables.select(table, query)[[column.name for column in table.columns]]
    assert len(page) > 0
    assert_same(run(table_snippet(cave, table, query)), page, ordered=True)


MANUAL, MTYPES = "allen_v1_column_types_slanted_ref", "aibs_metamodel_mtypes_v661_v2"


@pytest.mark.parametrize(
    "case",
    [
        (TYPES, [MANUAL], f"{MANUAL}.cell_type not null and cell_type != BC"),
        (TYPES, [MTYPES, PROOFREAD], f"{PROOFREAD}.num_rows >= 1 or {MTYPES}.cell_type ~ '^L'"),
        (NUCLEI, [TYPES], f"{TYPES}.num_rows != 1 or volume > 400"),
        (PROOFREAD, [TYPES], f"{TYPES}.cell_type null or status_axon"),
        (NUCLEI, ["aibs_cell_info"], "aibs_cell_info.mtype not null"),
    ],
)
@pytest.mark.parametrize("most_rows", [200_000, 700])
def test_joined_columns_come_along(cave, opened, case, most_rows):
    table, others, where = case
    wide, _ = joins.join_all(cave, opened[table], others)
    query = TableQuery(where, sort=(("id", "desc"),) if "id" in wide.frame else ())
    page = tables.select(wide, query)[[column.name for column in wide.columns]]
    assert 0 < len(page) < len(wide.frame)
    assert_same(run(table_snippet(cave, wide, query, most_rows=most_rows)), page, ordered=bool(query.sort))


def test_only_the_chosen_columns_are_in_the_frame(cave, opened):
    wide, _ = joins.join_all(cave, opened[TYPES], [MANUAL])
    columns = [column for column in wide.columns if column.name in ("id", "volume", f"{MANUAL}.cell_type")]
    query = TableQuery("cell_type = BC", sort=(("volume", "desc"),))
    page = tables.select(wide, query)[[column.name for column in columns]]
    assert_same(run(table_snippet(cave, wide, query, columns)), page, ordered=True)


@pytest.mark.parametrize("table", [TYPES, NUCLEI])
def test_more_rows_than_cave_sends_at_once_are_asked_for_in_parts(cave, opened, table):
    query = TableQuery("volume > 100", sort=(("volume", "asc"),))
    script = table_snippet(cave, opened[table], query, most_rows=500)
    page = tables.select(opened[table], query)[[column.name for column in opened[table].columns]]
    assert_same(run(script), page, ordered=True)


@pytest.mark.parametrize(
    ("table", "line", "unit"),
    [
        ("synapses_pni_2", "size > 6000 and ctr_pt_position in box (.., 100..400, ..) um", "vx"),
        ("synapses_pni_2", "size > 6000 and ctr_pt_position in box (.., 100..400, ..)", "um"),
        ("synapse_target_predictions_ssa", "tag in (spine, soma) and size > 9000", "vx"),
        ("synapses_pni_2_in_out_degree", "n_input > 20", "vx"),
    ],
)
def test_a_large_table_is_asked_as_the_page_asks_it(localcave_url, version, table, line, unit):
    cave = Cave(Settings(server_address=localcave_url, cache="", max_table_rows=10))
    opened = with_units(open_large(Release.of(cave, DS, version), table), unit)
    page = read_page(cave, opened, TableQuery(line), 0, 10_000)
    frame = run(large_snippet(cave, opened, TableQuery(line)))
    key = "id" if "id" in frame else "root_id"
    assert 0 < len(page.frame) < 10_000
    assert_same(*(one.sort_values(key, ignore_index=True) for one in (frame, page.frame)), ordered=True)
    if page.total is not None:
        with pytest.raises(TooLarge):
            large_snippet(cave, opened, TableQuery(line), most_rows=1)


@pytest.fixture(scope="module")
def older(cave, version):
    """A version that has a table which the newest one has not."""
    (number,) = (one.number for one in cave.versions(DS) if one.valid and one.number != version)
    assert (
        MET_TYPES in Release.of(cave, DS, number).tables() and MET_TYPES not in Release.of(cave, DS, version).tables()
    )
    return number


@pytest.mark.parametrize(("table", "others"), [(MET_TYPES, []), (TYPES, [MET_TYPES])])
def test_a_table_that_the_newest_version_has_no_more_is_read_at_its_own(cave, older, table, others):
    wide, _ = joins.join_all(cave, tables.open_table(Release.of(cave, DS, older), table), others)
    query = TableQuery("value 0.8.." if table == MET_TYPES else f"{MET_TYPES}.value 0.8..", sort=(("id", "asc"),))
    page = tables.select(wide, query)[[column.name for column in wide.columns]]
    assert 0 < len(page) < len(wide.frame)
    for most_rows in (200_000, 100):
        assert_same(run(table_snippet(cave, wide, query, most_rows=most_rows)), page, ordered=True)


def test_a_large_table_that_the_newest_version_has_no_more_is_read_at_its_own(localcave_url, older):
    cave = Cave(Settings(server_address=localcave_url, cache="", max_table_rows=10))
    opened = open_large(Release.of(cave, DS, older), MET_TYPES)
    page = read_page(cave, opened, TableQuery("value > 0.8"), 0, 10_000).frame
    assert len(page) > 0
    assert_same(run(large_snippet(cave, opened, TableQuery("value > 0.8"))), page, ordered=False)


def moment(cave, name):
    newest, _, expired = cave.versions(DS)
    between = f"{newest.timestamp - timedelta(days=30):%Y-%m-%dT%H:%M:%SZ}"
    return live.resolve(cave, DS, {"expired": str(expired.number), "between": between}.get(name, name)).version


@pytest.mark.parametrize("when", ["expired", "between", "live"])
@pytest.mark.parametrize(
    ("table", "others", "query"),
    [
        (TYPES, [], TableQuery("layer = L4 or cell_type = BC", sort=(("volume", "desc"),))),
        (PROOFREAD, [], TableQuery("status_axon", sort=(("id", "desc"),))),
        (NUCLEI, [TYPES], TableQuery(f"{TYPES}.cell_type null", sort=(("id", "asc"),))),
        (PROOFREAD, [NUCLEI], TableQuery(f"{NUCLEI}.volume > 250", sort=(("id", "asc"),))),
    ],
)
def test_rows_at_a_time_are_read_by_the_same_query_at_the_same_time(cave, when, table, others, query):
    version = moment(cave, when)
    wide, _ = joins.join_all(cave, live.open_table(Release(cave, DS, version), table), others)
    wide = tables.with_units(wide, "um")
    page = tables.select(wide, query)[[column.name for column in wide.columns]]
    assert 0 < len(page) < len(wide.frame)
    for most_rows in (200_000, 700):
        script = table_snippet(cave, wide, query, most_rows=most_rows)
        assert_same(run(script), page, ordered=True)
    assert script.startswith(f"# {table} at {version.title} of {DS}: ")


def test_no_script_reads_a_table_that_has_no_rows_at_its_time(cave):
    opened = live.open_table(Release(cave, DS, moment(cave, "expired")), TYPES)
    empty = replace(opened, frame=opened.frame.iloc[:0])
    with pytest.raises(BadInput, match="no rows at version"):
        table_snippet(cave, empty, TableQuery())


@pytest.mark.parametrize("where", ["cell_type = '\n__import__(\"os\")#'", "cell_type ~ '\\x00\u2028'", "nope = 1"])
def test_nothing_typed_becomes_code(cave, opened, where):
    if where.startswith("nope"):
        with pytest.raises(BadInput):
            table_snippet(cave, opened[TYPES], TableQuery(where))
        return
    assert len(run(table_snippet(cave, opened[TYPES], TableQuery(where)))) == 0
