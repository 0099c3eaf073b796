"""What is said of a cell beside its partner counts, against caveclient and pandas: trust, shares, joins, compartments,
tuning, changes and the card."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from caveclient import CAVEclient

from services.cave.client import Cave
from services.cave.release import Release
from services.cells import card as cell_card
from services.cells import (
    cell_types,
    cells,
    changes,
    compartments,
    connectivity,
    partner_joins,
    partner_synapses,
    proofreading,
    synapse_weights,
    tuning,
)
from services.cells import verdict as trust
from services.core.directions import Direction
from services.core.errors import BadInput, NotFound
from services.core.settings import Settings
from services.views.addresses import CellAddress
from services.views.cell_view import CellView
from tests.naturally import in_one_text

DS = "karst_demo"
TYPES = "aibs_metamodel_celltypes_v661"
SIDES = {Direction.IN: ("post_pt_root_id", "pre_pt_root_id"), Direction.OUT: ("pre_pt_root_id", "post_pt_root_id")}


@pytest.fixture(scope="module")
def newest(cave):
    return cave.versions(DS)[0].number


@pytest.fixture(scope="module")
def ask(localcave_url, newest):
    """Rows of a table as anybody gets them with caveclient, which has to be told its version to find old tables."""

    @cache
    def client(version):
        return CAVEclient(
            DS, server_address=localcave_url, auth_token="unused", write_server_cache=False, version=version
        )

    def query(table, version=newest, **options):
        return client(version).materialize.query_table(table, **options)

    return query


@pytest.fixture(scope="module")
def proofread(ask):
    return ask("proofreading_status_and_strategy")


@pytest.fixture(scope="module")
def reads(cave, newest, proofread):
    return [
        connectivity.read(Release.of(cave, DS, newest), int(root), type_table=TYPES)
        for root in proofread["pt_root_id"].iloc[:8]
    ]


@pytest.fixture(scope="module")
def busiest(reads):
    return max(reads, key=lambda result: result.totals["out"]["num_syn"])


def synapses_of(ask, root, direction):
    return ask("synapses_pni_2", filter_equal_dict={SIDES[direction][0]: root})


def test_the_verdict_follows_the_proofreading_table(cave, reads, proofread):
    levels = {"axon_fully_extended": "complete", "none": "not analysable"}
    for result in reads:
        row = proofread[proofread["pt_root_id"] == result.cell.root_id].iloc[0]
        verdict = trust.verdict(cave, result)
        strategy = row["strategy_axon"] if row["status_axon"] else "none"
        assert verdict.strategy_axon == strategy
        assert verdict.outputs == levels.get(strategy, "lower bound")
        assert bool(verdict.notes) == (row["valid_id"] != row["pt_root_id"])


def test_proofread_partners_are_those_of_the_table(cave, newest, reads, proofread):
    rows = proofreading.rows(Release.of(cave, DS, newest))
    axons = set(proofread.loc[proofread["strategy_axon"] != "none", "pt_root_id"])
    dendrites = set(proofread.loc[proofread["strategy_dendrite"] != "none", "pt_root_id"])
    kept = 0
    for result in reads:
        for direction, wanted in ((Direction.IN, axons), (Direction.OUT, dendrites)):
            side = result.side(direction)
            mask = proofreading.mask(side, direction, rows)
            assert set(side.loc[mask, "root_id"]) == set(side["root_id"]) & wanted
            kept += mask.sum()
    assert kept > 0


def test_shares_name_their_denominators_and_equal_the_synapse_table(cave, newest, ask, busiest):
    # known, whichever test comes first and however old the list of versions is
    Release.of(cave, DS, newest).view_columns()
    before = cave.counts["requests"]
    degrees = synapse_weights.partner_degrees(cave, busiest)
    assert cave.counts["requests"] - before == 1
    for direction, (own, other) in SIDES.items():
        frame = synapse_weights.with_weights(busiest, direction, degrees)
        total = len(synapses_of(ask, busiest.cell.root_id, direction))
        assert synapse_weights.cell_total(busiest, direction) == total
        assert frame["pct_of_cell"].tolist() == pytest.approx((frame["num_syn"] / total * 100).tolist())
        for row in frame.iloc[[0, len(frame) // 2, -1]].to_dict("records"):
            partners_own = len(ask("synapses_pni_2", filter_equal_dict={other: row["root_id"]}))
            assert row["partner_total"] == partners_own
            assert row["pct_of_partner"] == pytest.approx(row["num_syn"] / partners_own * 100)
        assert frame["pct_of_partner"].le(100).all()
        titles = {column.name: column.title for column in synapse_weights.describe(frame, busiest, direction)}
        assert f"{total:,}" in titles["pct_of_cell"]
        assert own is not other and titles["pct_of_partner"].startswith("% of the partner's")
    synapse_weights.partner_degrees(cave, busiest)
    assert cave.counts["requests"] - before < 10  # the version's answers are kept: nothing was asked twice


def in_one_row(table, column):
    """What the rows of each root id say: the value where they agree, all of them where not."""
    result = {}
    for root, value in table.sort_values("id")[["pt_root_id", column]].itertuples(index=False):
        message = result.setdefault(root, [])
        if isinstance(value, str) and value not in message:
            message.append(value)
    return {root: in_one_text(message) for root, message in result.items()}


def test_any_number_of_tables_is_joined_under_their_names(cave, newest, ask, busiest):
    names = ["allen_v1_column_types_slanted_ref", "aibs_metamodel_mtypes_v661_v2", "nucleus_functional_area_assignment"]
    loaded = partner_joins.load_tables(Release.of(cave, DS, newest), [*names, names[0], ""])
    frame, message = partner_joins.with_tables(busiest.outputs, loaded)
    assert len(frame) == len(busiest.outputs)
    for name, column in zip(names, ("cell_type", "cell_type", "tag"), strict=True):
        rows = in_one_row(ask(name), column)
        expected = [rows.get(root) for root in frame["root_id"]]
        result = frame[f"{name}.{column}"]
        assert result.astype(object).where(result.notna(), None).tolist() == expected
        assert result.notna().any() or name == names[0]
    areas = ask(names[2])
    differ = areas[areas["pt_root_id"] != 0].groupby("pt_root_id")[["tag", "value"]].nunique().gt(1)
    differ = differ[differ.any(axis=1) & differ.index.isin(frame["root_id"])]
    sentences = cell_types.several_rows(len(differ), names[2], {"value": int(differ["value"].sum())})
    assert bool(len(differ)) == any(one in message for one in sentences)


def test_distances_are_straight_lines_between_somata(cave, newest, ask, busiest):
    frame = partner_joins.located(cave, busiest, Direction.OUT)
    nuclei = ask("nucleus_detection_v0", desired_resolution=(1, 1, 1)).drop_duplicates("pt_root_id", keep=False)
    at = nuclei.set_index("pt_root_id")["pt_position"]
    own = np.array(at[busiest.cell.root_id], dtype=float)
    for row in frame.to_dict("records"):
        if row["num_soma"] != 1:
            assert np.isnan(row["soma_distance_um"])
            continue
        apart = np.linalg.norm(np.array(at[row["root_id"]], dtype=float) - own) / 1000
        assert row["soma_distance_um"] == pytest.approx(apart)
        depth = row["soma_depth_um"] - busiest.cell.soma_depth_um
        assert np.hypot(row["lateral_distance_um"], depth) == pytest.approx(apart)


def test_the_synapses_behind_a_row_are_the_rows_of_cave(cave, ask, reads):
    for result in reads[:3]:
        for direction, (_, other) in SIDES.items():
            every = synapses_of(ask, result.cell.root_id, direction)
            row = result.side(direction).iloc[0]
            rows = partner_synapses.of_partner(cave, result, direction, int(row["root_id"]))
            assert rows["id"].tolist() == sorted(every.loc[every[other] == row["root_id"], "id"])
            assert len(rows) == row["num_syn"] and rows["size"].sum() == row["net_size"]
            counted: Any = {"autapses": result.cell.root_id, "root_zero": 0}
            for name, wanted in counted.items():
                count = int((every[other] == wanted).sum())
                assert count == result.totals[direction][name]
                if count:
                    apart = partner_synapses.of_partner(cave, result, direction, name)
                    assert len(apart) == count
                else:
                    with pytest.raises(NotFound):
                        partner_synapses.of_partner(cave, result, direction, name)


def test_compartments_add_up_to_the_synapses(cave, newest, ask, busiest):
    predicted = ask("synapse_target_predictions_ssa").set_index("target_id")["tag"]
    for direction, (_, other) in SIDES.items():
        # known, whichever test comes first and however old the list of versions is
        Release.of(cave, DS, newest).tables()
        before = cave.counts["requests"]
        tags = compartments.predictions(cave, busiest, direction)
        assert cave.counts["requests"] - before <= 2  # the columns of the join are asked for once
        every = synapses_of(ask, busiest.cell.root_id, direction)
        frame = compartments.with_compartments(
            busiest.side(direction), partner_synapses.of_cell(cave, busiest, direction), tags, direction
        )
        assert (frame[["on_spine", "on_shaft", "on_soma", "not_predicted"]].sum(axis=1) == frame["num_syn"]).all()
        every = every.assign(tag=every["id"].map(predicted))
        for row in frame.head(20).to_dict("records"):
            own = every.loc[every[other] == row["root_id"], "tag"]
            assert [row["on_spine"], row["on_shaft"], row["on_soma"]] == [
                int((own == tag).sum()) for tag in ("spine", "shaft", "soma")
            ]
        assert frame["not_predicted"].sum() < frame["num_syn"].sum()


def test_tuning_equals_the_best_unit_of_each_cell(cave, newest, ask, busiest):
    for version, name, scale in (
        (newest, "digital_twin_properties_bcm_coreg_v4", 1.0),
        (cave.versions(DS)[1].number, "functional_properties_v3_bcm", 180 / np.pi),
    ):
        assert name in [info.name for info in tuning.tables(Release.of(cave, DS, version))]
        tuned = tuning.tuning(Release.of(cave, DS, version), name)
        rows = ask(name, version)
        rows = rows[rows["pt_root_id"] != 0]
        assert rows["pt_root_id"].duplicated().any()
        for root, own in rows.groupby("pt_root_id"):
            if own["target_id"].nunique() > 1:
                assert root not in tuned.index
                continue
            best = own.sort_values("cc_abs").iloc[-1]
            assert tuned.loc[root, "pref_ori_deg"] == pytest.approx(best["pref_ori"] * scale % 180, abs=1e-3)
            assert tuned.loc[root, "num_units"] == len(own)
        assert tuned["pref_ori_deg"].between(0, 180).all() and tuned["pref_ori_deg"].max() > 90


def test_partners_gained_lost_and_changed_between_versions(cave, newest, ask):
    older = cave.versions(DS)[1].number
    nuclei = {version: ask("nucleus_detection_v0", version) for version in (older, newest)}
    rows = {version: frame.set_index("id")["pt_root_id"] for version, frame in nuclei.items()}
    proofread = ask("proofreading_status_and_strategy", older)["pt_root_id"]
    of_root = nuclei[older].drop_duplicates("pt_root_id", keep=False).set_index("pt_root_id")["id"]
    seen = set()
    for nucleus in of_root.reindex(proofread).dropna().astype(int).tolist()[:15]:
        for direction, (own, other) in SIDES.items():
            if 0 in (rows[older][nucleus], rows[newest][nucleus]):
                continue
            result = changes.compare(
                (Release.of(cave, DS, newest), Release.of(cave, DS, older)), nucleus, direction, type_table=TYPES
            )
            ends = {}
            for version in (older, newest):
                root = rows[version][nucleus]
                synapses = ask("synapses_pni_2", version, filter_equal_dict={own: root}).set_index("id")[other]
                ends[version] = synapses[(synapses != 0) & (synapses != root)]
            both = ends[older].index.intersection(ends[newest].index)
            assert result.synapses["kept"] == len(both)
            assert result.synapses["lost"] == len(ends[older]) - len(both)
            assert result.synapses["gained"] == len(ends[newest]) - len(both)
            frame = result.partners
            for version, name in ((older, "old"), (newest, "new")):
                counts = frame.dropna(subset=[f"root_id_{name}"]).set_index(f"root_id_{name}")[f"num_syn_{name}"]
                assert counts.to_dict() == ends[version].value_counts().to_dict()
            status = frame.set_index(frame.index)["status"]
            assert ((status == "gained") == frame["root_id_old"].isna()).all()
            assert ((status == "lost") == frame["root_id_new"].isna()).all()
            assert ((status == "same") == ((frame["delta"] == 0) & ~status.isin(["gained", "lost"]))).all()
            named = frame[frame["matched_by"] == "nucleus"]
            for row in named.to_dict("records"):
                assert rows[older][row["nucleus_id"]] == row["root_id_old"]
                assert rows[newest][row["nucleus_id"]] == row["root_id_new"]
            seen |= set(status)
            assert str(newest) in result.sentence
    assert {"same", "gained", "lost"} <= seen


def test_a_version_cannot_be_compared_with_itself(cave, newest):
    with pytest.raises(BadInput, match="itself"):
        changes.compare((Release.of(cave, DS, newest),) * 2, 100547, Direction.IN)


def test_the_card_has_what_every_table_says(cave, newest, ask, busiest):
    card = cell_card.read(Release.of(cave, DS, newest), busiest.cell)
    root, nucleus = busiest.cell.root_id, busiest.cell.nucleus_ids[0]
    metadata = Release.of(cave, DS, newest).tables()
    for name, info in metadata.items():
        if not info.schema_type.startswith("cell_type"):
            continue
        rows = ask(name)
        own = rows.loc[rows["pt_root_id"] == root, "cell_type"].tolist()
        assert sorted(one.cell_type for one in card.types if one.table == name) == sorted(own)
    assert card.types[0].table == TYPES
    soma = ask("nucleus_detection_v0").set_index("id").loc[nucleus]
    assert card.volume_um3 == pytest.approx(soma["volume"])
    assert list(card.position_vx) == list(soma["pt_position"])
    area = ask("nucleus_functional_area_assignment").set_index("target_id").loc[nucleus]
    assert (card.area.name, card.area.border_um) == (area["tag"], pytest.approx(area["value"]))
    column = {"L1": 0, "L2/3": 57.6, "L4": 226.4, "L5": 361.3, "L6a": 501.6, "L6b": 678.1, "WM": 716.6}
    diver = {"L1": 0, "L2/3": 91.806, "L4": 261.219, "L5": 391.863, "L6": 537.05, "WM": 753.58}
    layers = [[layer for layer, top in tops.items() if top <= card.depth_um][-1] for tops in (column, diver)]
    assert card.layer == layers[0]
    assert card.layers == dict(zip(("Allen V1 column", "CAVE Diver"), layers, strict=True))
    coreg = ask("coregistration_manual_v4")
    assert {one.table: one.units for one in card.coregistered}.get("coregistration_manual_v4", 0) == int(
        (coreg["pt_root_id"] == root).sum()
    )
    assert card.strategy_axon == trust.verdict(cave, busiest).strategy_axon
    before = cave.counts["requests"]
    cell_card.read(
        Release.of(cave, DS, newest),
        cells.find(Release.of(cave, DS, newest), int(ask("nucleus_detection_v0")["id"].iloc[3])),
    )
    assert cave.counts["requests"] == before


def test_a_fragment_with_no_nucleus_has_a_card_and_partners(cave, newest, busiest):
    fragment = int(busiest.inputs.loc[busiest.inputs["num_soma"] == 0, "root_id"].iloc[0])
    connections = connectivity.read(Release.of(cave, DS, newest), int(fragment), type_table=TYPES)
    assert connections.cell.nucleus_ids == ()
    assert busiest.cell.root_id in connections.outputs["root_id"].tolist()
    assert "without a soma" in trust.verdict(cave, connections).sentence
    card = cell_card.read(Release.of(cave, DS, newest), connections.cell)
    assert (card.types, card.volume_um3, card.depth_um, card.layer, card.area) == ((), None, None, None, None)
    assert partner_joins.located(cave, connections, Direction.OUT)["soma_distance_um"].isna().all()


def test_a_cell_with_340_nuclei_is_called_what_it_is(cave, newest, ask):
    nuclei = ask("nucleus_detection_v0")
    merged = int(nuclei.loc[nuclei["pt_root_id"] != 0, "pt_root_id"].value_counts().index[0])
    count = int((nuclei["pt_root_id"] == merged).sum())
    assert count > 340
    connections = connectivity.read(Release.of(cave, DS, newest), int(merged), type_table=TYPES)
    assert len(connections.cell.nucleus_ids) == count
    assert any(f"{count} nuclei" in warning and len(warning) < 300 for warning in connections.warnings)
    assert f"{count} nuclei" in trust.verdict(cave, connections).sentence
    card = cell_card.read(Release.of(cave, DS, newest), connections.cell)
    assert card.position_nm is None and card.volume_um3 is None
    assert len(card.types) > 1


def test_a_cell_with_no_synapses_has_empty_tables(cave, newest, ask):
    synapses = ask("synapses_pni_2", select_columns=["pre_pt_root_id", "post_pt_root_id"])
    nuclei = ask("nucleus_detection_v0")["pt_root_id"]
    lonely = nuclei[~nuclei.isin([0, *synapses["pre_pt_root_id"], *synapses["post_pt_root_id"]])]
    assert len(lonely)
    connections = connectivity.read(Release.of(cave, DS, newest), int(lonely.iloc[0]), type_table=TYPES)
    assert (len(connections.inputs), len(connections.outputs)) == (0, 0)
    verdict = trust.verdict(cave, connections)
    assert verdict.identified["in"].fraction is None
    for direction in Direction:
        frame = synapse_weights.with_weights(connections, direction, synapse_weights.partner_degrees(cave, connections))
        assert frame["pct_of_cell"].tolist() == []
        tags = compartments.predictions(cave, connections, direction)
        synapses = partner_synapses.of_cell(cave, connections, direction)
        assert compartments.with_compartments(frame, synapses, tags, direction).empty
        assert partner_joins.located(cave, connections, direction).empty


def test_a_version_without_the_type_table_is_told(cave, busiest):
    with pytest.raises(NotFound, match="version"):
        connectivity.read(Release(cave, DS, busiest.version), busiest.cell.root_id, type_table="cell_type_of_2031")


def test_an_id_of_another_datastack_is_told(cave, newest):
    """A root id of minnie65_public, which the demo has never had."""
    with pytest.raises(NotFound) as caught:
        connectivity.read(Release.of(cave, DS, newest), 864691135808473885)
    assert "864691135808473885" in caught.value.message and "datastack" in caught.value.hint


def test_changes_are_files_too(localcave_url, cave, newest, proofread):
    from app import create_app

    older = cave.versions(DS)[1].number
    somas = Release.of(cave, DS, newest).table("nucleus_detection_v0").drop_duplicates("pt_root_id", keep=False)
    root = next(root for root in proofread["pt_root_id"] if root in set(somas["pt_root_id"]))
    nucleus = int(somas.set_index("pt_root_id").loc[root, "id"])
    server = create_app(Settings(server_address=localcave_url, cache="")).server.test_client()
    path = f"/api/v1/{DS}/{newest}/cells/{root}/changes"
    message = server.get(f"{path}?against={older}&direction=in").get_json()
    result = changes.compare((Release.of(cave, DS, newest), Release.of(cave, DS, older)), nucleus, Direction.IN)
    assert message["counts"]["in"] == result.counts
    ids = result.partners["root_id_new"].astype("string")
    assert [row["root_id_new"] for row in message["rows"]] == ids.where(ids.notna(), None).tolist()
    csv = server.get(f"{path}?against={older}&format=csv").text
    assert not csv.startswith("#")
    assert server.get(f"{path}?against={older}&format=csv&head=only").get_json()["against"]
    assert server.get(f"{path}?against={newest}").status_code == 400
    assert server.get(f"{path}?against=77777").get_json()["error"]["message"]


def test_a_cell_with_inputs_alone_opens_with_them(cave: Cave, newest: int) -> None:
    client = CAVEclient(DS, server_address=cave.settings.server_address, auth_token="any", write_server_cache=False)
    synapses = client.materialize.query_table("synapses_pni_2", materialization_version=newest)
    pre, post = set(synapses["pre_pt_root_id"]), set(synapses["post_pt_root_id"])

    def front(root: int, **requested: str) -> str:
        return CellView.of(cave, CellAddress(DS, str(newest), cell=str(root), **requested)).fitted()[0].address.tab

    dendrite, axon, both = (min(roots - {0}) for roots in (post - pre, pre - post, pre & post))
    assert [front(root) for root in (dendrite, axon, both)] == ["in", "out", "out"]
    assert [front(dendrite, where="num_syn > 1"), front(dendrite, tab="both")] == ["out", "both"]
