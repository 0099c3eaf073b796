"""Cells at an expired version and live, against what caveclient itself finds for these times."""

from __future__ import annotations

import json
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from caveclient import CAVEclient

from services.cave.release import Release
from services.cells import cells, connectivity, partner_script, partner_synapses, partner_table
from services.cells.partner_table import PartnerOptions
from services.core.directions import Direction
from services.core.errors import BadInput
from services.core.moments import MomentNumber, number_of
from services.neuroglancer import links
from services.tables import live
from services.tables.tables import TableQuery
from tests.app.meant import cells_meant

DS, SYNAPSES, NUCLEI = "karst_demo", "synapses_pni_2", "nucleus_detection_v0"
TYPES, PROOFREADING = "aibs_metamodel_celltypes_v661", "proofreading_status_and_strategy"
ENDS = {"in": ("post_pt_root_id", "pre_pt_root_id"), "out": ("pre_pt_root_id", "post_pt_root_id")}


@pytest.fixture(scope="module")
def direct(localcave_url):
    client = CAVEclient(DS, server_address=localcave_url, auth_token="none", write_server_cache=False)
    client.version = max(client.materialize.get_versions())
    return client


@pytest.fixture(scope="module")
def expired(cave):
    return next(version for version in cave.versions(DS) if not version.valid)


@pytest.fixture(scope="module")
def moments(cave, expired):
    """An expired version, a time between two versions, and now."""
    newest = cave.versions(DS)[0]
    between = f"{newest.timestamp - timedelta(days=30):%Y-%m-%dT%H:%M:%SZ}"
    return {name: live.resolve(cave, DS, name).version for name in (str(expired.number), between, "live")}


@pytest.fixture(scope="module")
def then(direct, moments):
    """What caveclient finds of each table at each moment."""

    def ask(version, table, **options):
        return direct.materialize.live_live_query(
            table, version.timestamp, allow_missing_lookups=True, split_positions=True, **options
        )

    return ask


def changed_since(cave, then, version):
    """A proofread cell whose root id was another at the moment than it is today, if there is one, else any."""
    rows = then(version, NUCLEI)
    today = set(Release(cave, DS, cave.versions(DS)[0]).table(NUCLEI)["pt_root_id"])
    own = then(version, PROOFREADING)["pt_root_id"]
    roots = [int(root) for root in own if root in set(rows["pt_root_id"]) and root]
    return next((root for root in roots if root not in today), roots[0])


@pytest.mark.parametrize("which", [0, 1, 2], ids=["expired", "between", "live"])
def test_partners_somata_and_types_are_those_of_the_time(cave, then, moments, which):
    version = list(moments.values())[which]
    root = changed_since(cave, then, version)
    connections = connectivity.read(Release(cave, DS, version), int(root), type_table=TYPES)
    assert connections.version == version
    assert connections.cell.root_id == root
    somata = then(version, NUCLEI)["pt_root_id"].value_counts()
    types = then(version, TYPES, joins=[[TYPES, "target_id", NUCLEI, "id"]], suffixes={TYPES: "", NUCLEI: "_ref"})
    single = types[types["pt_root_id"] != 0].drop_duplicates("pt_root_id", keep=False).set_index("pt_root_id")
    for way, (own, other) in ENDS.items():
        rows = then(version, SYNAPSES, filter_equal_dict={SYNAPSES: {own: root}})
        rows = rows[(rows[other] != root) & (rows[other] != 0)]
        side = connections.side(way).set_index("root_id")
        assert side["num_syn"].to_dict() == rows[other].value_counts().to_dict()
        sizes = rows.groupby(other)["size"].sum()
        np.testing.assert_allclose(side["net_size"], sizes.reindex(side.index).astype(float))
        assert side["num_soma"].tolist() == somata.reindex(side.index).fillna(0).astype(int).tolist()
        known = side.index.intersection(single.index)
        assert side.loc[known, "cell_type"].tolist() == single.loc[known, "cell_type"].tolist()
        assert len(side)


def test_an_expired_version_has_the_synapses_that_it_had(cave, direct, expired):
    """localcave still has what CAVE may have dropped."""
    ask = direct.materialize.query_table
    own = ask(PROOFREADING, materialization_version=expired.number)["pt_root_id"]
    root = int(own[own != 0].iloc[0])
    kept = ask(SYNAPSES, filter_equal_dict={"post_pt_root_id": root}, materialization_version=expired.number)
    rows = Release(cave, DS, expired).synapses(root, Direction.IN)
    assert sorted(rows["id"]) == sorted(kept["id"])
    assert rows["id"].tolist()
    nm = rows.sort_values("id")[[f"ctr_pt_position_{axis}_nm" for axis in "xyz"]].to_numpy(float)
    voxels = np.vstack(kept.sort_values("id")["ctr_pt_position"])
    np.testing.assert_allclose(nm, voxels * [4, 4, 40])
    assert sorted(Release(cave, DS, expired).synapses(root, Direction.IN, whole=True)["id"]) == sorted(kept["id"])


