"""Old Table Viewer links through the whole application: the address they lead to, the table that it opens, its rows."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pandas as pd
import pytest
import requests
from caveclient import CAVEclient

from tests import servers

DS, TYPES, NUCLEI = "karst_demo", "aibs_metamodel_celltypes_v661", "nucleus_detection_v0"
PATH = f"/dash/datastack/{DS}/apps/table_viewer/"


@pytest.fixture(scope="module")
def karst(localcave_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the application as it is served."""
    with servers.karst(localcave_url, tmp_path_factory.mktemp("cache"), WEB_CONCURRENCY="1") as url:
        yield url


@pytest.fixture(scope="module")
def cave(localcave_url: str) -> CAVEclient:
    direct = CAVEclient(DS, server_address=localcave_url, auth_token="none", write_server_cache=False)
    direct.version = max(direct.materialize.get_versions())
    return direct


class Opened:
    """What a person sees of an old link: the address it ends at, and what the page draws there."""

    def __init__(self, karst: str, search: str, path: str = PATH) -> None:
        self.karst, self.browser = karst, requests.Session()
        page = self.browser.get(karst + path + search)
        assert page.status_code == 200
        assert [answer.status_code for answer in page.history] in ([302], [308, 302])
        self.path, query = urlsplit(page.url)[2:4]
        self.query = parse_qs(query)
        outputs = [{"id": f"table-{part}", "property": "children"} for part in ("results", "status", "notes")]
        inputs = [{"id": "table-query", "property": "data", "value": self.query}, {"id": "reload", "property": "data"}]
        outputs += [{"id": "table-where", "property": "value"}, {"id": "table-href", "property": "data"}]
        names = [f"{each['id']}.{each['property']}" for each in outputs]
        output = f"..{'...'.join(names)}.."
        drawn = self._call(output=output, outputs=outputs, inputs=inputs, changedPropIds=["table-query.data"])
        self.status, self.notes = (text(drawn[id]["children"]) for id in ("table-status", "table-notes"))
        self.grid = next(part for part in parts(drawn) if "getRowId" in part)

    def _call(self, **requested: Any) -> dict[str, Any]:
        """What a callback answers, asked as Dash's own renderer asks."""
        answer = self.browser.post(f"{self.karst}/_dash-update-component", json=requested)
        assert answer.status_code == 200, answer.text
        response: dict[str, Any] = answer.json()["response"]
        return response

    @property
    def boxes(self) -> dict[str, str]:
        """What is typed above the columns."""
        model = self.grid["dashGridOptions"]["initialState"]["filter"]["filterModel"]
        return {name: one["filter"] for name, one in model.items()}

    @property
    def columns(self) -> list[str]:
        return [column["field"] for column in self.grid["columnDefs"]]

    def rows(self) -> list[dict[str, Any]]:
        """All rows that the grid gets."""
        model = self.grid["dashGridOptions"]["initialState"]["filter"]["filterModel"]
        request = {"startRow": 0, "endRow": 5_000, "filterModel": model, "sortModel": []}
        id, pattern = self.grid["id"], {"key": ["MATCH"], "of": ["MATCH"], "side": ["MATCH"], "type": "table-rows"}
        requested = {**id, "type": "table-requested"}
        (answer,) = self._call(
            output=f"{json.dumps(pattern, separators=(',', ':'))}.getRowsResponse",
            outputs={"id": id, "property": "getRowsResponse"},
            inputs=[{"id": requested, "property": "data", "value": request}],
            state=[{"id": id, "property": "id", "value": id}, {"id": "table-picked", "property": "data"}],
            changedPropIds=[f"{json.dumps(requested, sort_keys=True, separators=(',', ':'))}.data"],
        ).values()
        rows: list[dict[str, Any]] = answer["getRowsResponse"]["rowData"]
        assert answer["getRowsResponse"]["rowCount"] == len(rows)
        return rows

    def ids(self) -> set[str]:
        return {row["id"] for row in self.rows()}


