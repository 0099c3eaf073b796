"""A cell's partners equal what caveclient and plain pandas give: both directions, both versions, with and
without a type table."""

import json
import time
from functools import cache

import flask
import numpy as np
import pandas as pd
import pytest
from caveclient import CAVEclient

from api import blueprint
from services.cave.client import Cave
from services.cave.release import Release
from services.cells import connectivity, partner_columns, partner_table
from services.cells.partner_table import PartnerOptions
from services.core.directions import Direction
from services.core.errors import BadInput, NotFound
from services.core.settings import Settings
from tests.naturally import in_one_text

DS = "karst_demo"
TYPES = "aibs_metamodel_celltypes_v661"


@pytest.fixture(scope="module", name="cave")
def cave_of_the_demo(localcave_url):
    return Cave(Settings(server_address=localcave_url, cache=""))


@pytest.fixture(scope="module")
def client(localcave_url):
    """caveclient as anybody would use it."""
    return CAVEclient(DS, server_address=localcave_url, auth_token="unused", write_server_cache=False)


@pytest.fixture(scope="module")
def versions(cave):
    return [version.number for version in cave.versions(DS) if version.valid]


@cache
def some_roots(client, version, count=50):
    """Random cells of a version: half of them proofread, some with several somata or with a partner that has
    several, and any others."""
    random = np.random.default_rng(version)
    nuclei = whole(client, "nucleus_detection_v0", version)
    proofread = whole(client, "proofreading_status_and_strategy", version)["pt_root_id"]
    roots = nuclei.loc[nuclei["pt_root_id"] != 0, "pt_root_id"]
    merged = roots[roots.duplicated()].unique()
    onto_merged = client.materialize.query_table(
        "synapses_pni_2", filter_in_dict={"post_pt_root_id": merged.tolist()}, materialization_version=version
    )["pre_pt_root_id"]
    special = [
        *random.choice(proofread.unique(), count // 2, replace=False),
        *random.choice(merged, 3, replace=False),
        *random.choice(onto_merged[onto_merged != 0].unique(), 3, replace=False),
    ]
    others = random.choice(roots.unique(), count - len(special), replace=False)
    return [int(root) for root in (*special, *others)]


@cache
def whole(client, table, version, **options):
    return client.materialize.query_table(table, materialization_version=version, **options)


@cache
def synapses_of(client, version, root, direction):
    """The synapses between a cell and its partners, one row for each partner, and what they sum up to."""
    side, other = ("post_pt_root_id", "pre_pt_root_id") if direction == "in" else ("pre_pt_root_id", "post_pt_root_id")
    synapses = client.materialize.query_table(
        "synapses_pni_2", filter_equal_dict={side: root}, materialization_version=version
    )
    autapses, zeros = int((synapses[other] == root).sum()), int((synapses[other] == 0).sum())
    synapses = synapses[(synapses[other] != root) & (synapses[other] != 0)].astype({"size": "float64"})
    frame = synapses.groupby(other).agg(num_syn=("id", "count"), net_size=("size", "sum")).reset_index()
    frame = frame.rename(columns={other: "root_id"})
    frame["mean_size"] = frame["net_size"] / frame["num_syn"]
    sums = {"num_syn": len(synapses), "num_partners": len(frame), "autapses": autapses, "root_zero": zeros}
    return frame, sums


@cache
def somata_of(client, version):
    """The number of somata of each root id, and the depth and nucleus of those that have one."""
    nuclei = whole(client, "nucleus_detection_v0", version, desired_resolution=(1, 1, 1))
    somata = nuclei.groupby("pt_root_id").agg(
        num_soma=("id", "count"), nucleus_id=("id", "first"), place=("pt_position", "first")
    )
    angle = np.deg2rad(5)
    depth = [(x * np.sin(angle) + y * np.cos(angle) - 396671.0322102845) / 1000 for x, y, _ in somata["place"]]
    somata = somata.assign(soma_depth_um=depth).drop(columns="place").reset_index()
    somata.loc[somata["num_soma"] > 1, ["soma_depth_um", "nucleus_id"]] = pd.NA
    return somata


@cache
def types_of(client, version):
    """What the type table says of each root id: a text where its rows agree, all texts where they differ."""
    table = whole(client, TYPES, version).sort_values("id")
    names = ["classification_system", "cell_type"]
    table = table.groupby("pt_root_id")[names].agg(lambda message: in_one_text(message.unique())).reset_index()
    return table[["pt_root_id", "classification_system", "cell_type"]].rename(columns={"pt_root_id": "root_id"})


@cache
def expected(client, version, root, direction, types):
    """The partner table again, from caveclient's own frames. Tests share it, so none may change it."""
    frame, sums = synapses_of(client, version, root, direction)
    somata = somata_of(client, version)
    frame = frame.merge(somata, left_on="root_id", right_on="pt_root_id", how="left").drop(columns="pt_root_id")
    frame["num_soma"] = frame["num_soma"].fillna(0)
    if types:
        frame = frame.merge(types_of(client, version), on="root_id", how="left")
    frame = frame.sort_values(["num_syn", "root_id"], ascending=[False, True], ignore_index=True)
    return frame, sums


@pytest.mark.parametrize("types", [None, TYPES])
@pytest.mark.parametrize("newest", [True, False])
def test_partners_equal_caveclient_and_pandas(cave, client, versions, newest, types):
    version = versions[0] if newest else versions[1]
    partners = 0
    for root in some_roots(client, version):
        read = connectivity.read(Release.of(cave, DS, version), int(root), type_table=types)
        assert read.cell.root_id == root
        for direction in Direction:
            frame, sums = expected(client, version, root, direction, types)
            result = read.side(direction)
            assert read.totals[direction] == sums
            assert set(frame.columns) == set(result.columns)
            for name in result.columns:
                ours = result[name].astype("object").where(result[name].notna(), None).tolist()
                theirs = frame[name].astype("object").where(frame[name].notna(), None).tolist()
                if name == "soma_depth_um":
                    assert pd.array(ours, dtype="Float64").to_numpy(float, na_value=np.nan) == pytest.approx(
                        pd.array(theirs, dtype="Float64").to_numpy(float, na_value=np.nan), nan_ok=True
                    )
                else:
                    assert ours == theirs, (root, direction, name)
            partners += len(result)
    assert partners > 1000


@pytest.mark.parametrize("types", ["", TYPES])
@pytest.mark.parametrize("newest", [True, False])
def test_the_api_gives_the_partners_of_caveclient_and_pandas(cave, client, versions, newest, types):
    """Every column that the API has of 50 cells, after its way through JSON; ids are text there."""
    version = versions[0] if newest else versions[1]
    app = flask.Flask("test_connectivity")
    app.extensions["karst"] = cave
    app.register_blueprint(blueprint)
    web = app.test_client()
    partners = 0
    for root in some_roots(client, version):
        requested = {"direction": "both"} | ({"types": types} if types else {})
        answer = web.get(f"/api/v1/{DS}/{version}/cells/{root}/partners", query_string=requested)
        assert answer.status_code == 200, answer.text
        result = json.loads(answer.text, parse_constant=pytest.fail)
        assert result["cell"]["root_id"] == str(root)
        for direction in Direction:
            frame, sums = expected(client, version, root, direction, types or None)
            assert result["totals"][direction] == sums
            rows = [row for row in result["rows"] if row["direction"] == direction]
            assert len(rows) == len(frame)
            for name in frame.columns:
                theirs = [None if pd.isna(value) else value for value in frame[name]]
                ours = [row[name] for row in rows]
                if name in ("root_id", "nucleus_id"):
                    assert ours == [None if value is None else str(int(value)) for value in theirs]
                elif name in ("num_syn", "num_soma", "classification_system", "cell_type"):
                    assert ours == theirs, (root, direction, name)
                else:
                    assert [value is None for value in ours] == [value is None for value in theirs]
                    assert [value for value in ours if value is not None] == pytest.approx(
                        [value for value in theirs if value is not None], rel=1e-6
                    ), (root, direction, name)
            partners += len(rows)
    assert partners > 1000


@pytest.mark.parametrize("newest", [True, False])
def test_percentages_are_of_all_synapses_in_the_synapse_table(cave, client, versions, newest):
    """Of the cell's and, counted anew from the synapses of each partner, of the partner's."""
    version = versions[0] if newest else versions[1]
    checked = 0
    for root in some_roots(client, version)[::4]:
        read = connectivity.read(Release.of(cave, DS, version), int(root))
        for direction in Direction:
            frame, sums = expected(client, version, root, direction, None)
            of_cell = sums["num_syn"] + sums["autapses"] + sums["root_zero"]
            result = partner_table.open_partners(
                cave, read, PartnerOptions(direction, more=(partner_columns.SHARE,))
            ).frame
            assert result["root_id"].tolist() == frame["root_id"].tolist()
            assert result["pct_of_cell"].tolist() == pytest.approx([100 * n / of_cell for n in frame["num_syn"]])
            for place in range(min(len(frame), 1)):  # a query for each
                partner = int(frame["root_id"].iloc[place])
                end = "pre_ids" if direction == "in" else "post_ids"
                own = client.materialize.synapse_query(
                    **{end: partner}, materialization_version=version, remove_autapses=False
                )
                assert result["partner_total"].iloc[place] == len(own)
                assert result["pct_of_partner"].iloc[place] == pytest.approx(
                    100 * frame["num_syn"].iloc[place] / len(own)
                )
                checked += 1
    assert checked > 12


def test_the_demo_has_what_the_rules_are_about(cave, client, versions):
    """Without autapses, zeros, several somata and ambiguous types the test above would prove little."""
    reads = [
        connectivity.read(Release.of(cave, DS, versions[0]), int(root), type_table=TYPES)
        for root in some_roots(client, versions[0])
    ]
    sides = [side for read in reads for side in (read.inputs, read.outputs)]
    assert sum(read.totals[way]["autapses"] for read in reads for way in Direction) > 0
    assert sum(read.totals[way]["root_zero"] for read in reads for way in Direction) > 0
    assert any((side["num_soma"] > 1).any() for side in sides)
    assert any(side["cell_type"].isna().any() and side["cell_type"].notna().any() for side in sides)
    assert any(len(read.types[0].ambiguous) for read in reads)
    assert any(not read.cell.nucleus_ids for read in reads)


def test_every_way_to_name_a_cell_gives_the_same_partners(cave, versions):
    nuclei = Release.of(cave, DS, versions[0]).table("nucleus_detection_v0")
    proofread = Release.of(cave, DS, versions[0]).table("proofreading_status_and_strategy")
    cell = nuclei[nuclei["pt_root_id"] == proofread["pt_root_id"].iloc[0]].iloc[0]
    reads = [
        connectivity.read(Release.of(cave, DS, versions[0]), int(cell[name]))
        for name in ("pt_root_id", "id", "pt_supervoxel_id")
    ]
    for read in reads[1:]:
        pd.testing.assert_frame_equal(read.inputs, reads[0].inputs)
        pd.testing.assert_frame_equal(read.outputs, reads[0].outputs)


def test_a_stale_root_has_the_partners_of_its_heir(cave, versions):
    newer, older = (Release.of(cave, DS, version).table("nucleus_detection_v0") for version in versions[:2])
    stale = sorted(set(older["pt_root_id"]) - set(newer["pt_root_id"]) - {0})[0]
    read = connectivity.read(Release.of(cave, DS, versions[0]), int(stale))
    assert read.cell.repaired_from == stale
    assert read.warnings == read.cell.warnings
    same = connectivity.read(Release.of(cave, DS, versions[0]), read.cell.root_id)
    pd.testing.assert_frame_equal(read.inputs, same.inputs)


def test_a_type_table_without_root_ids_is_refused(cave, versions):
    proofread = Release.of(cave, DS, versions[0]).table("proofreading_status_and_strategy")
    root = int(proofread["pt_root_id"].iloc[0])
    with pytest.raises(NotFound, match="no_such_table"):
        connectivity.read(Release.of(cave, DS, versions[0]), root, type_table="no_such_table")
    with pytest.raises(BadInput, match="synapses_pni_2"):
        connectivity.read(Release.of(cave, DS, versions[0]), root, type_table="synapses_pni_2")


def test_a_truncated_answer_says_so_with_both_numbers(small_cortex, cave, versions):
    from tests.servers import start_localcave

    version, most = versions[0], 200
    proofread = Release.of(cave, DS, version).table("proofreading_status_and_strategy")["pt_root_id"].tolist()
    sizes = (
        (root, *(len(Release.of(cave, DS, version).synapses(root, way)) for way in (Direction.IN, Direction.OUT)))
        for root in proofread
    )
    root, inputs, outputs = next(result for result in sizes if min(result[1:]) > most)
    with start_localcave([small_cortex], "--row-limit", str(most)) as url:
        limited = Cave(Settings(server_address=url, cache=""))
        assert len(Release.of(limited, DS, version).query("proofreading_status_and_strategy", limit=1)) == 1
        assert len(Release.of(limited, DS, version).synapses(root, Direction.IN, whole=True)) == inputs
        assert len(Release.of(limited, DS, version).synapses(root, Direction.OUT, whole=True)) == outputs
        assert len(Release.of(limited, DS, version).synapses(root, Direction.IN)) == most
        result = connectivity.read(Release.of(limited, DS, version), int(root))
        assert result.cut == (
            f"CAVE sent only {most} of {inputs:,} input synapses and {most} of {outputs:,} output synapses; "
            "the counts below are of these.",
        )
        assert [message for message in result.warnings if "CAVE sent" in message] == [*result.cut]
        assert connectivity.read(Release.of(limited, DS, version), int(root), whole=True).cut == ()


def test_a_cell_costs_few_requests_and_those_go_out_at_once(small_cortex, cave, versions):
    from tests.servers import start_localcave

    delay_s = 0.4
    newer, older = versions[:2]
    roots = Release.of(cave, DS, newer).table("proofreading_status_and_strategy")["pt_root_id"].tolist()
    somata = Release.of(cave, DS, newer).table("nucleus_detection_v0")["pt_root_id"]
    expired = sorted({*Release.of(cave, DS, older).table("nucleus_detection_v0")["pt_root_id"]} - {0, *somata})
    inputs = Release.of(cave, DS, newer).synapses(roots[1], Direction.IN)["pre_pt_root_id"]
    fragments = inputs[~inputs.isin([0, *somata])].unique()
    with start_localcave([small_cortex], "--delay-ms", str(int(delay_s * 1000))) as url:
        slow = Cave(Settings(server_address=url, cache=""))

        def cost(root):
            """Requests to CAVE, and the time in units of one request's delay."""
            before, start = slow.counts["requests"], time.perf_counter()
            connectivity.read(Release.of(slow, DS, newer), int(root), type_table=TYPES)
            return slow.counts["requests"] - before, (time.perf_counter() - start) / delay_s

        def costs(roots):
            """The requests of each cell, and the shortest time: a busy machine makes some longer."""
            matches = [cost(root) for root in roots]
            return [requests for requests, _ in matches], min(trips for _, trips in matches)

        cost(expired[0])
        requests, trips = costs(roots[1:4])
        assert requests == [2, 2, 2]  # its inputs and outputs: the soma table has its root id
        assert trips < 1.9
        requests, trips = costs(roots[1:4])
        assert requests == [0, 0, 0]
        assert trips < 0.9
        requests, trips = costs(fragments[:3])
        assert requests == [3, 3, 3]  # and whether a fragment's root id is valid
        assert trips < 2.5
        requests, trips = costs(expired[1:4])
        # and its pieces, their roots, whether the other version has it, and the heir's synapses, unless another had it
        assert set(requests) <= {6, 8}
        assert trips < 5
