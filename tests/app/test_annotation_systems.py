"""Long tables of annotations, held or too large for that: one system of them, each, or free tags."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import flask
import pandas as pd
import pytest
from flask.testing import FlaskClient

from api import blueprint
from services.cave.client import Cave
from services.cave.release import Release
from services.core.settings import Settings
from services.populations import sets
from services.tables import examples, joins, live
from services.views import search, start
from services.views.addresses import parse_table
from tests.app.siblings import FLY, annotated, ask, busiest, frame_of
from tests.app.test_partner_snippet import assert_same, run
from tests.datastacks import SYSTEMS
from tests.naturally import in_one_text


def one_system(client: FlaskClient, fly: dict[str, pd.DataFrame], **requested: str) -> tuple[dict, pd.DataFrame]:
    cell = busiest(fly["synapses_nt_v1"])
    types = {"types": "hierarchical_neuron_annotations", "direction": "in", "synapses": "all"}
    answer = ask(client, FLY, f"cells/{cell}/partners", **types, **requested)
    return answer, frame_of(answer)


@pytest.fixture(params=[500_000, 600], ids=["held", "larger than is held"])
def asking(request: pytest.FixtureRequest, siblings_url: str) -> FlaskClient:
    """The API of a Karst that holds tables of so many rows."""
    app = flask.Flask("test_long_tables")
    app.extensions["karst"] = Cave(Settings(server_address=siblings_url, cache="", max_table_rows=request.param))
    app.register_blueprint(blueprint)
    return app.test_client()


def test_annotations_are_read_one_system_at_a_time(asking: FlaskClient, fly) -> None:
    for rule, system in (("", "cell_type"), ("classification_system=super_class", "super_class")):
        answer, result = one_system(asking, fly, type_by=rule)
        assert result["cell_type"].dropna().to_dict() == {
            root: word for root, word in annotated(fly, system).items() if root in result.index
        }
        assert not [message for message in answer["notes"] if "several rows" in message]
    every = one_system(asking, fly, type_by="all")[1]
    assert every["cell_type"].str.startswith("several: ").all()


def test_types_are_known_wherever_their_table_is_held_or_not(asking: FlaskClient, fly) -> None:
    table, types = "hierarchical_neuron_annotations", pd.Series(annotated(fly, "cell_type"))
    counts = types.value_counts()
    release = Release.of(asking.application.extensions["karst"], *FLY)
    listed = start.types(release, 4)
    assert [one.rows for one in listed] == counts.iloc[:4].tolist()
    assert {one.name: one.rows for one in listed} == counts[[one.name for one in listed]].to_dict()
    assert all(one.colour for one in listed)
    assert all(types[root] == word for root, word in examples.cells(release)) and examples.cells(release)
    for word, system in ((listed[0].name.lower(), "cell_type"), ("optic", "super_class"), ("left", "side")):
        there = parse_table(parse_qs(urlsplit(search.address_of(release, word)).query))[0]
        assert there.boxes["cell_type"].casefold() == word.casefold()
        assert there.boxes["classification_system"] == system

    synapses = fly["synapses_nt_v1"]
    synapses = synapses[synapses["cleft_score"] >= 50]
    synapses = synapses[synapses["pre_pt_root_id"] != synapses["post_pt_root_id"]]
    cells = synapses["post_pt_root_id"].value_counts().drop(0, errors="ignore").index[:30]
    sets = {"pre": f"{table}:cell_type = {listed[0].name}", "post": ",".join(map(str, cells)), "proofread": "off"}
    answer = ask(asking, FLY, "populations/matrix", **sets, post_by=f"{table}.cell_type")
    pre = types.index[types == listed[0].name]
    own = synapses[synapses["pre_pt_root_id"].isin(pre) & synapses["post_pt_root_id"].isin(cells)]
    counted = own.groupby(own["post_pt_root_id"].map(types)).size().to_dict()
    assert {row["post"]: row["value"] for row in answer["rows"] if row["value"] and row["post"]} == counted and counted
    assert {row["pre"] for row in answer["rows"]} == {listed[0].name}
    usual = ask(asking, FLY, "populations/matrix", **sets)
    assert (usual["pre_by"], usual["post_by"], usual["rows"]) == (*[f"{table}.cell_type"] * 2, answer["rows"])


def test_a_set_of_too_many_rows_to_hold_is_read_by_its_root_ids(asking: FlaskClient, fly) -> None:
    table = "hierarchical_neuron_annotations"
    known = annotated(fly, "flow")
    afferent = {root for root, word in known.items() if word == "afferent"} - {0}
    release = Release.of(asking.application.extensions["karst"], *FLY)
    assert set(sets.resolve(release, f"{table}:").ids) == set(known) - {0}  # more than 600 rows
    one = sets.resolve(release, f"{table}:classification_system = flow and cell_type = afferent")
    assert (set(one.ids), one.num_rows) == (afferent, list(known.values()).count("afferent"))


def test_each_system_has_a_column(asking: FlaskClient, fly) -> None:
    _, result = one_system(asking, fly, type_by="each")
    for system in ("flow", "super_class", "cell_type", "side"):
        known = annotated(fly, system)
        assert result[system].to_dict() == {root: known.get(root) for root in result.index}
    assert "classification_system" not in result


def test_a_value_that_no_row_has_is_refused_of_a_table_that_is_not_held(asking: FlaskClient, fly) -> None:
    cell, table = busiest(fly["synapses_nt_v1"]), "hierarchical_neuron_annotations"
    path = f"/api/v1/{FLY[0]}/{FLY[1]}/cells/{cell}/partners"
    query = {"types": table, "synapses": "all", "direction": "in"}
    for rule, words in (("classification_system=nope", "no row with"), ("nowhere=1", "cannot be chosen by")):
        answer = asking.get(path, query_string=query | {"type_by": rule})
        assert (answer.status_code, words in answer.json["error"]["message"]) == (400, True), answer.json
    partners = {int(row["root_id"]) for row in asking.get(path, query_string=query).json["rows"]}
    others = {word for root, word in annotated(fly, "cell_type").items() if root not in partners}
    here = {word for root, word in annotated(fly, "cell_type").items() if root in partners}
    absent = sorted(others - here)[0]  # some cell has it, no partner: not the same as nobody
    rows = asking.get(path, query_string=query | {"type_by": f"cell_type={absent}"}).json["rows"]
    assert len(rows) == len(partners) and not any(row["cell_type"] for row in rows)


def test_scripts_read_systems_as_the_page_does(asking: FlaskClient, fly) -> None:
    cell, table = busiest(fly["synapses_nt_v1"]), "hierarchical_neuron_annotations"
    path, known = f"cells/{cell}/partners", {"direction": "in", "synapses": "all"}
    for query in (
        {"types": table, "type_by": "each"},
        {"types": table, "type_by": "classification_system=super_class"},
        {"more": f"{table},neuron_information_v2"},
    ):
        rows = frame_of(ask(asking, FLY, path, **known, **query))
        script = asking.get(f"/api/v1/{FLY[0]}/{FLY[1]}/{path}/python", query_string=known | query)
        assert script.status_code == 200, script.text
        frame = run(script.text).set_index("root_id")
        names = [name for name in rows if name in (*SYSTEMS, "cell_type") or "." in name]
        assert names and frame.index.tolist() == rows.index.tolist()
        for name in names:
            assert_same(frame[[name]], rows[[name]])


def test_large_tables_and_other_systems_stand_beside_a_table(asking: FlaskClient, fly) -> None:
    table, path = "hierarchical_neuron_annotations", "tables/nuclei_v1/rows"
    for join, names in ((table, ["cell_type"]), (f"{table}:super_class", ["cell_type"]), (f"{table}:each", SYSTEMS)):
        answer = ask(asking, FLY, path, join=join, limit=500)
        rows = pd.DataFrame(answer["rows"]).astype({"pt_root_id": "int64"})
        for name in names:
            system = name if join.endswith("each") else join.partition(":")[2] or "cell_type"
            words = rows["pt_root_id"].map(annotated(fly, system))
            column = rows[f"{table}.{name}"]
            assert column.where(column.notna(), None).tolist() == words.where(words.notna(), None).tolist(), join
        query = {"join": join, "filter": f'"{table}.{names[0]}" != ""'}
        whole = asking.get(f"/api/v1/{FLY[0]}/{FLY[1]}/{path}", query_string=query | {"limit": 5000}).json["rows"]
        frame = run(asking.get(f"/api/v1/{FLY[0]}/{FLY[1]}/tables/nuclei_v1/python", query_string=query).text)
        assert frame["id"].astype(str).tolist() == [row["id"] for row in whole]
        last = f"{table}.{names[-1]}"
        assert frame[last].tolist() == [row[last] for row in whole]
    for join, why in ((f"{table}:nope", "no row of the system"), ("nuclei_v1:flow", "no systems")):
        place = f"/api/v1/{FLY[0]}/{FLY[1]}/tables/proofread_neurons/rows"
        refused = asking.get(place, query_string={"join": join, "limit": 1})
        assert (refused.status_code, why in refused.json["error"]["message"]) == (400, True), refused.json
    release = Release.of(asking.application.extensions["karst"], *FLY)
    shown = joins.join(release.cave, live.open_table(release, "nuclei_v1"), table)[0]
    assert joins.joinable(release.cave, shown)[:3] == [table, f"{table}:each", f"{table}:cell_type"]


def test_free_tags_are_joined_and_searched_as_text(asking: FlaskClient, fly) -> None:
    tags = fly["neuron_information_v2"]
    noted = tags.groupby("pt_root_id")["tag"].agg(lambda texts: list(dict.fromkeys(texts)))
    name = "neuron_information_v2.tag"
    _, result = one_system(asking, fly, more="neuron_information_v2")
    for root, message in result[name].items():
        texts = noted.get(root, [])
        assert message == in_one_text(texts)
    _, kept = one_system(asking, fly, more="neuron_information_v2", filter=f'"{name}" ~ "to be checked"')
    matching = {root for root, texts in noted.items() if any("to be checked" in text for text in texts)}
    assert set(kept.index) == matching & set(result.index)
    assert len(kept)
