"""What is no body of a page, sent to its callbacks: a sentence, never a mistake."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.cases import IDS, JUNK, TEXTS, mutated, tries

DS, TYPES, SYNAPSES = "karst_demo", "aibs_metamodel_celltypes_v661", "synapses_pni_2"
UPDATE = "/_dash-update-component"
NAMES = st.sampled_from(["id", "pt_root_id", "cell_type", "volume", "depth_um", "nope", "cell_type.x", "num_syn"])
PARAMS = st.fixed_dictionaries(
    {},
    optional={
        "datastack": st.sampled_from([DS, DS, "nope", "../x"]),
        "version": st.sampled_from(["latest", "1621", "live", "1", "x", "2024-02-30"]),
        "table": st.sampled_from([TYPES, TYPES, "nucleus_detection_v0", SYNAPSES, "nope"]),
        "where": TEXTS,
        "f.cell_type": TEXTS,
        "sort": st.one_of(NAMES, TEXTS),
        "columns": TEXTS,
        "join": st.sampled_from(["nucleus_detection_v0", "nope", ""]),
        "plot": st.sampled_from(["scatter", "counts", "histogram", "map", "nope"]),
        "x": NAMES,
        "y": NAMES,
        "group_by": NAMES,
        "panel": st.sampled_from(["plot", "facets", "compare", "3d", "ids", "x"]),
        "unit": st.sampled_from(["nm", "um", "vx", "x"]),
        "cell": st.one_of(IDS, TEXTS),
        "id_type": st.sampled_from(["auto", "root_id", "nucleus_id", "x"]),
        "tab": st.sampled_from(["in", "out", "both", "types", "x"]),
        "synapses": TEXTS,
        "at_least": TEXTS,
        "top": TEXTS,
        "against": st.sampled_from(["1507", "latest", "x"]),
        "type_table": st.sampled_from([TYPES, "nope"]),
        "type_by": TEXTS,
        "more": TEXTS,
    },
)


def _href(page: str, params: dict[str, str]) -> str:
    clean = {name: text.encode(errors="replace").decode() for name, text in params.items()}
    return f"/{page}?{urlencode(clean)}"


PLACE = {"datastack": DS, "version": "1621"}
"""A version that the demo has; its cells have the same ids each time."""
TABLE, CELL = PLACE | {"table": TYPES}, PLACE | {"cell": "864691136229326873", "type_table": TYPES}
HREFS = st.one_of(
    st.builds(_href, st.sampled_from(["table-viewer", "connectivity-viewer", "x"]), PARAMS),
    PARAMS.map(lambda params: _href("table-viewer", params | TABLE)),
    PARAMS.map(lambda params: _href("connectivity-viewer", params | CELL)),
)
MODEL = {
    "filterModel": st.dictionaries(NAMES, st.builds(dict, filter=TEXTS), max_size=2),
    "sortModel": st.lists(st.builds(dict, colId=NAMES, sort=st.sampled_from(["asc", "desc"])), max_size=2),
}
STATES = st.fixed_dictionaries({"of": HREFS, **MODEL})
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "query.data": st.one_of(PARAMS, PARAMS.map(lambda one: one | TABLE), PARAMS.map(lambda one: one | CELL)),
    "shown.data": STATES,
    "getRowsRequest": st.fixed_dictionaries(
        {"startRow": st.integers(0, 10_000), "endRow": st.integers(0, 10_000), **MODEL}
    ),
    "of.data": HREFS,
    "href.data": HREFS,
    "tab.data": st.sampled_from(["plot", "facets", "compare", "3d", "ids", "in", "out", "both", "types", "x"]),
    "columns.value": st.lists(NAMES, max_size=4),
    "selected.data": st.lists(IDS, max_size=3),
    "picked.data": st.builds(
        lambda corners: {"x": [x for x, _ in corners], "y": [y for _, y in corners]},
        st.lists(st.tuples(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9)), min_size=1, max_size=4),
    ),
    "drawn.data": st.one_of(
        st.builds(dict, rows=st.lists(st.integers(0, 2**31 - 1), max_size=3)), st.builds(dict, value=TEXTS)
    ),
    "lesson-name.data": st.one_of(st.sampled_from(["inputs-of-a-cell", ""]), TEXTS),
    "lesson-answer.value": TEXTS,
    "gallery-query.data": st.builds(dict, figure=TEXTS, version=st.sampled_from(["", "latest", "x"])),
    "pop-job.data": TEXTS,
    "n_clicks": st.integers(0, 3),
    "n_intervals": st.integers(0, 3),
    "pathname": st.sampled_from(["/", "/table-viewer", "/connectivity-viewer", "/catalogue", "/x"]),
    "search": st.one_of(PARAMS.map(lambda params: _href("", params)[1:]), TEXTS),
    "ids.value": st.one_of(TEXTS, st.lists(IDS).map(", ".join)),
    "ids-type.value": st.sampled_from(["auto", "root_id", "nucleus_id", "annotation_id", "x"]),
}
SIDES = st.sampled_from(["in", "out", "both"])


def _value(id: Any, name: str) -> st.SearchStrategy[Any]:
    if name == "id":
        return st.just(id)
    written = id if isinstance(id, str) else id["type"]
    result = next((values for end, values in VALUES.items() if f"{written}.{name}".endswith(end)), JUNK)
    return st.one_of(st.none(), result, result, result, result)


def _name(item: dict[str, Any]) -> str:
    id = item["id"]
    written = id if isinstance(id, str) else json.dumps(id, sort_keys=True, separators=(",", ":"))
    return f"{written}.{item['property']}"


@st.composite
def _bodies(draw: st.DrawFn, one: dict[str, Any]) -> dict[str, Any]:
    """A body for a callback that its page could send."""
    wild = {"side": draw(SIDES), "of": draw(HREFS), "key": draw(st.sampled_from(["id", "root_id"])), "as": "script"}

    def items(part: dict[str, Any], *, valued: bool = True) -> Any:
        name = part["property"]
        if not part["id"].startswith("{"):
            return _item(part["id"], name, valued)
        pattern = json.loads(part["id"])
        id = {key: wild.get(key, "x") if isinstance(value, list) else value for key, value in pattern.items()}
        many = ["ALL"] in pattern.values()
        return [_item(id, name, valued)] if many else _item(id, name, valued)

    def _item(id: Any, name: str, valued: bool) -> dict[str, Any]:
        return {"id": id, "property": name} | ({"value": draw(_value(id, name))} if valued else {})

    written = one["output"]
    outputs = []
    for part in written.strip(".").split("...") if written.startswith("..") else [written]:
        id, _, name = part.rpartition(".")
        outputs.append(items({"id": id, "property": name}, valued=False))
    inputs = [items(part) for part in one["inputs"]]
    flat = [item for some in inputs for item in (some if isinstance(some, list) else [some])]
    changed = [_name(item) for item in flat[: draw(st.integers(0, len(flat)))]]
    return {
        "output": written,
        "outputs": outputs if written.startswith("..") else outputs[0],
        "inputs": inputs,
        "state": [items(part) for part in one["state"]],
        "changedPropIds": changed,
    }


@pytest.fixture(scope="module")
def callbacks(client: FlaskClient) -> list[dict[str, Any]]:
    """All callbacks that the server answers."""
    listed = client.get("/_dash-dependencies").json
    assert listed is not None
    matches = [one for one in listed if not one["clientside_function"] and not one["no_output"]]
    assert len(matches) > 25
    return matches


@tries(1_000)
@given(data=st.data())
def test_bodies(data: st.DataObject, callbacks: list[dict[str, Any]], client: FlaskClient, mistakes: list[str]) -> None:
    one = data.draw(st.sampled_from(callbacks))
    body = data.draw(mutated(_bodies(one)))
    answer = client.post(UPDATE, data=json.dumps(body), content_type="application/json")
    assert not mistakes, mistakes.pop()
    assert answer.status_code in (200, 204, 400, 404), answer.text
    assert "went wrong in Karst" not in answer.text


PASSED = {200, 204, 404}
"""404 says that there is no such job or lesson."""


def passes(one: dict[str, Any], client: FlaskClient) -> bool:
    """Whether a body for a callback gets through the door, out of 20."""
    answers: list[int] = []

    @tries(20)
    @given(body=_bodies(one))
    def send(body: dict[str, Any]) -> None:
        if not PASSED & set(answers):
            answers.append(client.post(UPDATE, data=json.dumps(body), content_type="application/json").status_code)

    send()
    return bool(PASSED & set(answers))


def test_what_a_page_sends_passes(callbacks: list[dict[str, Any]], client: FlaskClient) -> None:
    """Else nothing would be tried behind the door."""
    refused = [one["output"] for one in callbacks if not passes(one, client)]
    assert len(refused) < 0.1 * len(callbacks), refused


def test_a_button_that_has_left_the_page_meanwhile(callbacks: list[dict[str, Any]], client: FlaskClient) -> None:
    """Dash names what changed when it did, and the buttons that there are when it sends."""
    one = next(one for one in callbacks if one["output"] == "table-copied.data")
    states = [{"id": part["id"], "property": part["property"], "value": None} for part in one["state"]]
    output = {"id": "table-copied", "property": "data"}

    def status(*changed: str) -> int:
        sent = {"output": one["output"], "outputs": output, "inputs": [[]], "state": states, "changedPropIds": changed}
        return client.post(UPDATE, json=sent).status_code

    assert status('{"as":"script","type":"table-copy"}.n_clicks') == 204
    for other in ('{"as":"script","type":"another"}.n_clicks', "table-copy.n_clicks", "{.n_clicks", "nothing"):
        assert status(other) == 400


def test_a_callback_that_waits_for_a_click_does_not_run_without_one(
    callbacks: list[dict[str, Any]], client: FlaskClient, mistakes: list[str]
) -> None:
    one = next(one for one in callbacks if one["output"] == "table-copied.data")
    button = {"id": {"as": "script", "type": "table-copy"}, "property": "n_clicks", "value": 1}
    values = {"table-shown": {"of": _href("table-viewer", TABLE)}}
    body = {
        "output": one["output"],
        "outputs": {"id": "table-copied", "property": "data"},
        "inputs": [[button]],
        "state": [part | {"value": values.get(part["id"])} for part in one["state"]],
    }

    def status(*changed: str) -> int:
        return client.post(UPDATE, json=body | {"changedPropIds": changed}).status_code

    assert status('{"as":"script","type":"table-copy"}.n_clicks') == 200
    assert status() == 204
    assert not mistakes


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"nothing",
        b"[]",
        b"1",
        b"\xff\xfe",
        b'{"output": "\\ud800"}',
        b"[" * 100_000,
        b'{"a":' * 900 + b"1" + b"}" * 900,
        b'{"output": NaN}',
        b'{"output": ["x"]}',
        b'{"output": "home-ways.children"}',
        b'{"output": "nope.children", "inputs": [], "changedPropIds": []}',
    ],
)
def test_what_is_no_body(content: bytes, client: FlaskClient) -> None:
    answer = client.post(UPDATE, data=content, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["error"]["code"] == "bad_input"
    assert len(answer.json["error"]["message"]) < 300


def test_another_method(client: FlaskClient) -> None:
    answer = client.get(UPDATE)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize("path", ["x/y.js", "dash/x.js", "dash_html_components/../../app.py", "dash/%00", "os/path.py"])
def test_a_file_of_no_components(path: str, client: FlaskClient) -> None:
    assert client.get(f"/_dash-component-suites/{path}").status_code == 404
