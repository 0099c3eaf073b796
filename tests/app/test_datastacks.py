"""The cortex, its siblings and three imports answer alike: tables, cells, links, files and scripts are what pandas
makes of the rows that each was made from."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import flask
import numpy as np
import pandas as pd
import pytest
from flask.testing import FlaskClient

from api import blueprint
from callbacks import (
    connectivity_viewer,
    partner_figures,
    partner_grids,
    population_panels,
    populations,
    table_panels,
    table_viewer,
)
from localcave.folder.writer import table_path
from services.cave.client import Cave
from services.cave.release import Release
from services.core.settings import Settings
from services.views import datastack_check
from services.views.addresses import IDS, CellAddress, TableAddress, parse_population
from tests import datastacks
from tests.app.siblings import busiest, of_partners
from tests.app.test_partner_snippet import run
from tests.servers import ROOT, start_localcave

CORTEX, FLY, V1DD = "karst_demo", "karst_fly", "karst_v1dd"
BANC = "brain_and_nerve_cord"
ALL = (CORTEX, FLY, V1DD, *datastacks.DATASTACKS)
AXES = "xyz"


@dataclass(frozen=True)
class Place:
    """A datastack at its newest version: `synapses` are its source with ends, `size` or scores, and the place of each
    in nm as x, y, z; `tables` are the sources of all (None: of a view, or of what several versions share); `cell` is
    one with many inputs."""

    name: str
    app: flask.Flask
    client: FlaskClient
    version: int
    tables: dict[str, pd.DataFrame | None]
    synapse_table: str
    synapses: pd.DataFrame

    @property
    def cell(self) -> int:
        return busiest(self.synapses)

    def ask(self, path: str, **query: object) -> Any:
        answer = self.client.get(f"/api/v1/{self.name}/latest/{path}", query_string=query)
        assert answer.status_code == 200, (path, answer.text[:500])
        return answer

    @property
    def href(self) -> str:
        return CellAddress(self.name, str(self.version), str(self.cell), "root_id", synapses="all").href()

    def shown(self, side: str) -> dict[str, Any]:
        """What the browser sends of a grid of partners."""
        return {"of": self.href, "side": side, "filterModel": {}, "sortModel": []}


@pytest.fixture(scope="module")
def imports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, Path]]]:
    folders = datastacks.make(tmp_path_factory.mktemp("datastacks"))
    with start_localcave([*folders.values()]) as url:
        yield url, folders


@pytest.fixture(scope="module")
def places(
    imports: tuple[str, dict[str, Path]], siblings: dict[str, Path], siblings_url: str, small_cortex: Path,
    localcave_url: str,
) -> dict[str, Place]:  # fmt: skip
    urls = dict.fromkeys(imports[1], imports[0]) | dict.fromkeys(siblings, siblings_url) | {CORTEX: localcave_url}
    folders = imports[1] | siblings | {CORTEX: small_cortex}
    return {name: place_of(name, urls[name], folders[name]) for name in ALL}


def place_of(name: str, url: str, folder: Path) -> Place:
    cave = Cave(Settings(server_address=url, cache=""))
    app = flask.Flask(name, root_path=str(ROOT))
    app.secret_key = "of tests"
    app.extensions["karst"] = cave
    app.register_blueprint(blueprint)
    release = Release.of(cave, name, cave.newest(name).number)
    table = release.roles.synapses.table or ""
    synapses = pd.read_parquet(next(folder.rglob(f"{release.number}/**/{table}.parquet")))
    size_nm = release.table_info(table).voxel_resolution_nm
    ends = ["ctr_pt_position"] if "ctr_pt_position_x" in synapses else ["pre_pt_position", "post_pt_position"]
    for axis, nm in zip(AXES, size_nm, strict=True):
        synapses[axis] = synapses[[f"{end}_{axis}" for end in ends]].mean(axis=1) * nm
    paths = {one: table_path(folder, release.number, one) for one in release.tables()}
    kept = {one: pd.read_parquet(path) if path.exists() else None for one, path in paths.items()}
    return Place(name, app, app.test_client(), release.number, kept, table, synapses)


@pytest.fixture(params=ALL)
def place(request: pytest.FixtureRequest, places: dict[str, Place]) -> Iterator[Place]:
    of = places[request.param]
    with of.app.test_request_context():
        yield of


def by_partner(place: Place, direction: str) -> Any:
    if direction == "in":
        return of_partners(place.synapses, place.cell).groupby("pre_pt_root_id")
    rows = place.synapses[(place.synapses["pre_pt_root_id"] == place.cell) & (place.synapses["post_pt_root_id"] != 0)]
    return rows[rows["post_pt_root_id"] != place.cell].groupby("post_pt_root_id")


@pytest.mark.parametrize("direction", ["in", "out"])
def test_partners_on_the_page_in_the_api_and_in_files_are_those_of_the_source(place: Place, direction: str) -> None:
    groups = by_partner(place, direction)
    counted = {str(root): count for root, count in groups.size().items()}
    path = f"cells/{place.cell}/partners"
    answer = place.ask(path, direction=direction, synapses="all").json
    assert {row["root_id"]: row["num_syn"] for row in answer["rows"]} == counted
    block = place.shown(direction) | {"startRow": 0, "endRow": 10_000}
    rows = partner_grids.rows(cast("Any", block), cast("Any", {"of": place.href, "side": direction}))
    assert {row["root_id"]: row["num_syn"] for row in rows["rowData"]} == counted
    text = place.ask(path, direction=direction, synapses="all", format="csv").text
    file = pd.read_csv(io.StringIO(text), comment="#")
    assert dict(zip(file["root_id"].astype(str), file["num_syn"], strict=True)) == counted
    known = {"net_size": ("size", "sum"), "mean_size": ("size", "mean")}
    wanted = {name: how for name, how in known.items() if how[0] in place.synapses}
    assert wanted.keys() == known.keys() & {*file.columns}
    for name, (column, how) in wanted.items():
        of_source = groups[column].agg(lambda sizes, how=how: sizes.astype(float).agg(how))
        np.testing.assert_allclose(file.set_index("root_id")[name].sort_index(), of_source.sort_index(), rtol=1e-6)


def test_synapses_lie_where_they_do_in_the_source_and_a_link_shows_them_there(place: Place) -> None:
    own = place.synapses[place.synapses["post_pt_root_id"] == place.cell].set_index("id").sort_index()
    answer = place.ask(f"cells/{place.cell}/synapses", direction="in", synapses="all").json
    rows, volume = pd.DataFrame(answer["rows"]), place.app.extensions["karst"].volume(place.name)
    assert ("size" in rows) is ("size" in place.synapses)
    assert ("soma_depth_um" in answer["cell"], "depth_um" in rows) == (volume.has_depth,) * 2
    rows = rows.astype({"id": "int64"}).set_index("id").sort_index()
    assert rows.index.tolist() == own.index.tolist()
    for axis in AXES:  # which CAVE cuts to whole nm
        np.testing.assert_allclose(rows[f"ctr_pt_position_{axis}_nm"].astype(float), own[axis], atol=1)
    drawn, *_ = partner_grids.link(place.shown("in"), [], 1, {"side": "in"})
    assert "Neuroglancer" in str(drawn)
    body = {"cell": str(place.cell), "direction": "in", "synapses": "all"}
    link = place.client.post(f"/api/v1/{place.name}/latest/neuroglancer", json=body).json
    layers = {layer["name"]: layer for layer in link["state"]["layers"]}
    points = [(point["point"], point["description"]) for point in layers["input synapses"]["annotations"]]
    sizes_nm = [size * 1e9 for size, _ in link["state"]["dimensions"].values()]
    matches = sorted((partner, *np.multiply(point, sizes_nm)) for point, partner in points)
    counted = of_partners(place.synapses, place.cell)
    wanted = sorted(zip(counted["pre_pt_root_id"].astype(str), *(counted[axis] for axis in AXES), strict=True))
    assert len(matches) == len(wanted)
    for ours, theirs in zip(matches, wanted, strict=True):
        assert ours[0] == theirs[0]
        np.testing.assert_allclose(ours[1:], theirs[1:], atol=max(sizes_nm))


def test_merged_partners_a_nucleus_and_rows_that_are_filtered_and_sorted(place: Place) -> None:
    roles = Release.of(place.app.extensions["karst"], place.name, place.version).roles
    merged = place.ask(f"cells/{place.cell}/partners", direction="merged", synapses="all").json["rows"]
    for way in ("in", "out"):
        counts = {row["root_id"]: row[f"num_syn_{way}"] for row in merged if row[f"num_syn_{way}"]}
        assert counts == {str(root): count for root, count in by_partner(place, way).size().items()}
    table = roles.somata.table or roles.proofreading.table or ""
    source = place.tables[table]
    assert source is not None
    middle = int(source["id"].median())
    rows = source[source["valid"] & (source["id"] > middle)].sort_values("id", ascending=False)
    answer = place.ask(f"tables/{table}/rows", filter=f"id > {middle}", sort="-id", offset=2, limit=5)
    assert answer.json["total"] == len(rows) > 7
    assert [row["id"] for row in answer.json["rows"]] == rows["id"].iloc[2:7].astype(str).tolist()
    if roles.somata.table:
        own = rows[(rows["pt_root_id"] != 0) & ~rows["pt_root_id"].duplicated(keep=False)].iloc[0]
        assert place.ask(f"cells/{own['id']}", id_type="nucleus_id").json["cell"]["root_id"] == str(own["pt_root_id"])


def test_the_script_of_partners_makes_the_table_of_the_page(place: Place) -> None:
    path = f"cells/{place.cell}/partners"
    frame = run(place.ask(f"{path}/python", direction="in", synapses="all").text)
    counts = by_partner(place, "in").size()
    assert dict(zip(frame["root_id"], frame["num_syn"], strict=True)) == counts.to_dict()


def alerts(drawn: object) -> list[str]:
    return re.findall(r"Alert\(.{0,300}color='danger'|went wrong in Karst", str(drawn))


def test_the_page_of_a_cell_draws_what_there_is(place: Place) -> None:
    query = {"datastack": place.name, "cell": str(place.cell), "synapses": "all"}
    assert connectivity_viewer.fill_controls(query, None)[1] == place.name
    results, status, notes, _ = connectivity_viewer.load(query, None)
    assert str(place.cell) in str(status) and not alerts(results) and not alerts(notes)
    ids = [{"type": "partner-shown", "side": side} for side in ("in", "out", "both")]
    shown = [place.shown(id["side"]) for id in ids]
    figures = {tab: str(partner_figures.draw(shown, tab, 1, ids)) for tab in ("in", "both")}
    volume = place.app.extensions["karst"].volume(place.name)
    for title, there in (
        ("Synapses for each partner", True),
        ("Sizes of input synapses", "size" in place.synapses),
        ("Synapses by depth", volume.has_depth),
        ("Somata of input partners", place.name != "h01_like"),
    ):
        assert (title in figures["in"]) is there, title
    assert "depth" not in str(results) or volume.has_depth
    assert "Reciprocal partners" in figures["both"]
    assert connectivity_viewer.sum_up("types", place.href, None)


def test_every_table_opens_with_its_rows_plots_and_files(place: Place) -> None:
    for table, source in place.tables.items():
        path = f"tables/{table}"
        total = place.ask(f"{path}/rows", limit=1).json["total"]
        assert source is None or total == source["valid"].sum(), table
        address = TableAddress(place.name, str(place.version), table).href()
        results, _, notes, *_ = table_viewer.load({"datastack": place.name, "table": table}, None)
        assert not alerts(results) and not alerts(notes), table
        state = {"of": address, "filterModel": {}, "sortModel": []}
        block = table_viewer.rows(state | {"startRow": 0, "endRow": 20}, {"of": address}, None)
        assert (block["rowCount"], len(block["rowData"])) == (total, min(total, 20)), table
        for drawn in (table_panels.count_facets(state, []), table_panels.draw(state, [], None)):
            assert not alerts(drawn), table


def test_a_small_table_is_the_same_in_its_script_and_its_file(place: Place) -> None:
    release = Release.of(place.app.extensions["karst"], place.name, place.version)
    for role, column in ((release.roles.proofreading, "pt_root_id"), (release.roles.cell_types, "cell_type")):
        table, source = role.table, place.tables[role.table or ""]
        file = pd.read_csv(io.StringIO(place.ask(f"tables/{table}/rows", format="csv").text), comment="#")
        frame = run(place.ask(f"tables/{table}/python").text)
        assert len(file) == len(frame) == release.row_count(table or "")
        assert frame["id"].astype("int64").tolist() == file["id"].tolist()
        if source is None or column not in source:
            continue
        own = source.set_index("id")[column].loc[file["id"]]
        for read in (file[column], frame[column]):
            assert read.astype(str).tolist() == own.astype(str).tolist()
    table = release.roles.proofreading.table
    rows = place.ask(f"tables/{table}/rows", limit=3).json["rows"]
    body = {"table": table, "filter": f"id in ({', '.join(row['id'] for row in rows)})"}
    state = place.client.post(f"/api/v1/{place.name}/latest/neuroglancer", json=body).json["state"]
    drawn = {one.removeprefix("!") for layer in state["layers"] for one in layer.get("segments", [])}
    assert drawn == {row["pt_root_id"] for row in rows} - {"0"}


def test_a_population_has_the_synapses_of_the_source(place: Place) -> None:
    pre = by_partner(place, "in").size().nlargest(3).index
    sets = {"pre": ",".join(map(str, pre)), "post": str(place.cell), "proofread": "off", "synapses": "all"}
    answer = place.ask("populations/edges", **sets).json
    counted = by_partner(place, "in").size().loc[pre]
    assert {int(row["pre_root_id"]): row["num_syn"] for row in answer["rows"]} == counted.to_dict()
    names: dict[str, Any] = {}
    with redirect_stdout(io.StringIO()):
        exec(compile(place.ask("populations/python", **sets).text, "edges.py", "exec"), names)
    assert names["edges"].set_index("pre_root_id")["num_syn"].to_dict() == counted.to_dict()
    query = {
        "datastack": place.name,
        "pre": ", ".join(map(str, pre)),
        "post": str(place.cell),
        "read": "on",
        "post_table": IDS,
        "proofread": "off",
    }
    with suppress(RuntimeError):  # a long one is a job of the running application
        assert not alerts(populations.load(query, None))
        of = parse_population(query | {"panel": "network", "pre_by": "cell", "post_by": "cell"})[0]
        release = Release.of(place.app.extensions["karst"], place.name, place.version)
        entry = replace(of, panel="matrix", row=str(pre[0]), column=str(place.cell))
        drawn, listed = str(population_panels.draw(of.href())), str(populations.list_entry(entry.href()))
        assert "nodes, by the" in drawn and "synapses of" in listed
        assert ("by the depth" in drawn, "depth (" in listed) == (release.volume.has_depth,) * 2
        assert ("size (vx)" in listed) is ("size" in place.synapses)


def test_the_check_explains_each_role_and_its_scaffold_loads(
    place: Place, imports: tuple[str, dict[str, Path]], tmp_path: Path
) -> None:
    cave: Cave = place.app.extensions["karst"]
    checked = datastack_check.check(cave, place.name)
    assert checked.faults == ()
    for name, role in Release.of(cave, place.name, place.version).roles:
        (line,) = [one for one in checked.text.splitlines() if one.startswith(name.replace("_", " ").ljust(22))]
        assert role.why in line and (role.table or "-") in line
    settings = Settings(server_address=cave.settings.server_address, cache="", config_dir=tmp_path / "empty")
    text = datastack_check.write_scaffold(Cave(settings), place.name).read_text()
    (tmp_path / "datastacks").mkdir()
    every = re.sub(r"(?m)^# (?=[a-z_]+ = |\[)", "", text)  # without its #, all of it is right
    (tmp_path / "datastacks" / f"{place.name}.toml").write_text(every)
    own = Cave(replace(settings, config_dir=tmp_path))
    assert datastack_check.check(own, place.name).faults == ()
    assert dict(own.profile(place.name).roles)


@pytest.mark.parametrize(("system", "number"), [("neuron identity", 0), ("soma colour", 1)])
def test_a_system_in_tag2_is_looked_for_there(
    imports: tuple[str, dict[str, Path]], tmp_path: Path, system: str, number: int
) -> None:
    (tmp_path / "datastacks").mkdir()
    profile = f'roles.cell_types = {{ table = "cell_info", system = "{system}" }}'
    (tmp_path / "datastacks" / f"{BANC}.toml").write_text(profile)
    cave = Cave(Settings(server_address=imports[0], cache="", config_dir=tmp_path))
    assert len(datastack_check.check(cave, BANC).faults) == number
