"""The API with filters of one column against another and of values that occur once, against plain counting."""

import pandas as pd
import pytest

DS, PROOFREADING, NUCLEI = "karst_demo", "proofreading_status_and_strategy", "nucleus_detection_v0"


def total(client, table, **asked):
    answer = client.get(f"/api/v1/{DS}/latest/tables/{table}/rows", query_string={"limit": 0, **asked})
    assert answer.status_code == 200, answer.text
    return answer.json["total"]


@pytest.fixture(scope="module")
def newest(cave):
    return cave.versions(DS)[0].number


def test_stale_ids_are_counted_by_one_column_against_another(cave, client, newest):
    rows = cave.table(DS, newest, PROOFREADING)
    pairs = [(a, b) for a, b in zip(rows["pt_root_id"], rows["valid_id"], strict=True) if pd.notna(a) and pd.notna(b)]
    stale = sum(int(a) != int(b) for a, b in pairs)
    assert 0 < stale < len(pairs)
    assert total(client, PROOFREADING, filter="pt_root_id != valid_id") == stale
    assert total(client, PROOFREADING, filter="pt_root_id = valid_id") == len(pairs) - stale


@pytest.mark.parametrize("unit", ["vx", "nm", "um"])
def test_a_root_id_that_occurs_once(cave, client, newest, unit):
    rows = cave.table(DS, newest, NUCLEI)
    counts = rows["pt_root_id"].dropna().value_counts().drop(0, errors="ignore")
    assert total(client, NUCLEI, filter="once(pt_root_id)", units=unit) == int((counts == 1).sum())
