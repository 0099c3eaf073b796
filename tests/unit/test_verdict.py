"""The verdict: what proofreading and somata say about a cell's partners."""

from datetime import UTC, datetime

import pandas as pd
import pytest

from services.cells import proofreading
from services.cells import verdict as trust
from services.cells.cells import Cell
from services.cells.connectivity import Connectivity
from services.core.directions import Direction
from services.core.records import TableInfo, Version

CELL = 864691135771609595


def partner_frame(somata, types, synapses):
    return pd.DataFrame(
        {
            "root_id": [CELL + 1 + place for place in range(len(somata))],
            "num_syn": synapses,
            "num_soma": somata,
            "cell_type": pd.array(types, dtype="string"),
        }
    )


INPUTS = partner_frame([0, 0, 0, 1, 2], [None, None, None, "23P", "BC"], [1, 2, 3, 4, 5])
OUTPUTS = partner_frame([1, 1], ["MC", None], [6, 2])


def cell_with(nuclei=1, inputs=INPUTS, type_table="types"):
    cell = Cell(CELL, tuple(range(1, nuclei + 1)), "root_id", str(CELL))
    version = Version(1, datetime(2025, 1, 1, tzinfo=UTC), None, valid=True)
    return Connectivity("ds", version, cell, type_table, inputs, OUTPUTS, {}, ())


def proofread(axon, dendrite="dendrite_clean", *, edited=False):
    frame = pd.DataFrame(
        {
            "strategy_axon": pd.array([axon], dtype="string"),
            "strategy_dendrite": pd.array([dendrite], dtype="string"),
            "edited_since": [edited],
        },
        index=pd.Index([CELL], name="root_id"),
    )
    frame.attrs = {"table": "proofreading_status_and_strategy"}
    return frame


@pytest.mark.parametrize(
    ("axon", "level", "words"),
    [
        ("axon_fully_extended", "complete", "Outputs nearly complete: axon fully extended."),
        ("axon_partially_extended", "lower bound", "Outputs incomplete: axon partially extended."),
        ("axon_interareal", "lower bound", "Outputs incomplete"),
        ("axon_column_truncated", "lower bound", "Outputs incomplete"),
        ("axon_clean", "lower bound", "not extended"),
        ("axon_of_next_year", "lower bound", "axon_of_next_year"),
        ("none", "not analysable", "Outputs not analysable: axon not proofread."),
    ],
)
def test_the_axon_decides_about_the_outputs(axon, level, words):
    verdict = trust.judge(cell_with(), proofread(axon))
    assert (verdict.outputs, verdict.inputs) == (level, "usable")
    assert words in verdict.sentence
    assert verdict.sentence.count(".") == 2 and verdict.sentence.endswith(".")
    assert verdict.strategy_axon == axon


def test_a_cell_that_nobody_proofread_has_no_analysable_outputs():
    verdict = trust.judge(cell_with(), proofread("axon_fully_extended").drop(CELL))
    assert (verdict.outputs, verdict.inputs, verdict.strategy_axon) == ("not analysable", "usable", None)
    assert "Inputs usable: one soma" in verdict.sentence


def test_without_a_proofreading_table_nothing_is_claimed():
    verdict = trust.judge(cell_with(), None)
    assert verdict.outputs == "unknown"
    assert "no proofreading table" in verdict.sentence


def test_fragments_and_merged_cells_are_called_so():
    fragment = trust.judge(cell_with(nuclei=0), None)
    assert fragment.inputs == "lower bound"
    assert "segment without a soma" in fragment.sentence
    merged = trust.judge(cell_with(nuclei=346), proofread("axon_fully_extended"))
    assert (merged.inputs, merged.outputs) == ("not analysable", "not analysable")
    assert "346 nuclei" in merged.sentence


def test_most_input_partners_being_fragments_is_said():
    assert "; 60% of input partners are fragments" in trust.judge(cell_with(), None).sentence
    few = trust.judge(cell_with(inputs=INPUTS.iloc[2:]), None)
    assert "fragments" not in few.sentence


def test_shares_count_synapses_whose_partner_has_one_soma_and_a_type():
    verdict = trust.judge(cell_with(), None)
    assert (verdict.identified["in"].part, verdict.identified["in"].whole) == (4, 15)
    assert (verdict.identified["out"].part, verdict.identified["out"].whole) == (6, 8)
    assert verdict.identified["out"].fraction == 0.75
    assert verdict.criterion == "partner has one soma and a type"
    untyped = trust.judge(cell_with(type_table=None), None)
    assert untyped.identified["out"].part == 8
    assert untyped.criterion == "partner has one soma"


def test_a_cell_without_synapses_has_no_share():
    empty = trust.judge(cell_with(inputs=INPUTS.iloc[:0]), None)
    assert empty.identified["in"].fraction is None
    assert "%" not in empty.sentence


def test_an_edit_since_the_proofreading_is_told():
    assert trust.judge(cell_with(), proofread("axon_clean", edited=True)).notes
    assert not trust.judge(cell_with(), proofread("axon_clean")).notes


def test_only_proofread_partners_are_kept_by_the_compartment_that_touches_the_cell():
    frame = pd.concat(
        [
            proofread("axon_clean", "none").set_axis([CELL + 1]),
            proofread("none", "dendrite_clean").set_axis([CELL + 2]),
        ]
    )
    assert proofreading.mask(INPUTS, Direction.IN, frame).tolist() == [True, False, False, False, False]
    assert proofreading.mask(INPUTS, Direction.OUT, frame).tolist() == [False, True, False, False, False]
    message = proofreading.of_partners(INPUTS, frame)
    assert message["strategy_axon"].tolist() == ["axon_clean", "none", "none", "none", "none"]