def parts(drawn: Any) -> Iterator[dict[str, Any]]:
    """The properties of every component."""
    if isinstance(drawn, dict):
        if "props" in drawn:
            yield drawn["props"]
        for value in drawn.values():
            yield from parts(value)
    elif isinstance(drawn, list):
        for value in drawn:
            yield from parts(value)


def text(drawn: Any) -> str:
    """All that is written."""
    if isinstance(drawn, dict):
        return text(drawn.get("props", {}).get("children"))
    return "".join(map(text, drawn)) if isinstance(drawn, list) else str(drawn or "")


def ids(rows: pd.DataFrame) -> set[str]:
    return set(rows["id"].astype(str))


def test_a_link_with_the_datastack_only_opens_its_first_table(karst: str, cave: CAVEclient) -> None:
    opened = Opened(karst, f'?datastack="{DS}"')
    assert opened.path == "/table-viewer"
    assert f"{TYPES} · {DS} · version {cave.version}" in opened.status
    assert (opened.boxes, opened.notes) == ({}, "")
    assert opened.ids() == ids(cave.materialize.query_table(TYPES))


SEARCHED = (
    f'?cell-type-table-menu="{TYPES}"&mat-version=1507&anno-id=""&id-type="root_id"'
    f'&cell-type="BC,MC"&value-column-search="cell_type"&datastack="{DS}"'
)


@pytest.mark.parametrize(
    "search",
    [
        SEARCHED,
        SEARCHED.replace('"', "%22"),
        SEARCHED.replace('"', "'"),
        SEARCHED.replace('"', ""),
        SEARCHED.replace("=", "::value="),
        SEARCHED.replace('""', "None").replace("BC,MC", " BC , MC, "),
        SEARCHED.replace("cell-type-table-menu", "cell-type-table-dropdown"),
        SEARCHED.replace('"BC,MC"', "['BC', 'MC']"),
    ],
)
def test_a_value_search_is_the_box_of_its_column(karst: str, cave: CAVEclient, search: str) -> None:
    opened = Opened(karst, search)
    assert f"{TYPES} · {DS} · version 1507" in opened.status
    assert (opened.boxes, opened.notes) == ({"cell_type": "in (BC, MC)"}, "")
    rows = cave.materialize.query_table(TYPES, materialization_version=1507)
    kept = rows[rows["cell_type"].isin(["BC", "MC"])]
    assert opened.ids() == ids(kept)
    assert {row["pt_root_id"] for row in opened.rows()} == set(kept["pt_root_id"].astype(str))
    assert {"pt_root_id", "id", "target_id", "cell_type", "classification_system", "volume"} <= {*opened.columns}
    assert {f"pt_position_{axis}" for axis in "xyz"} <= {*opened.columns}


@pytest.mark.parametrize(
    ("id_type", "column"),
    [('"root_id"', "pt_root_id"), ('"nucleus_id"', "target_id"), ('"anno_id"', "id"), ('""', "pt_root_id")],
)
@pytest.mark.parametrize("written", ['"{0}, {1},"', "{0}", "[{0},{1}]"])
def test_ids_are_the_box_of_their_kind(karst: str, cave: CAVEclient, id_type: str, column: str, written: str) -> None:
    rows = cave.materialize.query_table(TYPES)
    chosen = rows.loc[rows["pt_root_id"] != 0, column].drop_duplicates().iloc[[3, 9]].tolist()
    requested = written.format(*chosen)
    opened = Opened(karst, f'?anno-id={requested}&id-type={id_type}&cell-type-table-menu="{TYPES}"')
    assert list(opened.boxes) == [column]
    kept = rows[rows[column].isin(chosen if "{1}" in written else chosen[:1])]
    assert opened.ids() == ids(kept)
    assert {row[column] for row in opened.rows()} == set(kept[column].astype(str)), "all digits of every id"


