"""Types of an imported file that repeats them with every synapse."""

from __future__ import annotations

from localcave.importer.importing import import_datastack
from services.cave.client import Cave
from services.cave.release import Release
from services.cells import connectivity
from services.core.settings import Settings
from services.neuroglancer import links
from tests.app.test_cell_types import CELL, types_of
from tests.localcave.importing import HEAD
from tests.servers import start_localcave


def test_a_small_file_without_nuclei_and_sizes_types_its_partners(tmp_path):
    """What an importer's user has: one CSV, its types repeated with every synapse."""
    partner = 864691130000001101
    rows = [(partner, "BC"), (partner, "BC"), (partner + 1, "MC"), (partner + 2, "23P"), (partner + 2, "4P")]
    lines = [f"{root},{kind},{n}" for n, (root, kind) in enumerate(rows)]
    (tmp_path / "synapses.csv").write_text("\n".join(["pre,kind,x", *lines, ""]))
    place = '{ from = ["x", "x", "x"], unit = "um" }'
    (tmp_path / "mine.toml").write_text(
        f"""{HEAD}
[files]
rows = "synapses.csv"
[tables.syn]
file = "rows"
schema = "synapse"
[tables.syn.columns]
pre_pt_root_id = "pre"
post_pt_root_id = {{ value = {CELL} }}
pre_pt_position = {place}
post_pt_position = {place}
ctr_pt_position = {place}
size = {{ unknown = true }}
[tables.kinds]
file = "rows"
schema = "cell_type_local"
[tables.kinds.columns]
pt_root_id = "pre"
pt_position = {place}
cell_type = "kind"
classification_system = {{ value = "mine" }}
"""
    )
    import_datastack(tmp_path / "mine.toml", tmp_path / "mine")
    with start_localcave([tmp_path / "mine"]) as address:
        cave = Cave(Settings(server_address=address, cache=""))
        connections = connectivity.read(Release.of(cave, "mine", 7), CELL, type_table="kinds")
        assert types_of(connections.inputs) == {partner: "BC", partner + 1: "MC", partner + 2: "several: 4P | 23P"}
        link = links.cell_link(cave, connections, direction="in", group_by="cell_type")
        assert set(link.legend) == {"BC", "MC", "several"}
