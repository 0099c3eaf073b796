"""A copied script, run as it is against a real localcave, yields exactly the partners that are shown."""

import contextlib
import io
from typing import Any

import numpy as np
import pytest

from services.cave.client import Cave
from services.cave.release import Release
from services.cells import (
    compartments,
    connectivity,
    partner_joins,
    partner_sets,
    partner_synapses,
    partner_table,
    proofreading,
    several_cells,
    synapse_weights,
)
from services.cells import partner_script as partner_snippet_module
from services.cells.partner_columns import COMPARTMENT, SHARE, TUNING
from services.cells.partner_script import Shown, partner_snippet
from services.cells.partner_table import PartnerOptions
from services.core.columns import describe_columns
from services.core.directions import Direction
from services.core.errors import BadInput, TooLarge
from services.core.settings import Settings
from services.filters.filters import parse_line
from services.tables.tables import TableQuery, filter_of, rows_of

DS, TYPES = "karst_demo", "aibs_metamodel_celltypes_v661"


@pytest.fixture(scope="module")
def versions(cave):
    return [version.number for version in cave.versions(DS) if version.valid]


def cell_of(cave, version, place=0, types=TYPES):
    root = int(Release.of(cave, DS, version).table("proofreading_status_and_strategy")["pt_root_id"].iloc[place])
    return connectivity.read(Release.of(cave, DS, version), int(root), type_table=types)


def run(script):
    names = {}
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(script, "snippet", "exec"), names)
    assert printed.getvalue() == ""
    return names["frame"]


def assert_same(frame, page):
    assert list(frame.columns) == list(page.columns)
    assert len(frame) == len(page)
    for name in page:
        ours, theirs = (one[name].astype(object).where(one[name].notna(), None).tolist() for one in (page, frame))
        if any(isinstance(value, float) for value in ours):
            numbers = [[np.nan if value is None else float(value) for value in values] for values in (ours, theirs)]
            np.testing.assert_allclose(numbers[0], numbers[1], rtol=1e-12, atol=1e-9)
        else:
            assert ours == theirs, name


@pytest.mark.parametrize("direction", list(Direction))
@pytest.mark.parametrize("place", [0, 5])
def test_the_script_yields_the_partner_table(cave, versions, direction, place):
    for version in versions:
        for types in (None, TYPES):
            result = cell_of(cave, version, place, types)
            page = result.side(direction)
            assert len(page)
            shown = Shown(direction, page, list(page.columns))
            assert_same(run(partner_snippet(cave, [result], shown)), page)


@pytest.mark.parametrize("direction", list(Direction))
def test_every_further_column_is_in_the_script(cave, versions, direction):
    result = cell_of(cave, versions[0], 2)
    page = synapse_weights.with_weights(result, direction, synapse_weights.partner_degrees(cave, result))
    places = partner_joins.located(cave, result, direction)
    page = page.assign(**{str(name): places[name] for name in places if name not in page})
    page = proofreading.of_partners(page, proofreading.rows(Release.of(cave, DS, versions[0])))
    joined = partner_joins.load_tables(Release.of(cave, DS, versions[0]), ["nucleus_functional_area_assignment"])
    page, _ = partner_joins.with_tables(page, joined)
    synapses = partner_synapses.of_cell(cave, result, direction)
    tags = compartments.predictions(cave, result, direction)
    page = compartments.with_compartments(page, synapses, tags, direction)
    assert page["on_shaft"].sum() and page["nucleus_functional_area_assignment.tag"].notna().any()
    assert_same(run(partner_snippet(cave, [result], Shown(direction, page, list(page.columns)))), page)


def test_threshold_switch_filter_sort_and_columns_are_those_of_the_page(cave, versions):
    result = cell_of(cave, versions[0], 1)
    proofread = proofreading.rows(Release.of(cave, DS, versions[0]))
    columns = describe_columns(result.inputs)
    kept = partner_sets.at_least(result.inputs, 2)
    sort: Any
    line, sort = "num_soma = 1 and cell_type in (23P, BC, 4P, '6P-IT')", (("soma_depth_um", "desc"), ("num_syn", "asc"))
    page = kept.take(rows_of(kept, columns, filter_of(columns, TableQuery(line)), sort))
    assert len(page)
    names = ["root_id", "cell_type", "num_syn", "soma_depth_um"]
    shown = Shown("in", kept, names, at_least=2, where=parse_line(line, columns), sort=sort)
    assert_same(run(partner_snippet(cave, [result], shown)), page[names].reset_index(drop=True))

    page = result.outputs[proofreading.mask(result.outputs, Direction.OUT, proofread)].reset_index(drop=True)
    assert len(page)
    shown = Shown("out", page, list(page.columns), proofread=True)
    assert_same(run(partner_snippet(cave, [result], shown)), page)