def test_ids_and_a_value_search_both_count(karst: str, cave: CAVEclient) -> None:
    rows = cave.materialize.query_table(TYPES)
    roots = [
        *rows.loc[rows["cell_type"] == "BC", "pt_root_id"][:4],
        *rows.loc[rows["cell_type"] == "MC", "pt_root_id"][:4],
    ]
    listed = quote(", ".join(map(str, roots)))
    opened = Opened(
        karst, f'?anno-id="{listed}"&cell-type="MC"&value-column-search="cell_type"&cell-type-table-menu="{TYPES}"'
    )
    assert set(opened.boxes) == {"pt_root_id", "cell_type"}
    assert opened.ids() == ids(rows[rows["pt_root_id"].isin(roots) & (rows["cell_type"] == "MC")]) != set()


@pytest.mark.parametrize(
    ("column", "value", "kept"),
    [
        (
            "classification_system",
            "excitatory_neuron,nonneuron",
            lambda rows: rows.isin(["excitatory_neuron", "nonneuron"]),
        ),
        ("classification_system", "L2/3, a b", lambda rows: rows.isin(["L2/3", "a b"])),
        ("valid", "True", lambda rows: rows),
    ],
)
def test_any_column_can_be_searched(karst: str, cave: CAVEclient, column: str, value: str, kept: Any) -> None:
    rows = cave.materialize.query_table(TYPES)
    opened = Opened(karst, f'?cell-type="{quote(value)}"&value-column-search="{column}"&cell-type-table-menu="{TYPES}"')
    assert list(opened.boxes) == [column]
    assert opened.ids() == ids(rows[kept(rows[column])])


def test_the_version_of_the_link_is_opened_or_it_is_said_why_not(karst: str, cave: CAVEclient) -> None:
    table = f'&cell-type-table-menu="{NUCLEI}"'
    assert "version 1507" in Opened(karst, f"?mat-version=1507{table}").status
    for nothing in ('?mat-version=""', "?mat-version=None", "?"):
        opened = Opened(karst, nothing + table)
        assert (f"version {cave.version}" in opened.status, opened.notes) == (True, "")
    expired = Opened(karst, f"?mat-version=1412{table}")
    assert f"Version 1412 of {DS} has expired" in expired.notes
    live = Opened(karst, f'?mat-version="live"{table}')
    assert live.query["version"] == ["live"] and "live data, of no version" in live.notes
    named = Opened(karst, f'?mat-version="v943 "{table}')
    assert f"version {cave.version}" in named.status and "is not a version number" in named.notes


def test_what_cannot_be_shown_is_said_once(karst: str) -> None:
    opened = Opened(karst, f'?cell-type="BC"&cell-type-table-menu="{TYPES}"')
    assert (opened.boxes, "without naming a column" in opened.notes) == ({}, True)
    lost = Opened(karst, f'?cell-type="BC"&value-column-search="nope"&cell-type-table-menu="{TYPES}"')
    assert (lost.boxes, "no column 'nope'" in lost.notes) == ({}, True)
    assert "without naming a column" not in lost.notes
    assert "live query switch" in Opened(karst, '?live-query-toggle="static"').notes
    assert "'foo'" in Opened(karst, "?foo=1").notes
    assert "no viewer called 'cell_plotter'" in Opened(karst, "", PATH.replace("table_viewer", "cell_plotter")).notes


def test_a_link_without_the_last_slash_opens_the_same(karst: str) -> None:
    assert Opened(karst, SEARCHED, PATH.rstrip("/")).query == Opened(karst, SEARCHED).query


def test_the_datastack_of_the_link_goes_before_that_of_the_path(karst: str) -> None:
    opened = Opened(karst, f'?datastack="{DS}"', PATH.replace(DS, "minnie65_public"))
    assert opened.query["datastack"] == [DS]
    assert DS in opened.status


def test_old_links_whose_pages_are_not_opened_do_not_pile_up(karst: str) -> None:
    """What they meant goes in a cookie, which browsers drop beyond 4 kB."""
    browser = requests.Session()
    for _ in range(40):
        unknown = "&".join(f"{uuid.uuid4().hex}=x" for _ in range(20))
        assert browser.get(f"{karst}{PATH}?{unknown}", allow_redirects=False).status_code == 302
        assert sum(len(cookie.value or "") for cookie in browser.cookies) < 4_000
