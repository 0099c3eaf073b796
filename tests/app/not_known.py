"""Datastacks that lack something, imported by the command that a person types."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.servers import ROOT

CELL, FIRST, SECOND, THIRD = (864691130000000000 + n for n in (999, 101, 102, 103))
SYNAPSES = [
    # pre, post, size, x, y, z in nm; the size of the last one is not given
    (FIRST, CELL, 100, 700_000, 508_000, 840_000),
    (FIRST, CELL, 300, 700_400, 508_400, 840_400),
    (SECOND, CELL, 500, 701_000, 509_000, 841_000),
    (THIRD, CELL, 700, 702_000, 510_000, 842_000),
    (THIRD, CELL, "", 702_100, 510_100, 842_100),
    (CELL, SECOND, 900, 702_200, 510_200, 842_200),
    (CELL, CELL, 50, 702_300, 510_300, 842_300),
]
VERSION = """
resolution_nm = [4, 4, 40]
{more}
[version]
number = 1
timestamp = 2025-01-13T10:10:01Z
[files]
synapses = "synapses.csv"
types = "types.csv"
nuclei = "nuclei.csv"
[tables.synapses]
file = "synapses"
schema = "{schema}"
[tables.synapses.columns]
pre_pt_root_id = "pre"
post_pt_root_id = "post"
pre_pt_position = {{ from = ["x", "y", "z"], unit = "nm" }}
post_pt_position = {{ from = ["x", "y", "z"], unit = "nm" }}
"""
CENTRES = 'ctr_pt_position = { from = ["x", "y", "z"], unit = "nm" }\n'
TYPES = """
[tables.partner_types]
file = "types"
schema = "cell_type_local"
notice = "Superseded by better_types."
[tables.partner_types.columns]
pt_root_id = "root"
pt_position = { from = ["x", "y", "z"], unit = "nm" }
cell_type = "cell_type"
classification_system = { value = "by hand" }
"""
NUCLEI = """
[tables.nuclei]
file = "nuclei"
schema = "nucleus_detection"
[tables.nuclei.columns]
id = "id"
pt_position = { from = ["x", "y", "z"], unit = "nm" }
pt_root_id = "root"
volume = { unknown = true }
"""
DATASTACKS = {
    # no nuclei, no transform, no size known at all
    "bare": ("synapse", "", CENTRES + "size = { unknown = true }\n" + TYPES),
    # the size of one synapse is not known; nuclei, but no transform
    "sized": ("synapse", "", CENTRES + 'size = "size"\n' + TYPES + NUCLEI),
    # nothing missing but proofreading and coregistration
    "deep": ("synapse", 'aligned_volume = "minnie65_phase3"', CENTRES + 'size = "size"\n' + TYPES + NUCLEI),
    # a schema of synapses without sizes and without centres
    "fly": ("fly_nt_synapse", "", TYPES),
}
DESCRIPTION = "Four rows that a person can count."


def make(folder: Path) -> list[Path]:
    """Import all `DATASTACKS` below `folder`; returns their folders."""
    _write(folder / "synapses.csv", "pre,post,size,x,y,z", SYNAPSES)
    types = [(FIRST, "BC", 700_000, 508_000, 840_000), (SECOND, "MC", 701_000, 509_000, 841_000)]
    _write(folder / "types.csv", "root,cell_type,x,y,z", types)
    nuclei = [(1, CELL, 700_000, 600_000, 840_000), (2, SECOND, 703_000, 604_000, 840_000)]
    _write(folder / "nuclei.csv", "id,root,x,y,z", nuclei)
    return [_imported(folder, name) for name in DATASTACKS]


def _write(path: Path, head: str, rows: Sequence[tuple[object, ...]]) -> None:
    path.write_text("\n".join([head, *(",".join(map(str, row)) for row in rows), ""]))


def _imported(folder: Path, name: str) -> Path:
    schema, more, tables = DATASTACKS[name]
    head = f'[datastack]\nname = "{name}"\ndescription = "{DESCRIPTION}"'
    config, created = folder / f"{name}.toml", folder / name
    config.write_text(head + VERSION.format(schema=schema, more=more) + tables)
    command = [sys.executable, "-m", "localcave", "import", str(config), "-o", str(created)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return created