MORE = (SHARE, COMPARTMENT, TUNING, "allen_column_mtypes_v2", "aibs_cell_info", "proofreading_status_and_strategy")


@pytest.mark.parametrize("side", ["in", "out", "both"])
@pytest.mark.parametrize(
    ("wanted", "query"),
    [
        ({}, TableQuery()),
        ({"more": MORE}, TableQuery(sort=(("num_soma", "desc"), ("soma_distance_um", "asc")))),
        ({"at_least": 2, "more": MORE[:3]}, TableQuery("num_soma=1", {"cell_type": "~ P|C"}, (("cell_type", "asc"),))),
        ({"proofread": True}, TableQuery(boxes={"num_soma": "1"})),
    ],
    ids=["all", "every column", "strong ones of some types", "proofread ones"],
)
def test_the_script_yields_what_the_page_shows(cave, versions, side, wanted, query):
    result = coregistered_cell(cave, versions[0])
    table = partner_table.open_partners(cave, result, PartnerOptions(side, **wanted))
    page = partner_table.select(table, query)[0][[column.name for column in table.columns]]
    assert len(page)
    assert_same(run(partner_snippet_module.snippet(cave, [result], PartnerOptions(side, **wanted), query)), page)


def coregistered_cell(cave, version):
    """One that has tuning, and proofread partners on either side that have it too."""
    tuned = set(Release.of(cave, DS, version).table("digital_twin_properties_bcm_coreg_v4")["pt_root_id"])
    proofread = Release.of(cave, DS, version).table("proofreading_status_and_strategy")["pt_root_id"].tolist()
    for root in (root for root in proofread if root in tuned):
        connections = connectivity.read(Release.of(cave, DS, version), int(root), type_table=TYPES)
        both = set(connections.inputs["root_id"]) & set(connections.outputs["root_id"])
        if all(tuned & set(side["root_id"]) for side in (connections.inputs, connections.outputs)) and both & set(
            proofread
        ):
            return connections
    pytest.fail("no such cell in the demo")


def test_a_script_that_would_be_cut_is_refused(small_cortex):
    from tests.servers import start_localcave

    with start_localcave([small_cortex], "--row-limit", "300") as url:
        cave = Cave(Settings(server_address=url, cache=""))
        result = cell_of(cave, cave.versions(DS)[0].number, types=None)
        with pytest.raises(TooLarge, match="at once"):
            partner_snippet(cave, [result], Shown("in", result.inputs, ["root_id"]))


def test_a_column_that_nobody_knows_is_refused(cave, versions):
    result = cell_of(cave, versions[0], types=None)
    page = result.inputs.assign(mystery=1)
    with pytest.raises(BadInput, match="mystery"):
        partner_snippet(cave, [result], Shown("in", page, list(page.columns)))


def test_a_filter_cannot_leave_its_comment(cave, versions):
    result = cell_of(cave, versions[0])
    where = parse_line("cell_type = 'a\nimport os\u2028boom'", describe_columns(result.inputs))
    script = partner_snippet(cave, [result], Shown("in", result.inputs, ["root_id"], where=where))
    assert run(script).empty


@pytest.mark.parametrize(
    ("side", "wanted", "where"),
    [
        ("in", {"more": (SHARE, "aibs_cell_info")}, "num_cells >= 2"),
        ("out", {"at_least": 2, "proofread": True}, ""),
        ("both", {}, "num_syn_in > 1 or reciprocal = true"),
    ],
)
def test_a_script_of_several_cells(cave, versions, side, wanted, where):
    matches = [cell_of(cave, versions[0], place) for place in range(4)]
    requested = PartnerOptions(side, **wanted)
    table, query = (
        several_cells.open_partners(cave, matches, requested),
        TableQuery(where, sort=(("soma_depth_um", "desc"),)),
    )
    page = partner_table.select(table, query)[0][[column.name for column in table.columns]]
    assert len(page) > 1
    assert_same(run(partner_snippet_module.snippet(cave, matches, requested, query)), page)
