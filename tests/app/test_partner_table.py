"""The table of partners as it is asked for, against caveclient and pandas alone."""

from __future__ import annotations

import pandas as pd
import pytest
from caveclient import CAVEclient

from services.cave.client import Cave
from services.cave.release import Release
from services.cells import connectivity, partner_columns, partner_table
from services.cells.connectivity import Connectivity
from services.cells.partner_columns import COMPARTMENT, SHARE, TUNING
from services.cells.partner_table import PartnerOptions
from services.core.directions import Direction
from services.core.errors import BadInput, NotFound
from services.core.settings import Settings

DATASTACK = "karst_demo"
TYPES = "aibs_metamodel_celltypes_v661"
PROOFREADING = "proofreading_status_and_strategy"
DEGREES = "synapses_pni_2_in_out_degree"


@pytest.fixture(scope="module")
def client(localcave_url: str) -> CAVEclient:
    client = CAVEclient(DATASTACK, server_address=localcave_url, auth_token="none", write_server_cache=False)
    client.version = max(client.materialize.get_versions())
    return client


@pytest.fixture(scope="module")
def cave(localcave_url: str, tmp_path_factory: pytest.TempPathFactory) -> Cave:
    return Cave(Settings(server_address=localcave_url, cache=str(tmp_path_factory.mktemp("cache"))))


@pytest.fixture(scope="module")
def connections(cave: Cave, client: CAVEclient) -> Connectivity:
    rows = client.materialize.query_table(PROOFREADING)
    root = int(rows.loc[rows["pt_root_id"] != 0, "pt_root_id"].iloc[0])
    return connectivity.read(Release.of(cave, DATASTACK, client.version), int(root), type_table=TYPES)


@pytest.fixture(scope="module")
def inputs(client: CAVEclient, connections: Connectivity) -> pd.Series:
    """Synapses by partner."""
    root = connections.cell.root_id
    partners = client.materialize.synapse_query(post_ids=root)["pre_pt_root_id"]
    return partners[(partners != root) & (partners != 0)].value_counts()


def counts(cave: Cave, connections: Connectivity, wanted: PartnerOptions) -> dict[int, int]:
    frame = partner_table.open_partners(cave, connections, wanted).frame
    return dict(zip(frame["root_id"].tolist(), frame["num_syn"].tolist(), strict=True))


def test_a_threshold_says_what_it_leaves_out(cave: Cave, connections: Connectivity, inputs: pd.Series) -> None:
    assert counts(cave, connections, PartnerOptions("in", 2)) == inputs[inputs >= 2].to_dict()
    (message,) = partner_table.open_partners(cave, connections, PartnerOptions("in", 2)).left_out
    assert f"{(inputs < 2).sum():,} partners" in message


def test_proofread_partners_only(cave: Cave, client: CAVEclient, connections: Connectivity, inputs: pd.Series) -> None:
    rows = client.materialize.query_table(PROOFREADING)
    axons = set(rows.loc[rows["status_axon"].astype(bool), "pt_root_id"])
    assert counts(cave, connections, PartnerOptions("in", proofread=True)) == inputs[inputs.index.isin(axons)].to_dict()


def test_shares_are_of_what_their_headers_say(cave: Cave, client: CAVEclient, connections: Connectivity) -> None:
    table = partner_table.open_partners(cave, connections, PartnerOptions("in", more=(SHARE,)))
    every = client.materialize.synapse_query(post_ids=connections.cell.root_id, remove_autapses=False)
    degrees = client.materialize.query_view(DEGREES)
    outputs = degrees.set_index("root_id")["n_output"]
    frame, titles = table.frame, {column.name: column.title for column in table.columns}
    assert titles["pct_of_cell"] == f"% of inputs (n = {len(every):,})"
    assert frame["pct_of_cell"].tolist() == pytest.approx((frame["num_syn"] * 100 / len(every)).tolist())
    theirs = outputs.reindex(frame["root_id"]).tolist()
    assert frame["partner_total"].tolist() == theirs
    wanted = [number * 100 / of for number, of in zip(frame["num_syn"], theirs, strict=True)]
    assert frame["pct_of_partner"].tolist() == pytest.approx(wanted)


