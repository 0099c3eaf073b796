"""Pasted ids looked up through the real caveclient, against a datastack of which every row is known."""

import json
import time

import numpy as np
import pandas as pd
import pytest

from services.cave.client import Cave
from services.cave.release import Release
from services.cells import positions
from services.cells.id_search import search
from services.core.errors import BadInput
from services.core.settings import Settings
from services.populations import sets
from services.tables import saved_ids, tables
from services.tables.tables import TableQuery
from tests import tiny
from tests.servers import start_localcave

DS, TYPES = "karst_demo", "aibs_metamodel_celltypes_v661"


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    with start_localcave([tiny.make(tmp_path_factory.mktemp("tiny") / "tiny")]) as url:
        yield Cave(Settings(server_address=url, cache=""))


@pytest.fixture(scope="module")
def types(small):
    return tables.open_table(Release.of(small, "tiny", tiny.NEWEST), "types")


def summary(result):
    return {
        int(row.asked): (row.status, row.id_type, None if pd.isna(row.current) else int(row.current), int(row.num_rows))
        for row in result.ids.itertuples()
    }


def test_found_stale_absent_and_unknown_are_told_apart(small, types):
    nobody = tiny.A + 77777
    report = search(small, types, f"[{tiny.B}, {tiny.OLD}] {nobody} {tiny.TWO_SOMATA} 6, x, {2**40}")
    assert summary(report) == {
        tiny.B: ("found", "root_id", tiny.B, 1),
        tiny.OLD: ("stale", "root_id", tiny.A, 1),
        nobody: ("unknown", "", None, 0),
        tiny.TWO_SOMATA: ("found", "root_id", tiny.TWO_SOMATA, 2),
        6: ("absent", "nucleus_id", 6, 0),
        2**40: ("unknown", "", None, 0),
    }
    assert report.counts() == {"found": 2, "stale": 1, "newer": 0, "absent": 1, "unknown": 2}
    assert report.num_rows == 4
    message = " ".join(report.sentences)
    assert f"{tiny.OLD} -> {tiny.A}" in message
    assert "No ids: x." in message


def test_a_stale_id_of_a_set_is_replaced_and_counted(small):
    population = sets.resolve(Release.of(small, "tiny", tiny.NEWEST), str(tiny.OLD))
    assert population.ids.tolist() == [tiny.A]
    assert population.notes == ("No longer valid: 1 root id; the cell that holds most of it is used.",)


def test_the_line_keeps_exactly_the_rows(small, types):
    report = search(small, types, f"{tiny.B} {tiny.OLD} 5")
    rows = tables.select(types, TableQuery(where=report.where))
    assert sorted(rows["target_id"]) == [1, 2, 5]
    assert len(rows) == report.num_rows


@pytest.mark.parametrize(
    ("text", "id_type", "targets"),
    [
        ("3", "auto", [3]),
        ("13", "auto", [3]),
        ("13", "annotation_id", [3]),
        ("13", "nucleus_id", []),
        ("90000000000000001", "auto", [1]),
        ("90000000000000002", "auto", [1]),
        (str(tiny.C), "root_id", [3]),
        (str(tiny.C), "nucleus_id", []),
    ],
)
def test_types_of_ids(small, types, text, id_type, targets):
    report = search(small, types, text, id_type)
    rows = tables.select(types, TableQuery(where=report.where)) if report.where else types.frame.iloc[:0]
    assert rows["target_id"].tolist() == targets


def test_a_table_without_nuclei_is_reached_through_their_roots(small):
    synapses = tables.open_table(Release.of(small, "tiny", tiny.NEWEST), "synapses")
    report = search(small, synapses, "2 3 5")
    assert summary(report) == {
        2: ("found", "nucleus_id", tiny.B, 3),
        3: ("found", "nucleus_id", tiny.C, 1),
        5: ("absent", "nucleus_id", tiny.TWO_SOMATA, 0),
    }
    kept = tables.select(synapses, TableQuery(where=report.where))
    assert sorted(kept["id"]) == [1001, 1002, 1003, 1006]