def test_what_is_shown_of_a_cell_at_a_moment_says_so(cave, then, moments):
    for version in moments.values():
        root = changed_since(cave, then, version)
        (result,) = cells_meant(Release(cave, DS, version), str(root))
        message = " ".join(result.warnings)
        assert ("live data, of no version" if version.live else "has expired. Shown is what tables") in message
        assert f"{version.timestamp:%H:%M:%S} UTC" in message
        link = links.cell_link(cave, result)
        assert version.title in link.description
        table = partner_table.open_partners(cave, result, PartnerOptions("in"))
        assert len(table.frame) == len(result.inputs)
        assert len(partner_synapses.of_cell(cave, result, Direction.IN))
        with pytest.raises(BadInput, match="versions that are kept"):
            partner_script.snippet(cave, [result], PartnerOptions("in"), TableQuery())


def test_a_nucleus_and_a_stale_root_lead_to_the_cell_of_the_time(cave, then, expired):
    nuclei = then(expired, NUCLEI)
    newest = Release(cave, DS, cave.versions(DS)[0]).table(NUCLEI).set_index("id")["pt_root_id"]
    pairs = nuclei[(nuclei["pt_root_id"] != 0)].set_index("id")["pt_root_id"]
    moved = next(one for one in pairs.index if newest.get(one, 0) not in (0, pairs[one]))
    result = cells.find(Release(cave, DS, expired), int(moved), "nucleus_id")
    assert result.root_id == pairs[moved]
    repaired = cells.find(Release(cave, DS, expired), int(newest[moved]), "root_id")
    assert repaired.repaired_from == newest[moved]
    assert f"{newest[moved]} is newer than version {expired.number}; showing its predecessor" in repaired.warnings[0]
    successor = cells.find(Release(cave, DS, cave.versions(DS)[0]), int(pairs[moved]), "root_id")
    assert "outdated at version" in successor.warnings[0]
    cell = connectivity.read(Release(cave, DS, expired), int(newest[moved]))
    assert cell.cell.root_id == repaired.root_id
    inputs = then(expired, SYNAPSES, filter_equal_dict={SYNAPSES: {"post_pt_root_id": repaired.root_id}})
    assert cell.totals["in"]["num_syn"] + cell.totals["in"]["autapses"] == len(inputs)


def test_the_api_reads_cells_at_moments(client, cave, then, moments):
    for name, version in moments.items():
        root = changed_since(cave, then, version)
        for path in (f"cells/{root}", f"cells/{root}/partners?direction=in&types={TYPES}", f"cells/{root}/synapses"):
            answer = client.get(f"/api/v1/{DS}/{name}/{path}")
            assert answer.status_code == 200, answer.text
            result = json.loads(answer.text)
            assert result["version"] == version.label or name == "live"
            assert result["cell"]["root_id"] == str(root)
        created = client.post(f"/api/v1/{DS}/{name}/neuroglancer", json={"cell": str(root)}).json
        assert created["num_points"] > 0


def test_the_number_of_a_moment_is_written_as_the_time():
    number = number_of("2025-01-13T12:10:01Z")
    assert (str(number), f"{number}") == ("2025-01-13T12:10:01Z",) * 2
    assert number == pd.Timestamp("2025-01-13T12:10:01Z").timestamp()
    assert number_of("1621") == 1621 and not isinstance(number_of("1621"), MomentNumber)


def test_synapses_are_filtered_and_compared_at_moments_too(client, cave, then, expired):
    root = changed_since(cave, then, expired)
    rows = then(expired, SYNAPSES, filter_equal_dict={SYNAPSES: {"post_pt_root_id": root}})
    middle = float(rows["size"].median())
    kept = rows[(rows["size"] > middle) & ~rows["pre_pt_root_id"].isin([0, root])]
    path = f"/api/v1/{DS}/{expired.number}/cells/{root}"
    answer = client.get(f"{path}/partners", query_string={"direction": "in", "synapses": f"size > {middle}"}).json
    counts = {int(row["root_id"]): row["num_syn"] for row in answer["rows"]}
    assert counts == kept["pre_pt_root_id"].value_counts().to_dict()
    nucleus = cells.find(Release(cave, DS, expired), int(root)).nucleus_ids
    assert nucleus is not None and len(nucleus) == 1
    changed = client.get(f"{path}/changes?against=latest&direction=in").json
    assert changed["version"] == expired.number
    assert sum(changed["counts"]["in"].values()) == changed["total"]
