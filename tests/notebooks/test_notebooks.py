"""A notebook like the public ones, made to run here by `python -m localcave notebook`, and run cell by cell.

`make oldest` runs it in an environment with another caveclient, whose Python is `KARST_NOTEBOOK_PYTHON`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localcave.__main__ import main
from tests.servers import start_localcave

PYTHON = str(Path(os.environ.get("KARST_NOTEBOOK_PYTHON", sys.executable)).absolute())
ROOT, OTHER = 864691135572530981, 864691135617152361
CELLS = {
    "client": """
        !pip install -q caveclient
        from caveclient import CAVEclient
        datastack_name = 'minnie65_public'
        client = CAVEclient(datastack_name, auth_token="MINE")
        client.auth.setup_token(make_new=False)
        client.version = 1300
    """,
    "odd": f"""
        import os
        from caveclient import CAVEclient as Other
        client = CAVEclient(
            'minnie65_public', "https://global.daf-apis.com",
            auth_token=os.environ.get('TOKEN', str(None)), write_server_cache=True,
        )
        version: int = 1300
        other = CAVEclient(datastack_name="minnie65_phase3_v1", version=version, auth_token_file="~/token.json")
        assert other.server_address == client.server_address and client.server_address.startswith("http://127.0.0.1")
        client.version = 1300
        assert {ROOT:_} == {ROOT}
    """,
    "versions": """
        assert client.version in client.materialize.get_versions()
        for version in client.materialize.get_versions():
            print(client.materialize.get_timestamp(version))
        when = client.materialize.get_version_metadata(661)["time_stamp"]
    """,
    "types": """
        types = client.materialize.tables.aibs_metamodel_celltypes_v661(cell_type="BC").query(select_columns={
            "nucleus_detection_v0": ["pt_root_id", "pt_position"], "aibs_metamodel_celltypes_v661": ["cell_type"]})
        assert set(types.cell_type) == {"BC"}
    """,
    "synapses": f"""
        root_id = {ROOT}
        outputs = client.materialize.synapse_query(pre_ids=root_id)
        inputs = client.materialize.synapse_query(post_ids=[root_id, {OTHER}])
        assert len(outputs) and set(outputs.pre_pt_root_id) == {{root_id}}
        assert set(inputs.post_pt_root_id) == {{root_id, {OTHER}}}
    """,
    "nucleus": """
        nucleus_id = 292685
        found = client.materialize.views.nucleus_detection_lookup_v1(id=nucleus_id).query()
        assert found.pt_root_id.item() == root_id
    """,
    "lineage": f"""
        from datetime import datetime, timezone
        past = datetime(2022, 2, 24, 8, 10, 0, 184668, tzinfo=timezone.utc)
        assert client.chunkedgraph.is_latest_roots([{ROOT}], timestamp=past).tolist() == [True]
        assert client.chunkedgraph.get_root_id(104200755619042523) == {ROOT}
        log = client.chunkedgraph.get_tabular_change_log([{ROOT}])[{ROOT}]
        assert client.chunkedgraph.suggest_latest_roots({OTHER}) == {OTHER}
    """,
    "skeletons": f"""
        skeleton = client.skeleton.get_skeleton({ROOT}, output_format="dict")
        many = client.skeleton.get_bulk_skeletons([{ROOT}, {OTHER}], output_format="swc")
        assert len(skeleton["vertices"]) and set(many) == {{"{ROOT}", "{OTHER}"}}
    """,
    "answered keys": """
        chosen = client.materialize.tables.proofreading_status_and_strategy(status_axon='t').query()['pt_root_id']
        several = client.skeleton.get_bulk_skeletons(chosen.head(3), output_format="dict", skeleton_version=4)
        first, second = several['864691135686494647'], several['864691135686494648']
        assert first is several['864691135686494647'] and first is not second and len(first["vertices"])
    """,
    "meshes": f"""
        import cloudvolume
        flat = cloudvolume.CloudVolume('precomputed://gs://iarpa_microns/minnie/minnie65/seg_m1300',
                                       progress=False, use_https=True)
        mesh = flat.mesh.get({ROOT}, lod=3)[{ROOT}]
        graph = cloudvolume.CloudVolume(client.info.segmentation_source(), progress=False, use_https=True)
        assert len(graph.mesh.get({ROOT})[{ROOT}].faces) > len(mesh.faces) > 100
    """,
    "function": """
        tuning = client.materialize.query_table("functional_properties_v3_bcm")
        assert tuning.pref_ori.between(0, 3.15).all()
        assert nucleus_id in set(tuning.target_id)
    """,
    "proofreading": """
        status = client.materialize.tables.proofreading_status_public_release(status_axon="extended").query()
        assert set(status.status_axon) == {"extended"}
        astrocytes = client.materialize.query_table("vortex_astrocyte_proofreading_status")
        assert set(astrocytes.status) <= {"non", "clean", "extended"}
    """,
    "myelin": f"""
        import numpy as np
        myelin = client.materialize.tables.vortex_manual_myelination_v0().query(desired_resolution=[1, 1, 1])
        points = np.vstack(myelin.query("valid_id == {ROOT}").pt_position.to_numpy()).astype(float)
        vertices = np.array(skeleton["vertices"])
        assert all(np.linalg.norm(vertices - point, axis=1).min() < 100 for point in points)
    """,
    "state": """
        state_id = 5560000195854336
        state = client.state.get_state_json(state_id)
        assert state["layers"][0]["source"] == client.info.image_source()
        assert client.state.upload_state_json(state) != state_id
        from nglui import parser
        assert parser.tag_dictionary(state, layer_name="syns_out") == {0: "spine", 1: "shaft", 2: "soma"}
    """,
}


@pytest.fixture(scope="module")
def server(small_cortex: Path) -> Iterator[str]:
    with start_localcave([small_cortex], "--alias", "minnie65_public") as url:
        yield url


@pytest.fixture(scope="module", params=["karst_demo", "minnie65_public"])
def cells(request: pytest.FixtureRequest, server: str, small_cortex: Path, tmp_path_factory: Any) -> list[str]:
    """The code of the notebook after it was made to run here, under the demo's own name and under the alias."""
    folder = tmp_path_factory.mktemp("notebook")
    code = [{"cell_type": "code", "source": _dedented(text), "outputs": [1]} for text in CELLS.values()]
    content = {"nbformat": 4, "cells": [{"cell_type": "markdown", "source": [f"Cell {ROOT}"]}, *code]}
    (folder / "in.ipynb").write_text(json.dumps(content))
    options = ["--server", server, "--folder", str(small_cortex), "--datastack", request.param]
    assert main(["notebook", str(folder / "in.ipynb"), "-o", str(folder / "out.ipynb"), *options]) == 0
    created = json.loads((folder / "out.ipynb").read_text())["cells"]
    assert created[1]["source"] == [f"Cell {ROOT}"]
    assert all(cell["outputs"] == [] for cell in created if cell["cell_type"] == "code")
    return ["".join(cell["source"]) for cell in created if cell["cell_type"] == "code"]