@pytest.mark.parametrize("text", ["", "   ", "no ids here", "8.6E+17"])
def test_without_an_id_a_sentence(small, types, text):
    with pytest.raises(BadInput, match="no id"):
        search(small, types, text)


def test_ten_thousand_ids_with_rubbish_take_few_requests_and_a_moment(cave):
    table = tables.open_table(Release(cave, DS, cave.versions(DS)[0]), TYPES)
    roots = table.frame["pt_root_id"].drop_duplicates().to_numpy(np.int64)
    roots = roots[roots > 0]
    invented = 864691136999000000 + np.arange(10_000 - len(roots))
    text = "\n".join(f"{one}; rubbish{at}" for at, one in enumerate([*roots, *invented]))
    before, start = cave.counts["requests"], time.perf_counter()
    report = search(cave, table, text)
    assert time.perf_counter() - start < 30
    assert cave.counts["requests"] - before < 450
    assert report.counts()["found"] == min(len(roots), 10_000)
    assert report.counts()["found"] + report.counts()["stale"] + report.counts()["unknown"] == 10_000
    assert report.num_rows == table.frame["pt_root_id"].isin(roots).sum()
    assert len(report.where) < 200
    assert len(tables.select(table, saved_ids.query(cave, DS, report.where))) == report.num_rows
    assert len(" ".join(report.sentences)) < 1500


def test_a_short_link_gives_its_cells_and_another_server_s_is_refused(small, types):
    roots = types.frame.loc[types.frame["pt_root_id"] > 0, "pt_root_id"].drop_duplicates().head(3).tolist()
    state = {
        "layers": [{"type": "segmentation", "name": "s", "segments": [str(roots[0]), *(f"!{r}" for r in roots[1:])]}]
    }
    address = small.state_url("tiny", small.upload_state("tiny", state))
    for link in (f"https://spelunker.cave-explorer.org/#!{address}", f"https://old.org/?json_url={address}"):
        assert search(small, types, f"see {link} ").counts()["found"] == len(roots)
    elsewhere = address.replace("127.0.0.1", "cave.example.org")
    with pytest.raises(BadInput, match=r"cave\.example\.org"):
        search(small, types, f"https://spelunker.cave-explorer.org/#!{elsewhere}")


def test_rounded_ids_are_told(small, types):
    message = " ".join(search(small, types, f"{tiny.B} 864691135376822000 864691135376822600").sentences)
    assert "2 ids look rounded by a spreadsheet or a browser (864691135376822000, 864691135376822600)" in message


def test_a_link_s_own_segmentation_is_taken_and_other_layers_are_told(small, types):
    source = small.info("tiny")["segmentation_source"]
    nuclei = {"type": "segmentation", "name": "nuclei", "source": "precomputed://gs://x/nuclei", "segments": ["2", "3"]}
    cells = {"type": "segmentation", "name": "seg", "source": source, "segments": [str(tiny.A), str(tiny.B)]}
    for text in (json.dumps({"layers": [nuclei, cells]}), f"https://x.org/#!{json.dumps({'layers': [cells, nuclei]})}"):
        report = search(small, types, text)
        assert report.ids["asked"].tolist() == [tiny.A, tiny.B]
        assert "'nuclei'" in " ".join(report.sentences)


def test_where_both_sides_of_a_synapse_lie_at_one_place_both_are_named(small):
    with pytest.raises(BadInput, match="between two segments") as caught:
        positions.at(Release.of(small, "tiny", tiny.NEWEST), np.array([400.0, 800.0, 400.0]))
    assert str(tiny.A) in caught.value.message and str(tiny.B) in caught.value.message
    autapse = positions.at(Release.of(small, "tiny", tiny.NEWEST), np.array([520.0, 920.0, 520.0]))
    assert autapse.id == tiny.A
