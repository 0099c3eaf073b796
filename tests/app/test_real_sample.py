"""Real rows of minnie65_public, imported by the command that a person types, give the numbers known of them."""

import subprocess
import sys

import pandas as pd
import pytest
from caveclient import CAVEclient

from services.cave.client import Cave
from services.cave.release import Release
from services.cells import cells, connectivity
from services.core.settings import Settings
from services.populations import groupings, matrices, population
from services.tables import tables, value_counts
from services.tables.tables import TableQuery
from tests.servers import ROOT, start_localcave

DS, VERSION, TYPES = "minnie65_sample", 1300, "aibs_metamodel_celltypes_v661"
CELL, STRONGEST = 864691135771609595, 864691135684442807
COUNTS = {
    "23P": 19_673, "4P": 14_737, "6P-IT": 11_675, "5P-IT": 7_914, "astrocyte": 7_466, "oligo": 6_945,
    "6P-CT": 6_777, "BC": 3_321, "microglia": 2_488, "MC": 2_449, "5P-ET": 2_179, "OPC": 1_570, "BPC": 1_486,
    "pericyte": 1_159, "5P-NP": 963, "NGC": 621,
}  # fmt: skip
"""As the description of the files has them."""


@pytest.fixture(scope="module")
def url(realdata, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample") / DS
    command = [sys.executable, "-m", "localcave", "import", "examples/minnie65_sample.toml"]
    options = ["--data", str(realdata), "-o", str(folder)]
    done = subprocess.run([*command, *options], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with start_localcave([folder]) as address:
        yield address


@pytest.fixture(scope="module")
def cave(url):
    return Cave(Settings(server_address=url, cache=""))


@pytest.fixture(scope="module")
def types(cave):
    return tables.open_table(Release.of(cave, DS, VERSION), TYPES)


def test_the_table_has_every_row_and_the_known_counts(types):
    counts = value_counts.count_by(types, TableQuery(), "cell_type")
    assert tables.page(types, TableQuery(), 0, 50)[1] == 91_423
    assert dict(zip(counts["value"], counts["count"], strict=True)) == COUNTS
    assert counts["count"].is_monotonic_decreasing


@pytest.mark.parametrize("query", [TableQuery(boxes={"cell_type": "5P-NP"}), TableQuery("cell_type = 5P-NP")])
def test_one_type_leaves_963_rows(types, query):
    rows = tables.select(types, query)
    assert len(rows) == 963
    assert set(rows["cell_type"]) == {"5P-NP"}


def test_soma_depth_is_that_of_the_volume(cave):
    """Depths known of 23P cells: half of them lie between 126 and 211 um."""
    somas = cells.somas(Release.of(cave, DS, VERSION))
    types = connectivity.type_rows(Release.of(cave, DS, VERSION), TYPES).frame
    depths = somas.loc[somas["root_id"].isin(types.index[types["cell_type"] == "23P"]), "depth_um"]
    assert depths.quantile([0.25, 0.5, 0.75]).tolist() == pytest.approx([126, 168, 211], abs=2)


@pytest.mark.parametrize("type_table", [None, TYPES])
def test_the_partners_of_the_known_cell(cave, type_table):
    read = connectivity.read(Release.of(cave, DS, VERSION), CELL, type_table=type_table)
    assert read.cell.root_id == CELL
    assert read.totals["in"] == {"num_syn": 2_699, "num_partners": 2_380, "autapses": 8, "root_zero": 0}
    assert len(read.inputs) == 2_380
    assert read.inputs["num_syn"].sum() == 2_699
    assert (read.inputs["root_id"].iloc[0], read.inputs["num_syn"].iloc[0]) == (STRONGEST, 10)
    assert CELL not in set(read.inputs["root_id"])


def test_the_partners_equal_the_file(cave, realdata):
    rows = pd.read_csv(realdata / "23P_corner_50.csv")
    pre = next(name for name in rows.columns if name.startswith("pre") and "root" in name)
    rows = rows[rows[pre] != CELL]
    expected = rows.groupby(pre)["size"].agg(["size", "sum"])
    connections = connectivity.read(Release.of(cave, DS, VERSION), CELL).inputs.set_index("root_id").sort_index()
    assert connections["num_syn"].to_dict() == expected["size"].to_dict()
    assert connections["net_size"].to_dict() == expected["sum"].astype(float).to_dict()


def test_the_partners_equal_caveclient(cave, url):
    client = CAVEclient(DS, server_address=url, auth_token="unused", write_server_cache=False)
    rows = client.materialize.synapse_query(post_ids=CELL, remove_autapses=False, materialization_version=VERSION)
    assert len(rows) == 2_707
    counts = rows.loc[rows["pre_pt_root_id"] != CELL, "pre_pt_root_id"].value_counts()
    inputs = connectivity.read(Release.of(cave, DS, VERSION), CELL).inputs
    assert dict(zip(inputs["root_id"], inputs["num_syn"], strict=True)) == counts.to_dict()


def test_a_population_of_real_rows_equals_the_file(cave, realdata):
    """Typed cells onto the known cell: edges, and the synapses of each type, by pandas from the files alone."""
    rows = pd.read_csv(realdata / "23P_corner_50.csv")
    typed = pd.read_feather(realdata / "cell_info_1300.feather")
    root = next(name for name in typed.columns if name.endswith("root_id"))
    name = next(name for name in typed.columns if name.startswith("cell_type"))
    kept = rows["pre_pt_root_id"].isin(set(typed[root]) - {0, CELL})
    expected = rows[kept].groupby("pre_pt_root_id")["size"].agg(["size", "sum"])
    release = Release.of(cave, DS, VERSION)
    result = population.read(population.choose(release, f"{TYPES}:", str(CELL), proofread="off"))
    edges = result.edges.frame().set_index("pre_root_id")
    assert edges["num_syn"].to_dict() == expected["size"].to_dict() and len(edges) > 10
    assert edges["net_size"].to_dict() == expected["sum"].astype(float).to_dict()
    groups = [groupings.group(release, one, TYPES + ".cell_type") for one in (result.pair.pre, result.pair.post)]
    table = matrices.matrix(result.edges, *groups, "synapses").frame().groupby("pre")["value"].sum()
    once = typed[~typed[root].duplicated(keep=False)].set_index(root)[name]
    counts = rows[kept]["pre_pt_root_id"].map(once).value_counts()
    for kind in ("23P", "BC", "MC", "4P"):
        assert table[kind] == counts.get(kind, 0), kind
