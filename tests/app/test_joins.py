"""Tables joined and set against each other, compared with plain Python over the same rows."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest

from components import crosstabs
from services.cave.client import Cave
from services.cave.release import Release
from services.core.errors import BadInput
from services.core.settings import Settings
from services.tables import tables
from services.tables.crosstabs import crosstab
from services.tables.groups import of_table as groups_of
from services.tables.joins import join, join_all
from services.tables.scripts import table_snippet
from services.tables.tables import TableQuery, select
from services.views.addresses import TableAddress
from tests import tiny
from tests.naturally import in_one_text
from tests.servers import start_localcave

DS = "karst_demo"
TYPES, MANUAL, MTYPES, COREG, PROOFREAD, BAYLOR = (
    "aibs_metamodel_celltypes_v661",
    "allen_v1_column_types_slanted_ref",
    "aibs_metamodel_mtypes_v661_v2",
    "coregistration_manual_v4",
    "proofreading_status_and_strategy",
    "baylor_gnn_cell_type_fine_model_v2",
)


@pytest.fixture(scope="module")
def types(cave):
    return tables.open_table(Release(cave, DS, cave.versions(DS)[0]), TYPES)


def by_key(cave, version, table, key, value):
    """{key: [values]} of a table, by its rows one by one."""
    result = {}
    for row in Release.of(cave, DS, version).table(table)[[key, value]].itertuples(index=False):
        if not pd.isna(row[0]) and row[0] != 0:
            result.setdefault(int(row[0]), []).append(row[1])
    return result


@pytest.mark.parametrize(
    "case",
    [
        (MANUAL, "auto", "target_id", "target_id", "cell_type"),
        (COREG, "auto", "target_id", "target_id", "session"),
        (PROOFREAD, "auto", "pt_root_id", "pt_root_id", "strategy_axon"),
        (BAYLOR, "root_id", "pt_root_id", "pt_root_id", "cell_type"),
        ("nucleus_detection_v0", "auto", "target_id", "id", "volume"),
        ("nucleus_detection_v0", "root_id", "pt_root_id", "pt_root_id", "volume"),
    ],
)
def test_each_row_has_what_its_rows_of_the_other_table_say(cave, types, case):
    other, on, own, foreign, value = case
    wide, report = join(cave, types, other, on)
    assert wide.frame["id"].equals(types.frame["id"])
    rows = by_key(cave, types.version.number, other, foreign, value)
    wanted = [rows.get(0 if pd.isna(key) else int(key), []) for key in types.frame[own]]
    assert wide.frame[f"{other}.num_rows"].tolist() == [len(result) for result in wanted]
    for cell, result in zip(wide.frame[f"{other}.{value}"], wanted, strict=True):
        distinct = list(dict.fromkeys(one for one in result if not pd.isna(one)))
        if len(distinct) == 1:
            assert cell == distinct[0]
        elif distinct and isinstance(distinct[0], str):
            assert cell == in_one_text(distinct)
        else:
            assert pd.isna(cell)
    differ = sum(len({one for one in result if not pd.isna(one)}) > 1 for result in wanted)
    if differ and not pd.api.types.is_string_dtype(wide.frame[f"{other}.{value}"].dtype):
        assert f"{value} of {differ:,}" in report.sentence()
    counts = Counter(min(len(result), 2) for result in wanted)
    assert (report.missing, report.matched, report.ambiguous) == (counts[0], counts[1], counts[2])
    assert f"{report.matched:,} of {len(wanted):,}" in report.sentence()
    assert "several" in report.sentence() or not counts[2]


def test_joined_columns_filter_sort_and_export_like_any_other(cave, types):
    wide, reports = join_all(cave, types, [MANUAL, MTYPES, MANUAL])
    assert [report.other for report in reports] == [MANUAL, MTYPES]
    line = f"{MANUAL}.cell_type not null and {MTYPES}.cell_type ~ ^L2"
    rows = select(wide, TableQuery(line, sort=((f"{MANUAL}.cell_type", "desc"),)))
    assert len(rows) > 0
    shown = rows[f"{MANUAL}.cell_type"].tolist()
    assert shown == sorted(shown, key=lambda text: (not text[0].isdigit(), int(text.split("P")[0] or 0)), reverse=True)
    assert rows[f"{MTYPES}.cell_type"].str.startswith("L2").all()
    assert tables.to_records(rows.head(1), wide.columns)[0][f"{MANUAL}.cell_type"]
    assert f"{MANUAL}.cell_type" not in types.frame.columns


def test_what_cannot_be_joined_is_told(cave, types):
    wide, _ = join(cave, types, MANUAL)
    with pytest.raises(BadInput, match="already"):
        join(cave, wide, MANUAL)
    with pytest.raises(BadInput, match="nucleus ids"):
        join(cave, types, PROOFREAD, "nucleus_id")
    with pytest.raises(BadInput, match="not an id to join on"):
        join(cave, types, MANUAL, "name")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    with start_localcave([tiny.make(tmp_path_factory.mktemp("tiny") / "tiny")]) as url:
        yield Cave(Settings(server_address=url, cache=""))


def test_rows_of_a_joined_table_that_agree_give_their_value_and_others_all(small):
    nuclei = tables.open_table(Release.of(small, "tiny", tiny.NEWEST), "nuclei")
    wide, report = join(small, nuclei, "types", "root_id")
    names = ["cell_type", "classification_system", "num_rows"]
    shown = wide.frame.set_index("id")[[f"types.{name}" for name in names]].apply(tuple, axis=1)
    assert shown[1] == ("23P", "test", 1) and shown[7] == ("BC", "test", 1)
    assert shown[4] == shown[5] == ("several: 23P | MC", "test", 2)  # two nuclei of one root id
    assert pd.isna(shown[6][0]) and shown[6][2] == 0
    assert (report.matched, report.missing, report.ambiguous, report.differing) == (4, 1, 2, 2)
    assert report.sentence().endswith(
        "2 have several, of which 2 differ: texts are all named, other values are blank (volume of 2)."
    )


@pytest.mark.parametrize("filter_", ["= several", "~ several", "in (several, ETs)"])
def test_cells_of_several_types_are_kept_by_that_word(small, filter_):
    nuclei = tables.open_table(Release.of(small, "tiny", tiny.NEWEST), "nuclei")
    wide, _ = join(small, nuclei, "types", "root_id")
    query = TableQuery(f"types.cell_type {filter_}")
    assert select(wide, query)["id"].tolist() == [4, 5]
    opposite = TableQuery(f"not (types.cell_type {filter_})")
    assert select(wide, opposite)["id"].tolist() == [1, 2, 3, 6, 7]
    groups = groups_of(small, wide, "types.cell_type")
    assert groups.labels(wide.frame["types.cell_type"])[wide.frame["id"].isin([4, 5])].eq("several").all()
    script = table_snippet(small, wide, query)
    names = {}
    exec(script, names)
    assert names["frame"]["types.cell_type"].tolist() == ["several: 23P | MC"] * 2
    assert names["frame"]["id"].tolist() == [4, 5]


@pytest.mark.parametrize(("other", "where"), [(MANUAL, ""), (BAYLOR, "volume > 200"), (MTYPES, "cell_type != BC")])
def test_a_crosstab_counts_every_pair_and_leads_to_its_rows(cave, types, other, where):
    wide, _ = join(cave, types, other)
    right = f"{other}.cell_type"
    table = crosstab(wide, TableQuery(where), "cell_type", right)
    kept = select(wide, TableQuery(where))
    pairs = Counter(
        (None if pd.isna(a) else a, None if pd.isna(b) else b)
        for a, b in zip(kept["cell_type"], kept[right], strict=True)
    )
    for i, a in enumerate(table.left_values):
        for j, b in enumerate(table.right_values):
            assert table.counts[i, j] == pairs[a, b]
    assert table.counts.sum() == len(kept) == table.total
    known = {pair: count for pair, count in pairs.items() if None not in pair}
    assert table.both == sum(known.values())
    assert table.agree == sum(count for (a, b), count in known.items() if a == b)
    disagreeing = [(a, b) for a, b in zip(kept["cell_type"], kept[right], strict=True) if not pd.isna(b) and a != b]
    both = f"({where}) and ({table.disagreeing})" if where else table.disagreeing
    assert len(select(wide, TableQuery(both))) == len(disagreeing) == table.both - table.agree
    i, j = map(int, np.unravel_index(table.counts.argmax(), table.counts.shape))
    assert len(select(wide, TableQuery(where, table.boxes(int(i), int(j))))) == table.counts.max()
    assert sorted(table.diagonal()) == list(range(len(table.right_values)))
    off = table.both - sum(most for _, most in most_of(known))
    line = f"({where}) and ({table.minority})" if where else table.minority
    assert table.off_majority == off == (len(select(wide, TableQuery(line))) if table.minority else 0)
    assert table.majority == pytest.approx(1 - off / table.both)
    assert f"of {table.both:,}" in table.sentence()


def test_a_crosstab_of_no_rows_is_empty(types):
    result = crosstab(types, TableQuery("volume > 1e9"), "cell_type", "classification_system")
    assert (result.total, result.both, result.diagonal()) == (0, 0, [])
    assert crosstabs.compared(result, TableAddress(), lambda line: None, filtered=True)


def most_of(known):
    """For each left value the number of rows of its most frequent right one."""
    return {a: max(n for (own, _), n in known.items() if own == a) for a, _ in known}.items()


@pytest.fixture
def raters():
    """A table of fifty rows that two raters judged, and one that only the first did."""
    from tests.unit.test_tables import INFO, VERSION

    pairs = [("yes", "yes")] * 20 + [("yes", "no")] * 5 + [("no", "yes")] * 10 + [("no", "no")] * 15 + [("yes", None)]
    frame = pd.DataFrame(pairs, columns=["a", "b"]).astype("string")
    return tables.TableFrame("demo", VERSION, INFO, tables.describe_columns(frame), frame)


def test_rows_narrowed_to_those_that_disagree_have_no_kappa(raters):
    whole = crosstab(raters, TableQuery(), "a", "b")
    result = crosstab(raters, TableQuery(whole.disagreeing), "a", "b")
    message = "15 of 15 rows have both; of these the filter leaves only ones that disagree: no measure of"
    assert result.sentence(filtered=True).startswith(message)
    shown = crosstabs.compared(result, TableAddress(), lambda line: f"?where={line}", filtered=True)
    assert "Show the" not in str(shown[1])  # rows that disagree are all there are
    same = crosstab(raters, TableQuery("a = yes and b = yes or a = no and b = no"), "a", "b")
    assert "35 of 35 rows have both; of these the filter leaves only ones that agree" in same.sentence(filtered=True)
    assert "0 of 15 agree" in result.sentence()  # without a filter, they happen not to


def test_kappa_is_that_of_the_textbook(raters):
    result = crosstab(raters, TableQuery(), "a", "b")
    assert result.kappa == pytest.approx(0.4)
    assert (result.agree, result.both, result.total) == (35, 50, 51)
    assert result.agreement == pytest.approx(0.7)
    assert result.majority == pytest.approx((20 + 15) / 50)
    assert "35 of 50 agree (70.0%, Cohen's kappa 0.400)" in result.sentence(filtered=True)