def test_compartments_add_up(cave: Cave, connections: Connectivity) -> None:
    frame = partner_table.open_partners(cave, connections, PartnerOptions("in", more=(COMPARTMENT,))).frame
    assert (frame[["on_spine", "on_shaft", "on_soma", "not_predicted"]].sum(axis=1) == frame["num_syn"]).all()


def test_tuning_is_of_coregistered_partners_alone(cave: Cave, client: CAVEclient, connections: Connectivity) -> None:
    table = partner_table.open_partners(cave, connections, PartnerOptions("in", more=(TUNING,)))
    recorded = set(client.materialize.query_table("digital_twin_properties_bcm_coreg_v4")["pt_root_id"])
    tuned = table.frame[table.frame["num_units"].notna()]
    assert set(tuned["root_id"]) <= recorded
    assert tuned["pref_ori_deg"].between(0, 180).all()
    assert len(table.frame) == len(connections.inputs)


def test_a_side_is_worked_out_once_whichever_name_it_is_given(cave: Cave, connections: Connectivity) -> None:
    for way in Direction:
        tables = [partner_table.open_partners(cave, connections, PartnerOptions(side)) for side in (way, way.value)]
        assert tables[0] is tables[1]


def test_no_column_is_lost_or_doubled(cave: Cave, connections: Connectivity) -> None:
    offered = partner_columns.offered(Release(cave, DATASTACK, connections.version), TYPES)
    more = tuple(list(offered)[:6])
    for side in ("in", "out", "both"):
        table = partner_table.open_partners(cave, connections, PartnerOptions(side, more=more))
        names = [column.name for column in table.columns]
        assert len(names) == len(set(names))
        assert set(table.frame.columns) - set(names) <= {"num_syn"}
        assert names[0] == "root_id"


def test_the_default_types_are_those_of_the_profile(cave: Cave, client: CAVEclient) -> None:
    assert partner_columns.default_types(Release.of(cave, DATASTACK, client.version)) == TYPES


@pytest.mark.parametrize("text", ["0", "-1", "many", "1.5", "٣", "1" * 12])
def test_what_is_no_threshold_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        partner_table.threshold(text)


def test_what_cannot_be_joined_is_refused(cave: Cave, connections: Connectivity) -> None:
    with pytest.raises(NotFound):
        partner_table.open_partners(cave, connections, PartnerOptions("in", more=("nope",)))
    with pytest.raises(BadInput):
        partner_table.open_partners(cave, connections, PartnerOptions("in", more=("synapse_target_predictions_ssa",)))
    for values in ("scores", "transmitters", "neuropils"):
        for cell_side in ("in", "out"):
            with pytest.raises(NotFound) as missing:
                partner_table.open_partners(cave, connections, PartnerOptions(cell_side, more=(values,)))
            assert missing.value.hint == f"Leave out the {values}."


def test_columns_that_a_version_does_not_have_are_left_out_and_said(cave: Cave, connections: Connectivity) -> None:
    """A page was once nothing but an error when its address named a table of another version."""
    there = ("aibs_cell_info", TYPES, SHARE)
    kept, message = partner_columns.fitting(Release(cave, DATASTACK, connections.version), TYPES, (*there, "nope"))
    assert kept == there
    assert len(message) == 1 and "'nope'" in message[0] and str(connections.version.number) in message[0]


def test_every_table_that_is_offered_can_be_joined_at_once(
    cave: Cave, client: CAVEclient, connections: Connectivity
) -> None:
    offered = partner_columns.offered(Release(cave, DATASTACK, connections.version), TYPES)
    frame = partner_table.open_partners(cave, connections, PartnerOptions("in", more=tuple(offered))).frame
    assert frame["root_id"].tolist() == connections.inputs["root_id"].tolist()
    info = client.materialize.query_view("aibs_cell_info").drop_duplicates("pt_root_id", keep=False)
    mtypes = info.set_index("pt_root_id")["mtype"].reindex(frame["root_id"])
    assert frame["aibs_cell_info.mtype"].fillna("").tolist() == mtypes.fillna("").tolist()
    assert mtypes.notna().any()
