"""Old viewer links, in every form they are found in, open the view they meant."""

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.views.addresses import CellAddress, TableAddress, parse_connectivity, parse_table
from services.views.old_links import translate


def view_of(app, search, datastack="minnie65_public"):
    query = {key: values[0] if len(values) == 1 else values for key, values in parse_qs(search.lstrip("?")).items()}
    return translate(app, datastack, query)


def test_the_most_common_link():
    assert view_of("table_viewer", '?datastack="minnie65_public"') == (TableAddress("minnie65_public"), ())
    assert view_of("connectivity", '?datastack="minnie65_public"')[0] == CellAddress(
        "minnie65_public", id_type="auto", type_table="none"
    )


def test_the_published_connectivity_link():
    link = (
        '?anno-id="864691135808473885"&id-type="root_id"&mat-version=1300'
        '&cell-type-table-dropdown="aibs_metamodel_celltypes_v661"&datastack="minnie65_public"'
    )
    wanted = CellAddress("minnie65_public", "1300", "864691135808473885", "root_id", "aibs_metamodel_celltypes_v661")
    assert view_of("connectivity", link) == (wanted, ())
    assert view_of("connectivity", link.replace('"', "%22")) == (wanted, ())
    assert view_of("connectivity", link.replace('"', "")) == (wanted, ())
    assert view_of("connectivity", link.replace('"', "'")) == (wanted, ())


def test_a_connectivity_link_without_id_type_means_a_root_id():
    for search in ('?anno-id="864691135808473885"', '?anno-id=864691135808473885&id-type=""'):
        view, warnings = view_of("connectivity", search)
        assert (view.cell, view.id_type, warnings) == ("864691135808473885", "root_id", ())


@pytest.mark.parametrize("version", ["943", "1507"])
def test_the_workshop_link_with_empty_controls(version):
    link = (
        f'?anno-id=""&id-type="root_id"&mat-version={version}&cell-type-table-dropdown=""&datastack="minnie65_public"'
    )
    wanted = CellAddress("minnie65_public", version, id_type="auto", type_table="none")
    assert view_of("connectivity", link) == (wanted, ())


def test_the_table_link_with_a_value_search():
    link = (
        '?cell-type-table-menu="aibs_metamodel_celltypes_v661"&mat-version=1507&anno-id=""&id-type="root_id"'
        '&cell-type="BC,MC"&value-column-search="cell_type"&datastack="minnie65_public"'
    )
    wanted = TableAddress(
        "minnie65_public", "1507", "aibs_metamodel_celltypes_v661", boxes={"cell_type": "in (BC, MC)"}
    )
    assert view_of("table_viewer", link) == (wanted, ())


@pytest.mark.parametrize(
    ("id_type", "box"), [('"root_id"', "root_id"), ('"nucleus_id"', "nucleus_id"), ('"anno_id"', "id"), ("", "root_id")]
)
def test_the_table_link_with_ids(id_type, box):
    view, warnings = view_of("table_viewer", f'?anno-id="864691135635600553, 5,"&id-type={id_type}')
    assert view.boxes == {box: "in (864691135635600553, 5)"}
    assert not warnings


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("864691135635600553", "864691135635600553"),
        ('"864691135635600553"', "864691135635600553"),
        ("864691135635600553.0", "864691135635600553.0"),
        ("8.646911356356006e17", "8.646911356356006e17"),
        ("0864691135635600553", "0864691135635600553"),
        ("[864691135635600553]", "864691135635600553"),
        ('["864691135635600553"]', "864691135635600553"),
        ("[864691135635600553,864691135635600554]", "864691135635600553,864691135635600554"),
        ("None", ""),
        ("''", ""),
        ("L2/3", "L2/3"),
        ("true", "true"),
        ('"unclosed', "unclosed"),
        ('"a" %2B "b"', 'a" + "b'),
        ("__import__('os')", "__import__('os')"),
    ],
)
def test_a_value_stays_as_written(text, cell):
    assert view_of("connectivity", f"?anno-id={text}")[0].cell == cell


def test_the_datastack_of_the_path_serves_where_none_is_given():
    assert view_of("connectivity", "", "flywire")[0].datastack == "flywire"
    assert view_of("connectivity", "?datastack=other", "flywire")[0].datastack == "other"
    assert view_of("connectivity", "?datastack=None", "flywire")[0].datastack == "flywire"


def test_basic_connectivity_calls_its_id_type_otherwise():
    view, warnings = view_of("basic_connectivity", '?anno-id="5"&cell-id-type="nucleus_id"')
    assert (view.cell, view.id_type, warnings) == ("5", "nucleus_id", ())


def test_a_property_of_a_control_is_understood_or_named():
    view, warnings = view_of("connectivity", '?anno-id::value="7"&anno-id::style="x"')
    assert view.cell == "7"
    assert "anno-id::style" in warnings[0]


@pytest.mark.parametrize(
    ("app", "search", "message"),
    [
        ("connectivity", '?live-query-toggle="static"', "live query switch"),
        ("connectivity", '?mat-version="live"', "live data"),
        ("connectivity", '?mat-version="abc"', "version number"),
        ("connectivity", '?id-type="anno_id"', "id type"),
        ("table_viewer", '?cell-type="BC"', "without naming a column"),
        ("table_viewer", "?foo=1", "foo"),
        ("cell_plotter", "", "cell_plotter"),
    ],
)
def test_what_no_longer_exists_is_said(app, search, message):
    _, warnings = view_of(app, search)
    assert len(warnings) == 1
    assert message in warnings[0]


@pytest.mark.parametrize("value", ['"live"', "live", "'Live'"])
def test_a_live_link_is_live_where_it_can_be(value):
    query = {"mat-version": value}
    assert translate("table_viewer", "demo", query, live=True) == (TableAddress("demo", "live"), ())
    view, warnings = translate("table_viewer", "demo", query)
    assert (view.version, len(warnings)) == ("latest", 1)
    assert translate("connectivity", "demo", query, live=True) == (
        CellAddress("demo", "live", type_table="none"),
        (),
    )
    assert translate("connectivity", "demo", query)[0].version == "latest"


@given(st.integers(0, 2**63 - 1))
def test_any_id_reaches_todays_address_exactly(root):
    for written in (str(root), f'"{root}"', f"'{root}'", f"[{root}]"):
        view, _ = view_of("connectivity", f"?anno-id={written}")
        assert parse_connectivity(parse_qs(urlsplit(view.href()).query))[0].cell == str(root)


@given(st.text(max_size=30), st.text(max_size=12), st.text(max_size=12))
def test_no_old_link_breaks_a_page(value, key, app):
    for name in (key, "anno-id", "mat-version", "cell-type", "value-column-search"):
        for kind in (app, "table_viewer", "connectivity"):
            view, _ = translate(kind, "demo", {name: value})
            assert view.href()


def test_a_translated_link_keeps_its_boxes():
    view, _ = view_of("table_viewer", '?cell-type="L2/3, a b"&value-column-search="layer"')
    assert parse_table(parse_qs(urlsplit(view.href()).query))[0] == view
