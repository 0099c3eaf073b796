"""Two real servers of CAVE in one Karst, each with a datastack of the same name, its own token and its own answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import flask
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from flask.testing import FlaskClient

import app as _  # noqa: F401 - pages register with it
from api import blueprint
from api.health import blueprint as health
from callbacks import lessons
from localcave.folder.writer import table_path
from pages import join
from services.cave import servers
from services.cave.client import Cave
from services.cave.release import Release
from services.core.errors import BadInput, KarstError, NotAllowed, NotFound
from services.core.settings import Settings
from services.views import datastack_check
from services.views.addresses import CellAddress
from services.views.cell_view import CellView
from services.views.resolving import release_of
from tests import tiny
from tests.app.test_token_theft import record, thief
from tests.faults.proxy import proxied, status
from tests.servers import free_port, start_localcave

DS, V = tiny.DATASTACK, tiny.NEWEST
TOKENS = {"north": "n" * 32, "south": "s" * 32}


def users(token: str) -> str:
    datasets = {DS: "tiny_data", "tiny_pcg": "tiny_data"}
    one = {"token": token, "user_id": 1, "view": [DS], "needs_tos": []}
    return json.dumps({"auth_datasets": datasets, "terms_of_service": {}, "users": {"one": one}})


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory, localcave_url: str) -> Iterator[dict[str, str]]:
    """North and south ask for a token each, and differ in the type of cell 1; the third has a datastack of its own."""
    folder = tmp_path_factory.mktemp("servers")
    for name, token in TOKENS.items():
        tiny.make(folder / name / DS)
        (folder / f"{name}.json").write_text(users(token))
    path = table_path(folder / "south" / DS, V, "types")
    types = pq.read_table(path).to_pandas()
    types.loc[types["target_id"] == 1, "cell_type"] = "southern"
    pq.write_table(pa.Table.from_pandas(types, preserve_index=False), path)
    requested = {name: ("--require-token", str(folder / f"{name}.json")) for name in TOKENS}
    with (
        start_localcave([folder / "north" / DS], *requested["north"]) as north,
        start_localcave([folder / "south" / DS], *requested["south"]) as south,
    ):
        yield {"north": north, "south": south, "demo": localcave_url}


def settings_of(addresses: dict[str, str], cache: Path | str = "", **more: str) -> Settings:
    tokens = {f"CAVE_TOKEN_{name.upper()}": token for name, token in TOKENS.items() if name in addresses}
    listed = ",".join(f"{name}={address}" for name, address in addresses.items())
    return replace(Settings.from_env({"KARST_SERVERS": listed, **tokens, **more}), cache=str(cache))


@pytest.fixture(scope="module")
def cave(addresses: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Cave:
    return servers.open_cave(settings_of(addresses, tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="module")
def client(cave: Cave) -> FlaskClient:
    app = flask.Flask("test_several_servers")
    app.extensions["karst"] = cave
    app.register_blueprint(blueprint)
    app.register_blueprint(health)
    return app.test_client()


def type_of_cell_1(client: FlaskClient, datastack: str) -> str:
    answer = client.get(f"/api/v1/{datastack}/latest/tables/types/rows")
    assert answer.status_code == 200, answer.json
    assert answer.json["datastack"] == datastack
    return str(pd.DataFrame(answer.json["rows"]).set_index("target_id").loc["1", "cell_type"])


def test_names_are_those_of_servers_only_where_they_must_be(cave: Cave, client: FlaskClient) -> None:
    assert cave.datastacks() == ["karst_demo", f"north:{DS}", f"south:{DS}"]
    listed = client.get("/api/v1/datastacks").json
    assert [one["name"] for one in listed["datastacks"]] == cave.datastacks()
    assert client.get("/readyz").status_code == 200


def test_each_datastack_is_that_of_its_server(client: FlaskClient) -> None:
    assert [type_of_cell_1(client, f"{server}:{DS}") for server in ("north", "south", "north")] == [
        "23P",
        "southern",
        "23P",
    ]
    for server in TOKENS:  # the same root ids in both, so that one cache would mix them up
        cell = client.get(f"/api/v1/{server}:{DS}/{V}/cells/{tiny.A}/partners?types=types&direction=out").json
        (partner,) = cell["rows"]
        assert (partner["root_id"], partner["num_syn"]) == (str(tiny.B), 1)


def test_a_name_of_several_is_asked_back_and_others_are_unknown(cave: Cave, client: FlaskClient) -> None:
    answer = client.get(f"/api/v1/{DS}/latest/tables")
    assert answer.status_code == 400
    assert f"Name it north:{DS} or south:{DS}." in str(answer.json)
    for name in (f"west:{DS}", f":{DS}", f"north:{DS}x", "north:", f"north:south:{DS}", f"karst_demo:{DS}", "nope"):
        with pytest.raises(NotFound):
            cave.info(name)
    with pytest.raises(NotFound):
        Cave(Settings(server_address=cave.settings.server_address, token=TOKENS["north"], cache="")).info(f"north:{DS}")


def test_scripts_and_links_lead_to_the_server(addresses: dict[str, str], client: FlaskClient) -> None:
    for server in TOKENS:
        script = client.get(f"/api/v1/{server}:{DS}/{V}/tables/types/python").get_data(as_text=True)
        assert f"CAVEclient('{DS}', server_address='{addresses[server]}'" in script
        link = client.post(f"/api/v1/{server}:{DS}/{V}/neuroglancer", json={"table": "types"}).json
        assert addresses[server] in json.dumps(link["state"])
        assert not [other for other in addresses.values() if other != addresses[server] and other in str(link["state"])]


def test_lessons_and_the_page_to_join_name_the_server_of_the_datastack(addresses: dict[str, str]) -> None:
    """They named the first server, and the datastack as only Karst calls it."""
    app = flask.Flask("test_south")
    app.extensions["karst"] = servers.open_cave(settings_of(addresses, KARST_DATASTACK=f"south:{DS}", HOST="0.0.0.0"))
    client = f'CAVEclient("{DS}", server_address="{addresses["south"]}"'
    with app.test_request_context(base_url="http://192.0.2.1:8050"):
        assert client in str(join.layout())
        assert client in lessons._lesson("2_commonest_type").code


def test_a_profile_is_of_one_server_where_it_stands_in_its_folder(addresses: dict[str, str], tmp_path: Path) -> None:
    profiles, volumes = tmp_path / "datastacks", tmp_path / "volumes"
    for folder in (profiles / "south", volumes / "south"):
        folder.mkdir(parents=True)
    volume = tiny.INFO["aligned_volume"]["name"]
    (profiles / f"{DS}.toml").write_text('title = "Tiny"\nsynapse_filter = "size > 1"\n')
    (profiles / "south" / f"{DS}.toml").write_text('title = "Tiny"\n[roles]\nsynapses = ""\n')
    (volumes / "south" / f"{volume}.toml").write_text('axes = ["a", "b", "c"]\n')
    both = servers.open_cave(replace(settings_of(addresses), config_dir=tmp_path))
    north, south = (both.profile(f"{server}:{DS}") for server in TOKENS)
    assert (north.title, north.synapse_filter, dict(north.roles)) == ("Tiny (north)", "size > 1", {})
    assert (south.title, south.synapse_filter, south.roles["synapses"].table) == ("Tiny (south)", "", "")
    assert [both.volume(f"{server}:{DS}").axes[0] for server in TOKENS] == ["x_um", "a_um"]
    checked = datastack_check.check(both, f"south:{DS}").text
    assert all(
        f"Read: {folder / 'south' / name}.toml" in checked for folder, name in ((profiles, DS), (volumes, volume))
    )
    assert datastack_check.write_scaffold(both, f"north:{DS}") == profiles / "north" / f"{DS}.toml"


def test_a_token_goes_to_its_own_server_only(addresses: dict[str, str]) -> None:
    with thief() as trap, proxied(addresses["north"]) as proxy:
        with_trap = settings_of({"north": proxy.url, "trap": trap.url}, CAVE_TOKEN_TRAP="of-the-trap")
        together = servers.open_cave(with_trap)
        assert together.datastacks() == [f"north:{DS}"]  # what the trap answers makes no sense
        assert {seen.get("Authorization") for seen in trap.seen} == {"Bearer of-the-trap"}
        trap.seen.clear()
        proxy.break_next(status(200, json.dumps(record(trap.url)).encode()), "datastack/full", times=99)
        with pytest.raises(NotAllowed, match="token may not go"):
            together.versions(DS)
        assert not trap.seen


def test_a_server_that_is_away_takes_nothing_from_the_others(addresses: dict[str, str]) -> None:
    north = {"north": addresses["north"]}
    together = servers.open_cave(settings_of({"away": f"http://127.0.0.1:{free_port()}"} | north))
    together.check()
    assert together.newest(DS).number == V
    with pytest.raises(KarstError, match="CAVE at 127"):
        together.info("karst_demo")  # which the one that is away may have
    nobody = servers.open_cave(settings_of({name: f"http://127.0.0.1:{free_port()}" for name in "ab"}))
    for ask in (nobody.check, nobody.datastacks):
        with pytest.raises(KarstError):
            ask()


def test_a_name_that_one_that_is_away_may_have_too_is_said_in_full(addresses: dict[str, str]) -> None:
    north = {"north": addresses["north"]}
    together = servers.open_cave(settings_of({"away": f"http://127.0.0.1:{free_port()}"} | north))
    assert together.datastacks() == [f"north:{DS}"]
    view = CellView.of(together, CellAddress(DS, str(V), str(tiny.A)))
    assert (view.address.datastack, view.first.datastack) == (f"north:{DS}",) * 2
    with pytest.raises(KarstError, match="CAVE at 127"):
        release_of(together, CellAddress("karst_demo"))
    alone = servers.open_cave(settings_of(north | {"demo": addresses["demo"]}))
    assert (alone.datastacks(), alone.full_name(DS)) == (["karst_demo", DS], DS)


def test_the_answers_of_a_cache_are_of_one_server(addresses: dict[str, str], cave: Cave) -> None:
    again = servers.open_cave(replace(settings_of(addresses), cache=cave.settings.cache))
    for server, name in (("north", "23P"), ("south", "southern")):
        types = Release.of(again, f"{server}:{DS}", V).table("types")
        assert types.set_index("target_id").loc[1, "cell_type"] == name
    # one that now has the name for itself does not get what was another's
    alone = servers.open_cave(
        replace(settings_of({"south": addresses["south"], "demo": addresses["demo"]}), cache=cave.settings.cache)
    )
    assert Release.of(alone, DS, V).table("types").set_index("target_id").loc[1, "cell_type"] == "southern"
    with pytest.raises(BadInput):
        Release.of(again, DS, V)
