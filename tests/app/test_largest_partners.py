"""The largest partners that make up a share of all synapses: services and API against plain adding up."""

import contextlib
import io
from fractions import Fraction

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cave.release import Release
from services.cells import partner_sets, partner_table
from services.core.errors import BadInput
from services.views.addresses import parse_connectivity

DS, SYNAPSES = "karst_demo", "synapses_pni_2"
ENDS = {"in": ("post_pt_root_id", "pre_pt_root_id"), "out": ("pre_pt_root_id", "post_pt_root_id")}


def expected(counts, percent):
    """Partners one by one, most synapses first, until they have enough."""
    kept, have = [], 0
    for root, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
        if have * 100 >= percent * sum(counts.values()):
            break
        kept.append(root)
        have += count
    return kept


@pytest.fixture(scope="module")
def newest(cave):
    return cave.versions(DS)[0].number


@pytest.fixture(scope="module")
def root(cave, newest):
    return int(Release.of(cave, DS, newest).table("proofreading_status_and_strategy")["pt_root_id"].iloc[0])


@pytest.fixture(scope="module")
def counts(cave, newest, root):
    return {direction: partners(cave, newest, root, direction) for direction in ENDS}


def partners(cave, newest, root, direction):
    own, other = ENDS[direction]
    rows = Release.of(cave, DS, newest).table(SYNAPSES)
    ends = rows.loc[rows[own] == root, other].fillna(0)
    return {int(one): int(count) for one, count in ends[(ends != 0) & (ends != root)].value_counts().items()}


def get(client, root, status=200, what="partners", **requested):
    answer = client.get(f"/api/v1/{DS}/latest/cells/{root}/{what}", query_string=requested)
    assert answer.status_code == status, answer.text
    return answer


@pytest.mark.parametrize("direction", ["in", "out"])
@pytest.mark.parametrize("percent", ["100", "80", "50%", "33.3 %", "0.01"])
def test_the_largest_partners_make_up_the_share_that_is_asked_for(client, root, counts, direction, percent):
    counts = counts[direction]
    kept = expected(counts, Fraction(percent.rstrip(" %")))
    result = get(client, root, direction=direction, top=percent).json
    assert [int(row["root_id"]) for row in result["rows"]] == kept
    gone = sum(counts.values()) - sum(counts[one] for one in kept)
    assert (f"{gone:,} synapses." in " ".join(result["left_out"])) == (gone > 0)
    listed = get(client, root, what="synapses", direction=direction, top=percent).json
    assert listed["total"] == sum(counts[one] for one in kept)


@pytest.mark.parametrize("direction", ["in", "out", "merged"])
def test_the_script_has_the_same_partners(client, root, direction):
    requested = {"direction": direction, "top": "60", "at_least": "1" if direction == "out" else "2"}
    names: dict = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(get(client, root, what="partners/python", **requested).text, "snippet", "exec"), names)
    rows = get(client, root, **requested).json["rows"]
    assert rows
    assert names["frame"]["root_id"].astype(str).tolist() == [row["root_id"] for row in rows]


def test_of_several_cells_the_largest_of_all_count(client, cave, newest):
    roots = [
        int(one)
        for one in Release.of(cave, DS, newest).table("proofreading_status_and_strategy")["pt_root_id"].iloc[:2]
    ]
    together = pd.Series([partners(cave, newest, one, "in") for one in roots]).map(pd.Series)
    counts = pd.concat(together.tolist()).groupby(level=0).sum().to_dict()
    result = get(client, ",".join(map(str, roots)), direction="in", top="40").json["rows"]
    assert {int(row["root_id"]) for row in result} == set(expected(counts, 40))


@given(st.dictionaries(st.integers(1, 50), st.integers(1, 9)), st.fractions(Fraction(1, 100), 100, max_denominator=100))
def test_no_smaller_set_of_partners_would_do(counts, percent):
    frame = pd.DataFrame({"root_id": list(counts), "num_syn": list(counts.values())}).astype("int64")
    kept, message = partner_sets.largest(frame, percent)
    assert sorted(kept["root_id"]) == sorted(expected(counts, percent))
    assert bool(message) == (len(kept) < len(frame))


@pytest.mark.parametrize("text", ["0", "-5", "101", "many", "1e2", "8O", "%", "80%%", "nan"])
def test_what_is_no_percentage_is_refused(client, root, text):
    with pytest.raises(BadInput, match="not a percentage"):
        partner_table.percentage(text)
    assert "not a percentage" in get(client, root, status=400, top=text).json["error"]["message"]


def test_the_address_holds_the_share():
    view, warnings = parse_connectivity({"cell": "1", "top": "80"})
    assert (view.top, warnings) == ("80", ())
    assert "top=80" in view.href()