def _dedented(text: str) -> list[str]:
    return [line[8:] for line in text.strip("\n").splitlines(keepends=True)]


def test_every_cell_runs(cells: list[str], tmp_path: Path) -> None:
    """In a process of its own, with a home of its own: nothing may come from, or go to, a user's secrets."""
    assert len(cells) == len(CELLS) + 1
    assert "MINE" not in "".join(cells)
    assert str(ROOT) not in "".join(cells)
    script = tmp_path / "all.py"
    script.write_text("\n".join(cells))
    done = subprocess.run(
        [PYTHON, str(script)],
        env={"HOME": str(tmp_path), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert not list(tmp_path.rglob("*secret.json"))


def test_what_is_no_notebook_is_said_to_be_none(tmp_path: Path, small_cortex: Path, capsys: Any) -> None:
    for text in ("no json", "[]", "{}", '{"cells": [1]}'):
        (tmp_path / "a.ipynb").write_text(text)
        assert main(["notebook", str(tmp_path / "a.ipynb"), "--folder", str(small_cortex)]) == 2
        assert "no notebook" in capsys.readouterr().err
    (tmp_path / "a.ipynb").write_text('{"cells": []}')
    assert main(["notebook", str(tmp_path / "a.ipynb"), "--folder", str(tmp_path)]) == 2
    assert "not a finished datastack folder" in capsys.readouterr().err
