"""The tables that the page offers to set beside another, those that it cannot, and which of their columns are shown."""

import io
import itertools
from contextlib import suppress
from urllib.parse import parse_qs, urlsplit

import flask
import pandas as pd
import pytest

from api import blueprint
from callbacks import views
from components.table_page import downloads
from services.cave import context
from services.cave.client import Cave
from services.cave.release import Release
from services.core.errors import BadInput, KarstError, NotFound
from services.core.settings import Settings
from services.tables import joins, live
from services.views.addresses import TableAddress, parse_table
from services.views.table_opening import open_view

DS, TYPES, PROOFREAD, MANUAL, MTYPES = (
    "karst_demo",
    "aibs_metamodel_celltypes_v661",
    "proofreading_status_and_strategy",
    "allen_v1_column_types_slanted_ref",
    "aibs_metamodel_mtypes_v661_v2",
)
DEGREES, SYNAPSES, POINTS = "synapses_pni_2_in_out_degree", "synapses_pni_2", "nucleus_alternative_points"
ROWS_HELD = 30_000


@pytest.fixture(scope="module")
def cave(localcave_url):
    """One that cannot hold the synapses."""
    return Cave(Settings(server_address=localcave_url, cache="", max_table_rows=ROWS_HELD))


@pytest.fixture
def app(cave):
    app = flask.Flask("test_joined_columns")
    app.extensions["karst"] = cave
    app.register_blueprint(blueprint)
    with app.app_context():
        yield app


def shown(**parts):
    return open_view(context.cave(), TableAddress(DS, table=TYPES, **parts))


def names(result):
    return [column.name for column in result.columns]


@pytest.mark.parametrize("table", [TYPES, PROOFREAD])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_the_tables_that_are_offered_are_those_that_can_be_joined(cave, table, place):
    version = cave.versions(DS)[place]
    opened = live.open_table(Release(cave, DS, version), table)
    possible = set()
    for info in live.catalogue(Release(cave, DS, version)):
        with suppress(KarstError):
            joins.join(cave, opened, info.name)
            possible.add(info.name)
    offered = joins.joinable(cave, opened)
    # a view without ids is read to know how large it is, a point of its own to know of a second root id
    assert set(offered) - {POINTS} == possible - {table, DEGREES, POINTS}
    assert len(offered) == len(set(offered)) > 5
    assert SYNAPSES not in offered


def test_a_table_that_stands_beside_is_offered_whatever_it_is(cave):
    opened = live.open_table(Release(cave, DS, cave.versions(DS)[0]), TYPES)
    wide, _ = joins.join(cave, opened, DEGREES)
    assert joins.joinable(cave, wide) == [DEGREES, *joins.joinable(cave, opened)]


@pytest.mark.parametrize(
    ("other", "error", "why"),
    [
        (SYNAPSES, BadInput, "columns of root ids: pre_pt_root_id, post_pt_root_id"),
        ("vortex_compartment_targets", BadInput, "columns of root ids: pre_pt_root_id, post_pt_root_id"),
        ("connections_with_nuclei", BadInput, "connections_with_nuclei has several columns of root ids: "),
        ("nope", NotFound, "no table nope"),
    ],
)
def test_a_table_that_cannot_be_joined_is_left_out_and_said(cave, app, other, error, why):
    result = shown(join=(other, MANUAL))
    assert result.address.join == (MANUAL,)
    assert names(result) == names(shown(join=(MANUAL,)))
    (message,) = (sentence for sentence in result.messages if other in sentence)
    assert message.startswith(f"{other} does not stand beside this table: ") and why in message
    with pytest.raises(error):
        joins.join(cave, live.open_table(Release(cave, DS, cave.versions(DS)[0]), TYPES), other)
    path = f"/api/v1/{DS}/latest/tables/{TYPES}/rows"
    assert app.test_client().get(path, query_string={"join": other}).status_code == error.status


def test_of_a_joined_table_of_which_no_column_is_named_all_are_shown(app):
    every = names(shown(join=(MANUAL, MTYPES)))
    of = {other: [name for name in every if name.startswith(f"{other}.")] for other in (MANUAL, MTYPES)}
    cases = {
        ("id", "cell_type"): [*of[MANUAL], *of[MTYPES]],
        ("id", "cell_type", of[MANUAL][0]): [of[MANUAL][0], *of[MTYPES]],
        ("id", "cell_type", f"-{MANUAL}"): of[MTYPES],
        ("id", "cell_type", of[MTYPES][0], f"-{MANUAL}"): [of[MTYPES][0]],
    }
    for requested, wanted in cases.items():
        result = shown(join=(MANUAL, MTYPES), columns=requested)
        assert set(names(result)) == {"id", "cell_type", *wanted}
        assert not [sentence for sentence in result.messages if "no column" in sentence]
        read_again = open_view(context.cave(), parse_table(parse_qs(urlsplit(result.address.href()).query))[0])
        assert names(read_again) == names(result)
        for href in (str(downloads(result.address, "", {}, names_cells=True)[0][-1].href), api_of(requested)):
            text = app.test_client().get(href).text
            assert set(pd.read_csv(io.StringIO(text), nrows=1)) == set(names(result))


def api_of(requested):
    return f"/api/v1/{DS}/latest/tables/{TYPES}/rows?format=csv&join={MANUAL},{MTYPES}&columns={','.join(requested)}"


def test_what_is_ticked_is_shown_also_when_it_is_nothing_of_a_joined_table(app):
    view = shown(join=(MANUAL, MTYPES)).address
    every = names(shown(join=(MANUAL, MTYPES)))
    own, manual = "cell_type", f"{MANUAL}.cell_type"
    for ticked in ([own], [own, manual], [manual], every[:-1], every):
        result = views.of_table_grid({"of": view.href()}, ticked)
        assert names(result) == [name for name in every if name in ticked]
        assert names(open_view(context.cave(), result.address)) == names(result)


def test_the_columns_of_a_table_that_stands_there_no_more_are_not_missed(app):
    view = views.of_table_grid({"of": shown(join=(MANUAL, MTYPES)).address.href()}, ["id", f"{MANUAL}.id"]).address
    result = shown(join=(), columns=(*view.columns, "nope"))
    assert names(result) == ["id"]
    assert [sentence for sentence in result.messages if "column" in sentence] == [
        "This table has no column 'nope'; what the address asks of it was left out."
    ]


def test_marks_lead_to_the_columns_they_were_made_for():
    columns = ["id", "kind", "a.x", "a.y", "b.x"]
    for count in range(1, len(columns) + 1):
        for ticked in itertools.combinations(columns, count):
            assert set(joins.with_joined(columns, ["a", "b"], joins.with_marks(["a", "b"], ticked))) == set(ticked)
    assert joins.with_joined(columns, ["a", "b"], ()) == joins.with_marks(["a", "b"], ()) == ()
