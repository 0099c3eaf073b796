"""Datastacks in the shape of FlyWire, BANC and H01, as reported: cells, partners, links, files and scripts."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import flask
import pandas as pd
import pytest
from flask.testing import FlaskClient

from api import blueprint
from localcave.importer.importing import import_datastack
from services.cave.client import Cave
from services.core.settings import Settings
from tests.servers import start_localcave

DATASTACKS = {"flywire": "flywire_fafb_public", "banc": "brain_and_nerve_cord", "h01": "h01_like"}
SYNAPSES = {"flywire": "synapses_nt_v1", "banc": "synapses_v2", "h01": "synapses_nt_v1"}
USUAL_SCORE = 50


@dataclass
class Reported:
    client: FlaskClient
    synapses: pd.DataFrame

    @property
    def root(self) -> int:
        """The cell with most inputs."""
        return int(self.synapses["post"].value_counts().index[0])

    def partners(self, direction: str, kept: pd.Series | None = None) -> dict[str, int]:
        """Synapses of the cell with each partner, by its root id as text."""
        own, other = ("post", "pre") if direction == "in" else ("pre", "post")
        rows = self.synapses if kept is None else self.synapses[kept]
        rows = rows[(rows[own] == self.root) & (rows[other] != self.root)]
        counts = rows[other].value_counts()
        return {str(root): int(count) for root, count in counts.items()}


@pytest.fixture(scope="module")
def reported(cases: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reported]:
    folder = tmp_path_factory.mktemp("datastacks")
    for file in (cases / "datastacks").iterdir():
        shutil.copy(file, folder)
    subprocess.run([sys.executable, "gen.py"], cwd=folder, check=True, timeout=300)
    for name in DATASTACKS:
        import_datastack(folder / f"{name}.toml", folder / "served" / name)
    with start_localcave([folder / "served" / name for name in DATASTACKS]) as url:
        app = flask.Flask("test_reported_datastacks")
        app.extensions["karst"] = Cave(Settings(server_address=url, cache=""))
        app.register_blueprint(blueprint)
        yield Reported(app.test_client(), pd.read_parquet(folder / "syn.parquet"))


@pytest.mark.parametrize("direction", ["in", "out"])
@pytest.mark.parametrize("name", DATASTACKS)
def test_partners_are_those_of_the_source(reported: Reported, name: str, direction: str) -> None:
    path = f"/api/v1/{DATASTACKS[name]}/latest/cells/{reported.root}/partners"
    answer = reported.client.get(path, query_string={"direction": direction, "synapses": "all"})
    assert answer.status_code == 200, answer.text
    partners = {row["root_id"]: row["num_syn"] for row in answer.json["rows"]}
    assert partners == reported.partners(direction)


def test_flywire_counts_from_its_usual_score(reported: Reported) -> None:
    path = f"/api/v1/{DATASTACKS['flywire']}/latest/cells/{reported.root}/partners"
    answer = reported.client.get(path, query_string={"direction": "in"}).json
    kept = reported.synapses["cleft_score"] >= USUAL_SCORE
    assert {row["root_id"]: row["num_syn"] for row in answer["rows"]} == reported.partners("in", kept)
    assert "cleft score is at least 50" in " ".join(answer["warnings"])


@pytest.mark.parametrize("name", DATASTACKS)
def test_links_files_scripts_and_tables_work(reported: Reported, name: str) -> None:
    ask, datastack = reported.client, DATASTACKS[name]
    link = ask.post(f"/api/v1/{datastack}/latest/neuroglancer", json={"cell": str(reported.root), "direction": "in"})
    assert link.status_code == 200 and link.json["num_points"] > 0, link.text
    cell = f"/api/v1/{datastack}/latest/cells/{reported.root}"
    for path in (cell, f"{cell}/synapses?limit=5", f"{cell}/partners?format=csv", f"{cell}/partners/python"):
        answer = ask.get(path)
        assert answer.status_code == 200, (path, answer.text[:500])
    rows = ask.get(f"/api/v1/{datastack}/latest/tables/{SYNAPSES[name]}/rows?limit=0").json
    assert rows["total"] == len(reported.synapses)
