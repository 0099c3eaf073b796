"""A datastack whose every table claims a billion rows: what of a cell can be asked for is, the rest is told."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import flask
import pandas as pd
import pytest

from api import blueprint
from callbacks import connectivity_viewer, partner_figures, table_panels, table_viewer
from services.cave.client import Cave
from services.cave.release import Release
from services.cells import cell_types, cells
from services.core.errors import TooLarge
from services.core.settings import Settings
from services.views import datastack_check
from services.views.addresses import CellAddress, TableAddress
from tests.app.siblings import busiest, of_partners
from tests.servers import start_localcave

DS, V, ROWS = "karst_fly", 783, 10**9


def claiming(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: ROWS if name == "row_count" else claiming(part) for name, part in value.items()}
    return [claiming(part) for part in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def folder(siblings: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    copied = Path(shutil.copytree(siblings[DS], tmp_path_factory.mktemp("billion") / DS))
    about = copied / "datastack.json"
    about.write_text(json.dumps(claiming(json.loads(about.read_text()))))
    return copied


@pytest.fixture(scope="module")
def app(folder: Path) -> Iterator[flask.Flask]:
    with start_localcave([folder]) as url:
        created = flask.Flask("test_a_billion_rows")
        created.secret_key = "of tests"
        created.extensions["karst"] = Cave(Settings(server_address=url, cache=""))
        created.register_blueprint(blueprint)
        yield created


@pytest.fixture
def cave(app: flask.Flask) -> Iterator[Cave]:
    with app.test_request_context():
        yield app.extensions["karst"]


def read(folder: Path, table: str) -> pd.DataFrame:
    return pd.read_parquet(next(folder.rglob(f"{table}.parquet")))


def test_a_cell_and_the_types_of_its_partners_take_few_requests(cave: Cave, app: flask.Flask, folder: Path) -> None:
    synapses = read(folder, "synapses_nt_v1")
    cell = busiest(synapses)
    cave.datastacks()
    before = cave.counts["requests"]
    results, _, notes, _ = connectivity_viewer.load({"datastack": DS, "cell": str(cell)}, None)
    assert cave.counts["requests"] - before <= 25  # with those of clients that are new
    assert "danger" not in str(results) + str(notes)
    ids: Any = [{"type": "partner-shown", "side": side} for side in ("in", "out", "both")]
    href = CellAddress(DS, str(V), str(cell)).href()
    shown: Any = [{"of": href, "side": one["side"], "filterModel": {}, "sortModel": []} for one in ids]
    drawn = str(partner_figures.draw(shown, "in", 1, ids))
    assert "Synapses by cell type" in drawn and "Somata of" not in drawn
    path = f"/api/v1/{DS}/{V}/cells/{cell}/partners"
    query = {"direction": "in", "synapses": "all", "types": "hierarchical_neuron_annotations"}
    rows = pd.DataFrame(app.test_client().get(path, query_string=query).json["rows"]).astype({"root_id": "int64"})
    counted = of_partners(synapses, cell).groupby("pre_pt_root_id").size()
    assert rows.set_index("root_id")["num_syn"].to_dict() == counted.to_dict()
    message, known = read(folder, "hierarchical_neuron_annotations"), read(folder, "proofread_neurons").set_index("id")
    message = message[message["classification_system"] == "cell_type"]
    types = dict(zip(message["target_id"].map(known["pt_root_id"]), message["cell_type"], strict=True))
    assert rows.set_index("root_id")["cell_type"].dropna().to_dict() == {
        root: types[root] for root in counted.index if root in types
    }


def test_what_cannot_be_held_is_told(cave: Cave, app: flask.Flask, folder: Path) -> None:
    release = Release.of(cave, DS, V)
    held = "has 1,000,000,000 rows, more than the 500,000 held"
    assert cells.no_nuclei(release) == f"nuclei_v1 {held}, so somata are not known."
    cell = busiest(read(folder, "synapses_nt_v1"))
    text = str(connectivity_viewer.load({"datastack": DS, "cell": str(cell), "proofread": "on"}, None))
    assert f"proofread_neurons {held}, so proofread partners cannot be told apart." in text
    refused = app.test_client().get(f"/api/v1/{DS}/{V}/cells/{cell}/partners", query_string={"proofread": "on"})
    assert (refused.status_code, held in refused.json["error"]["message"]) == (400, True)
    checked = " ".join(datastack_check.check(cave, DS).text.split())
    assert "1,000,000,000 rows; more than the 500,000 that are held, so it is not used" in checked
    assert "so only rows of cells in hand are read" in checked


def test_the_systems_of_a_table_too_large_to_hold_are_offered(cave: Cave, folder: Path) -> None:
    table = "hierarchical_neuron_annotations"
    rules = cell_types.offered(Release.of(cave, DS, V), table)
    systems = sorted(read(folder, table)["classification_system"].unique())
    assert len(systems) > 1
    assert [rule for rule in rules if "=" in rule] == [f"classification_system={one}" for one in systems]
    assert {"all", "newest", "each"} <= {*rules}
    assert cell_types.offered(Release.of(cave, DS, V), "valid_connection_v2") == {}


def test_its_tables_are_paged_and_plots_and_files_refused(cave: Cave, app: flask.Flask) -> None:
    of = TableAddress(DS, str(V), "synapses_nt_v1").href()
    state: Any = {"of": of, "filterModel": {}, "sortModel": []}
    before = cave.counts["requests"]
    table_viewer.load({"datastack": DS, "table": "synapses_nt_v1"}, None)
    assert "1,000,000,000" in str(table_viewer.summarise(state, [], "plot", of))
    assert cave.counts["requests"] - before <= 4
    with pytest.raises(TooLarge, match="too large to hold all of its 1,000,000,000 rows"):
        table_panels.draw(state, [], None)
    answer = app.test_client().get(f"/api/v1/{DS}/{V}/tables/synapses_nt_v1/rows", query_string={"format": "csv"})
    assert (answer.status_code, "1,000,000,000 rows" in answer.json["error"]["message"]) == (413, True)
