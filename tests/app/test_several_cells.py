"""Several cells at once, against caveclient and plain pandas."""

from __future__ import annotations

import io
import itertools

import numpy as np
import pandas as pd
import pytest
from caveclient import CAVEclient

from app import create_app
from services.cave.client import Cave
from services.cave.release import Release
from services.cells import several_cells
from services.cells.connectivity import Connectivity
from services.cells.partner_columns import SHARE
from services.cells.partner_table import PartnerOptions
from services.core.settings import Settings
from tests.app.meant import cells_meant
from tests.servers import start_localcave

DS = "karst_demo"
TYPES = "aibs_metamodel_celltypes_v661"
SYNAPSES = "synapses_pni_2"
ENDS = {"in": ("post_pt_root_id", "pre_pt_root_id"), "out": ("pre_pt_root_id", "post_pt_root_id")}


@pytest.fixture(scope="module")
def client(localcave_url: str) -> CAVEclient:
    client = CAVEclient(DS, server_address=localcave_url, auth_token="none", write_server_cache=False)
    client.version = max(client.materialize.get_versions())
    return client


@pytest.fixture(scope="module")
def roots(client: CAVEclient) -> list[int]:
    """Five proofread cells, of which at least two are connected."""
    proofread = client.materialize.query_table("proofreading_status_and_strategy")["pt_root_id"].unique().tolist()
    among = client.materialize.query_table(
        SYNAPSES, filter_in_dict={"pre_pt_root_id": proofread, "post_pt_root_id": proofread}
    )
    pair = among[among["pre_pt_root_id"] != among["post_pt_root_id"]].iloc[0]
    first = [int(pair["pre_pt_root_id"]), int(pair["post_pt_root_id"])]
    return [*first, *[root for root in proofread if root not in first and root != 0][:3]]


@pytest.fixture(scope="module")
def connectivities(cave: Cave, client: CAVEclient, roots: list[int]) -> tuple[Connectivity, ...]:
    return cells_meant(Release.of(cave, DS, client.version), ", ".join(map(str, roots)), type_table=TYPES)


def partners(client: CAVEclient, root: int, way: str) -> pd.Series:
    """Synapses by partner."""
    own, other = ENDS[way]
    ids = client.materialize.query_table(SYNAPSES, filter_equal_dict={own: root})[other]
    return ids[(ids != root) & (ids != 0)].value_counts()


@pytest.mark.parametrize("way", ["in", "out"])
def test_each_cell_has_a_column_and_each_partner_a_row(cave, client, roots, connectivities, way):
    counts = {root: partners(client, root, way) for root in roots}
    table = several_cells.open_partners(cave, connectivities, PartnerOptions(way))
    frame = table.frame.set_index("root_id")
    everybody = sorted(set().union(*(own.index for own in counts.values())))
    assert sorted(frame.index) == everybody
    for root in roots:
        own = counts[root].reindex(everybody, fill_value=0)
        assert frame.loc[everybody, f"num_syn_{root}"].tolist() == own.tolist()
    assert frame["num_syn"].sum() == sum(own.sum() for own in counts.values())
    of_cells = {partner: sum(partner in own.index for own in counts.values()) for partner in everybody}
    assert frame["num_cells"].to_dict() == of_cells
    assert max(of_cells.values()) > 1, "no partner is shared, so this tests nothing"
    names = [column.name for column in table.columns]
    assert names[:3] == ["root_id", "num_cells", "num_syn"]
    assert names[3:8] == [f"num_syn_{root}" for root in roots]


def test_a_partner_is_reciprocal_with_all_of_them_together(cave, client, roots, connectivities):
    ways = {way: [partners(client, root, way) for root in roots] for way in ENDS}
    sums = {way: pd.concat(parts).groupby(level=0).sum() for way, parts in ways.items()}
    table = several_cells.open_partners(cave, connectivities, PartnerOptions("both"))
    frame = table.frame.set_index("root_id")
    everybody = sorted(sums["in"].index.union(sums["out"].index))
    assert sorted(frame.index) == everybody and not frame.index.has_duplicates
    for way, own in sums.items():
        assert frame.loc[everybody, f"num_syn_{way}"].tolist() == own.reindex(everybody, fill_value=0).tolist()
    pairs = set(sums["in"].index) & set(sums["out"].index)
    assert set(frame.index[frame["reciprocal"]]) == pairs
    assert frame["reciprocal"].tolist() == [True] * len(pairs) + [False] * (len(everybody) - len(pairs))
    alone = {
        partner
        for inputs, outputs in zip(*ways.values(), strict=True)
        for partner in {*inputs.index} & {*outputs.index}
    }
    assert alone < pairs, "every pair is of one cell, so this tests nothing"
    of_cells = {
        partner: sum(
            partner in inputs.index or partner in outputs.index for inputs, outputs in zip(*ways.values(), strict=True)
        )
        for partner in everybody
    }
    assert frame["num_cells"].to_dict() == of_cells
    assert any("not always the same one" in note for note in table.notes)


