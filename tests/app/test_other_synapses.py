"""Contacts, and a table that refers to synapses, in the role of synapses."""

from __future__ import annotations

from pathlib import Path

import pytest

from localcave.importer.importing import import_datastack
from services.cave.client import Cave
from services.cave.release import Release
from services.cells import connectivity, partner_columns, partner_script, partner_synapses, synapse_script
from services.cells.partner_table import PartnerOptions
from services.core.settings import Settings
from services.tables.tables import TableQuery
from tests.app.test_partner_snippet import run
from tests.servers import start_localcave

CELL, OTHER, THIRD = (864691130000000000 + n for n in (999, 101, 102))
CONFIG = """
[datastack]
name = "others"
resolution_nm = [4, 4, 40]
[version]
number = 1
timestamp = 2025-01-13T10:10:01Z
[files]
rows = "rows.csv"
[tables.touching]
file = "rows"
schema = "contact"
[tables.touching.columns]
sidea_pt_root_id = "a"
sideb_pt_root_id = "b"
sidea_pt_position = { from = ["x", "y", "z"], unit = "nm" }
sideb_pt_position = { from = ["x", "y", "z"], unit = "nm" }
ctr_pt_position = { from = ["x", "y", "z"], unit = "nm" }
size = "size"
[tables.glial]
file = "rows"
schema = "glia_contact"
[tables.glial.columns]
glia_pt_root_id = "a"
object_pt_root_id = "b"
glia_pt_position = { from = ["x", "y", "z"], unit = "nm" }
object_pt_position = { from = ["x", "y", "z"], unit = "nm" }
size = "size"
[tables.syn]
file = "rows"
schema = "nocenter_synapse"
[tables.syn.columns]
id = "id"
pre_pt_root_id = "a"
post_pt_root_id = "b"
pre_pt_position = { from = ["x", "y", "z"], unit = "nm" }
post_pt_position = { from = ["x", "y", "z"], unit = "nm" }
size = "size"
[tables.checked]
file = "rows"
schema = "reference_synapse_valid"
reference_table = "syn"
where = { size = { above = 15 } }
[tables.checked.columns]
target_id = "id"
is_valid = { value = true }
"""
ROWS = [(71, OTHER, CELL, 10), (72, OTHER, CELL, 20), (73, THIRD, CELL, 30), (74, CELL, THIRD, 40)]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("others")
    lines = [f"{number},{a},{b},4000,8000,40000,{size}" for number, a, b, size in ROWS]
    (folder / "rows.csv").write_text("\n".join(["id,a,b,x,y,z,size", *lines, ""]))
    (folder / "others.toml").write_text(CONFIG)
    import_datastack(folder / "others.toml", folder / "made")
    with start_localcave([folder / "made"]) as address:
        yield address


def read(url: str, config: Path, table: str, direction: str) -> tuple[dict, list]:
    (config / "datastacks").mkdir()
    (config / "datastacks" / "others.toml").write_text(f'[roles]\nsynapses = "{table}"\n')
    cave = Cave(Settings(server_address=url, cache="", config_dir=config))
    connections = connectivity.read(Release.of(cave, "others", 1), CELL, "root_id")
    first = {"touching": "the cell of side a", "glial": "the glial cell"}
    undirected = [one for one in connections.warnings if "no direction" in one]
    assert undirected == ([connectivity.UNDIRECTED.format(first[table])] if table in first else [])
    assert not {*first} & {*partner_columns.offered(Release.of(cave, "others", 1), "")}
    side = connections.side(direction).set_index("root_id")
    script = partner_script.snippet(cave, [connections], PartnerOptions(direction), TableQuery())
    assert dict(run(script)[["root_id", "num_syn"]].to_numpy()) == side["num_syn"].to_dict()
    rows = connectivity.synapses(cave, connections, connectivity.Direction(direction))
    place = rows[[f"ctr_pt_position_{axis}_nm" for axis in "xyz"]].astype(float).to_numpy()
    assert (place == [4000, 8000, 40000]).all()
    way = connectivity.Direction(direction)
    text = synapse_script.definition(cave, [connections])  # what the scripts of figures read
    client = f"client = CAVEclient('others', server_address={url!r}, version=1)"
    lines = (
        "import pandas as pd",
        "from caveclient import CAVEclient",
        client,
        text,
        f"frame = {synapse_script.line(way)}",
    )
    written = run("\n".join(lines))
    own = partner_synapses.of_cell(cave, connections, way)
    assert written["root_id"].tolist() == own["root_id"].tolist()
    assert ("size" in written) is ("size" in own) and "depth_um" not in written
    assert "size" not in own or written["size"].tolist() == own["size"].tolist()
    return side[["num_syn", "net_size"]].T.to_dict("list"), sorted(rows["id"].tolist())


@pytest.mark.parametrize("table", ["touching", "glial"])
def test_a_contact_counts_from_its_first_side_to_the_other(url, tmp_path, table):
    partners, _ = read(url, tmp_path, table, "in")
    assert partners == {OTHER: [2, 30], THIRD: [1, 30]}


def test_a_table_that_refers_to_synapses_counts_those_it_has(url, tmp_path):
    partners, ids = read(url, tmp_path, "checked", "in")
    assert (partners, ids) == ({OTHER: [1, 20], THIRD: [1, 30]}, [72, 73])


def test_synapses_without_a_centre_have_a_size(url, tmp_path):
    partners, ids = read(url, tmp_path, "syn", "out")
    assert (partners, ids) == ({THIRD: [1, 40]}, [74])