def test_the_older_table_of_statuses_is_read_too():
    table = pd.DataFrame(
        {
            "pt_root_id": pd.array([CELL, CELL + 1, CELL + 2, 0, CELL + 3, CELL + 3], dtype="Int64"),
            "valid_id": pd.array([CELL, 5, CELL + 2, 0, CELL + 3, CELL + 3], dtype="Int64"),
            "status_axon": pd.array(["clean", "extended", "non", "clean", "clean", "extended"], dtype="string"),
            "status_dendrite": pd.array(["extended", "clean", "non", "non", "non", "non"], dtype="string"),
        }
    )
    rows = proofreading._read(table, "old")
    assert rows.index.tolist() == [CELL, CELL + 1, CELL + 2]
    assert rows["strategy_axon"].tolist() == ["axon_clean", "axon_extended", "none"]
    assert rows["strategy_dendrite"].tolist() == ["dendrite_extended", "dendrite_clean", "none"]
    assert rows["edited_since"].tolist() == [False, True, False]


def of_whole_cells(name, **columns):
    roots = pd.array([CELL, CELL + 1, CELL + 1, 0, CELL + 2], dtype="Int64")
    table = pd.DataFrame({"pt_root_id": roots, "valid_id": roots} | columns)
    return proofreading._read(table, name)


FLAGS = pd.array([True, False, True, True, False], dtype="boolean")


def test_a_flag_says_it_of_whole_cells_and_the_last_row_of_a_cell_counts():
    frame = of_whole_cells("proofread_neurons", proofread=FLAGS)
    assert frame["strategy_axon"].to_dict() == {CELL: "whole_cell", CELL + 1: "whole_cell", CELL + 2: "none"}
    message = proofreading.of_partners(INPUTS, frame)
    assert message["proofreading"].tolist() == ["whole_cell", "none", "none", "none", "none"]
    assert "strategy_axon" not in message
    for way in Direction:
        assert proofreading.mask(INPUTS, way, frame).tolist() == [True, False, False, False, False]


def test_a_status_or_having_a_row_says_it_too():
    status = pd.array(["Extended", "non", "clean", "clean", None], dtype="string")
    assert proofreading.mask(INPUTS, Direction.IN, of_whole_cells("t", status=status)).tolist()[:2] == [True, False]
    assert proofreading.mask(INPUTS, Direction.IN, of_whole_cells("t")).tolist()[:3] == [True, True, False]


def fault_of(name="t", schema="", flag="", **columns):
    roots = pd.array([CELL, CELL + 1, CELL + 2], dtype="Int64")
    record = {"schema_type": schema, "voxel_resolution": [4, 4, 40]}
    return proofreading.fault_of(
        pd.DataFrame({"pt_root_id": roots} | columns), TableInfo.from_cave(name, "table", record), flag
    )


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"flag": "user_id", "user_id": [7, 12, 7]}, "says 7, 12 in user_id"),
        ({"flag": "user_id", "user_id": [1, 1, 1]}, "says 1 in user_id"),
        ({"flag": "note", "note": ["done", "to do", None]}, "says to do in note"),
        ({"flag": "nope", "status": ["clean", "asked for", "non"]}, "says asked for in status"),
        ({"volume": [1.0, 2.0, 3.0], "schema": "nucleus_detection"}, "has no column proofread or status"),
    ],
)
def test_a_table_that_does_not_say_who_is_proofread_is_not_believed(given, words):
    assert words in fault_of(**given)


@pytest.mark.parametrize(
    "given",
    [
        {"proofread": pd.array([True, False, None], dtype="boolean")},
        {"flag": "checked", "checked": [1, 0, 1]},
        {"flag": "checked", "checked": ["Yes", "no", None]},
        {"status": ["clean", "Extended", "non"]},
        {"schema": "proofreading_boolstatus_user"},
        {"name": "backbone_proofread", "tag": ["x", "y", "z"]},
        {"status_axon": [True, True, False], "status_dendrite": [True, True, False]},
    ],
)
def test_a_table_that_says_who_is_proofread_is(given):
    assert fault_of(**given) == ""


@pytest.mark.parametrize(("nuclei", "soma"), [(1, "one soma"), (0, "soma not known")])
def test_the_verdict_on_a_whole_cell_names_the_table_and_forgives_a_missing_soma(nuclei, soma):
    verdict = trust.judge(cell_with(nuclei=nuclei), of_whole_cells("proofread_neurons", proofread=FLAGS))
    assert (verdict.inputs, verdict.outputs) == ("usable", "usable")
    assert "Outputs usable: cell proofread. Inputs usable: cell proofread" in verdict.sentence
    assert soma in verdict.sentence
    assert "proofread_neurons" in verdict.notes[0]


def test_a_backbone_gives_a_lower_bound_of_the_outputs():
    verdict = trust.judge(cell_with(), of_whole_cells("backbone_proofread", proofread=FLAGS))
    assert (verdict.inputs, verdict.outputs, verdict.strategy_axon) == ("usable", "lower bound", "backbone")
    unproofread = trust.judge(cell_with(), of_whole_cells("backbone_proofread", proofread=~FLAGS))
    assert unproofread.outputs == "not analysable"
    assert "cell not proofread" in unproofread.sentence