@pytest.mark.parametrize("way", ["in", "out"])
def test_shares_are_of_all_synapses_of_all_cells(cave, client, roots, connectivities, way):
    own, _ = ENDS[way]
    every = client.materialize.query_table(SYNAPSES, filter_in_dict={own: roots})
    table = several_cells.open_partners(cave, connectivities, PartnerOptions(way, more=(SHARE,)))
    titles = {column.name: column.title for column in table.columns}
    assert titles["pct_of_cell"] == f"% of {way}puts (n = {len(every):,})"
    frame = table.frame
    assert frame["pct_of_cell"].tolist() == pytest.approx((frame["num_syn"] * 100 / len(every)).tolist())
    degrees = client.materialize.query_view("synapses_pni_2_in_out_degree").set_index("root_id")
    theirs = degrees["n_output" if way == "in" else "n_input"].reindex(frame["root_id"])
    assert frame["partner_total"].tolist() == theirs.tolist()
    assert frame["pct_of_partner"].tolist() == pytest.approx((frame["num_syn"] * 100 / theirs.array).tolist())


def test_the_synapses_among_the_cells_are_a_matrix(client, roots, connectivities):
    synapses = client.materialize.query_table(
        SYNAPSES, filter_in_dict={"pre_pt_root_id": roots, "post_pt_root_id": roots}
    )
    matrix = several_cells.among(connectivities)
    for pre, post in itertools.product(roots, roots):
        both = (synapses["pre_pt_root_id"] == pre) & (synapses["post_pt_root_id"] == post)
        assert matrix.loc[pre, post] == both.sum(), (pre, post)
    off = matrix.to_numpy(dtype=int).copy()
    np.fill_diagonal(off, 0)
    assert off.sum() > 0


def test_a_threshold_counts_the_synapses_with_all_cells(cave, client, roots, connectivities):
    whole = sum((partners(client, root, "out") for root in roots[1:]), partners(client, roots[0], "out"))
    every = pd.concat([partners(client, root, "out") for root in roots]).groupby(level=0).sum()
    assert len(whole) == len(every)
    table = several_cells.open_partners(cave, connectivities, PartnerOptions("out", at_least=3))
    assert sorted(table.frame["root_id"]) == sorted(every.index[every >= 3])
    assert f"{(every < 3).sum():,} partners" in table.left_out[0]


def test_what_nobody_knows_is_blank_and_not_zero(small_cortex, roots):
    with start_localcave([small_cortex], "--row-limit", "500") as url:
        cave = Cave(Settings(server_address=url, cache=""))
        version = max(version.number for version in cave.versions(DS) if version.valid)
        connectivities = cells_meant(Release.of(cave, DS, version), ", ".join(map(str, roots)))
        cut = [one.cell.root_id for one in connectivities if one.truncated["in"]]
        assert 0 < len(cut) < len(roots)
        table = several_cells.open_partners(cave, connectivities, PartnerOptions("in"))
        for root in roots:
            column = table.frame[f"num_syn_{root}"]
            known = next(one for one in connectivities if one.cell.root_id == root).inputs
            assert column.notna().sum() == (len(known) if root in cut else len(column))
        assert any("not known" in note for note in table.notes)


def test_the_api_gives_several_cells_one_answer(localcave_url, client, roots):
    server = create_app(Settings(server_address=localcave_url, cache="")).server.test_client()
    path = f"/api/v1/{DS}/{client.version}/cells/{','.join(map(str, roots))}/partners"
    answer = server.get(f"{path}?direction=out&types={TYPES}&filter=num_cells >= 2")
    assert answer.status_code == 200, answer.text
    message = answer.get_json()
    assert [cell["root_id"] for cell in message["cells"]] == list(map(str, roots))
    of_cells = pd.concat([partners(client, root, "out") for root in roots]).groupby(level=0).size()
    assert {row["root_id"] for row in message["rows"]} == {str(root) for root in of_cells.index[of_cells >= 2]}
    csv = server.get(f"{path}?direction=both&format=csv").text
    frame = pd.read_csv(io.StringIO(csv), dtype={"root_id": "int64"})
    for way in ENDS:
        every = sum(partners(client, root, way).sum() for root in roots)
        assert frame.loc[frame["direction"] == way, "num_syn"].sum() == every
    merged = server.get(f"{path}?direction=merged&filter=reciprocal = true").get_json()["rows"]
    inputs, outputs = (set().union(*(partners(client, root, way).index for root in roots)) for way in ENDS)
    assert {int(row["root_id"]) for row in merged} == inputs & outputs
    alone = server.get(f"/api/v1/{DS}/{client.version}/cells/{roots[0]}/partners")
    assert alone.get_json()["cell"]["root_id"] == str(roots[0])
