"""Which table has which role: the profile's word, then CAVE's, then schema types and columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from services.core.profiles import faults, load_profile
from services.core.records import TableInfo
from services.core.roles import Role, Roles, StatedRole, is_of_pairs, resolve


def tables(*given: tuple[str, str] | tuple[str, str, str]) -> dict[str, TableInfo]:
    """Tables of (name, schema type, target or creation day); a view where the schema type is "view"."""
    result = {}
    for name, schema, *more in given:
        dated = bool(more) and more[0].startswith("20")
        result[name] = TableInfo(
            name=name,
            kind="view" if schema == "view" else "table",
            schema_type="" if schema == "view" else schema,
            description="",
            notice="",
            reference_table=more[0] if more and not dated else None,
            created=f"{more[0]}T00:00:00" if dated else "",
            voxel_resolution_nm=(4.0, 4.0, 40.0),
            row_count=None,
        )
    return result


def roles(
    there: Mapping[str, TableInfo],
    info: Mapping[str, Any] | None = None,
    stated: Mapping[str, StatedRole] | None = None,
    columns: Mapping[str, Sequence[str]] | None = None,
    first: Sequence[str] = (),
) -> Roles:
    return resolve(stated or {}, info or {}, there, lambda: columns or {}, first)


FLY = tables(
    ("synapses_nt_v1", "fly_nt_synapse"),
    ("nuclei_v1", "nucleus_detection"),
    ("proofread_neurons", "proofreading_boolstatus_user"),
    ("neuropil", "fly_neuropil", "synapses_nt_v1"),
    ("of_others", "fly_neuropil", "other_synapses"),
    ("valid_connection_v2", "view"),
)


def test_all_is_guessed_by_schema_where_nobody_says_anything() -> None:
    result = roles(FLY)
    assert {name: role.table for name, role in result if role.table} == {
        "synapses": "synapses_nt_v1",
        "somata": "nuclei_v1",
        "proofreading": "proofread_neurons",
        "edges": "valid_connection_v2",
        "neuropils": "neuropil",
        "neurotransmitters": "synapses_nt_v1",
    }
    assert result.synapses.why == "the only table of schema type fly_nt_synapse"
    assert result.cell_types == Role(None, "no table fits")


def test_the_info_record_stands_over_the_schema_and_the_profile_over_both() -> None:
    there = tables(("new", "synapse", "2024-01-01"), ("old", "synapse", "2020-01-01"), ("third", "synapse"))
    assert (roles(there).synapses.table, roles(there).synapses.others) == ("new", ("old", "third"))
    assert "newest of 3" in roles(there).synapses.why
    mixed = roles(tables(("a", "nocleft_synapse"), ("b", "fly_synapse"), ("c", "nuclei"), ("d", "nocleft_synapse")))
    assert (mixed.synapses.table, mixed.synapses.others) == ("b", ("d", "a"))
    assert mixed.synapses.why == "the only table of schema type fly_synapse"
    named = roles(there, {"synapse_table": "old"}).synapses
    assert (named.table, named.why) == ("old", "named by CAVE's info record (synapse_table)")
    message = roles(there, {"synapse_table": "old"}, {"synapses": StatedRole("third", where="size > 5")}).synapses
    assert (message.table, message.why, message.where) == ("third", "named by the profile", "size > 5")
    none = roles(there, {"synapse_table": "old"}, {"synapses": StatedRole("")}).synapses
    assert (none.table, none.why) == (None, "the profile says that there is none")


def test_what_refers_to_synapses_is_no_table_of_cells_and_a_measure_of_area_no_area() -> None:
    there = tables(
        ("s", "synapse"),
        ("old", "synapse", "2019-01-01"),
        ("nuclei", "nucleus_detection"),
        ("of_synapses", "cell_type_reference", "s"),
        ("of_old_ones", "cell_type_reference_user", "old"),
        ("functional_area_of_synapses", "reference_tag_float", "s"),
        ("surface_area_measures", "reference_tag_float", "nuclei"),
    )
    result = roles(there, {"synapse_table": "s"})
    assert (result.cell_types.table, result.areas.table) == (None, None)
    of_cells = tables(("types", "cell_type_reference", "nuclei"), ("visual_area", "reference_tag_float", "nuclei"))
    result = roles({**there, **of_cells}, {"synapse_table": "s"})
    assert (result.cell_types.table, result.cell_types.others) == ("types", ())
    assert (result.areas.table, result.areas.column) == ("visual_area", "tag")
    assert (
        roles(there, {"synapse_table": "s"}, {"cell_types": StatedRole("of_synapses")}).cell_types.table
        == "of_synapses"
    )


def test_a_profile_says_that_all_pairs_are_in_a_view_known_by_name() -> None:
    lines = {where: roles(FLY, stated={"edges": StatedRole("valid_connection_v2", where=where)}).edges.where
             for where in (None, "", "cleft_score >= 30")}  # fmt: skip
    assert lines == {None: "cleft_score >= 50", "": "", "cleft_score >= 30": "cleft_score >= 30"}


def test_a_named_table_that_is_not_there_is_told_and_another_guessed() -> None:
    there = tables(("old", "nucleus_detection"))
    for result in (roles(there, {"soma_table": "new"}), roles(there, stated={"somata": StatedRole("new")})):
        assert result.somata.table == "old"
        assert "names new, which this version does not have" in result.somata.misfit


def test_what_cave_names_comes_before_a_guess_where_the_profile_names_what_is_not_there() -> None:
    """The newest table of the schema type was taken, though CAVE says which one has the role."""
    there = tables(("a", "nucleus_detection"), ("b", "nucleus_detection"))
    assert roles(there).somata.table == "b"
    result = roles(there, {"soma_table": "a"}, stated={"somata": StatedRole("new")}).somata
    assert (result.table, "names new" in result.misfit) == ("a", True)
    assert result.why.endswith("named by CAVE's info record (soma_table)")
    neither = roles(there, {"soma_table": "c"}, stated={"somata": StatedRole("new")}).somata
    assert (neither.table, "names new" in neither.misfit, "names c" in neither.misfit) == ("b", True, True)
    assert roles({}, {"soma_table": "new"}).somata.table is None


def test_views_are_known_by_columns_but_those_of_pairs_by_name_alone() -> None:
    there = tables(("s", "synapse"), ("counts", "view"), ("connections_with_nuclei", "view"))
    columns = {
        "counts": ["root_id", "n_input", "n_output", "more"],
        "connections_with_nuclei": ["pre_pt_root_id", "post_pt_root_id", "n_syn"],
    }
    result = roles(there, columns=columns)
    assert (result.degrees.table, result.edges.table) == ("counts", None)
    assert is_of_pairs("connections_with_nuclei") and is_of_pairs("valid_connection_v2") and not is_of_pairs("counts")


def test_the_columns_of_views_are_asked_only_where_no_name_tells() -> None:
    requested: list[bool] = []

    def columns() -> dict[str, Any]:
        requested.append(True)
        return {}

    there = tables(("s", "synapse"), ("s_in_out_degree", "view"), ("s_in_out_degree_fixed", "view"))
    result = resolve({}, {}, there, columns)
    assert (result.degrees.table, requested) == ("s_in_out_degree_fixed", [])


def test_the_first_type_table_of_the_profile_that_there_is() -> None:
    there = tables(("a", "cell_type_reference"), ("b", "cell_type_local"))
    assert roles(there).cell_types.table == "a"
    assert roles(there, first=("gone", "b")).cell_types.table == "b"


def test_roles_of_a_profile_are_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "datastacks").mkdir()
    (tmp_path / "datastacks" / "fly.toml").write_text(
        '[roles]\nsynapses = "s"\nsomata = ""\ncell_types = { table = "t", column = "tag", system = "class" }\n'
    )
    assert load_profile(tmp_path, "fly", "v").roles == {
        "synapses": StatedRole("s"), "somata": StatedRole(""), "cell_types": StatedRole("t", "tag", "class"),
    }  # fmt: skip
    assert faults(tmp_path, "fly", "v") == ()
    (tmp_path / "datastacks" / "bad.toml").write_text('[roles]\nsynapse = "s"\n')
    assert load_profile(tmp_path, "bad", "v").roles == {}
    (fault,) = faults(tmp_path, "bad", "v")
    assert "'synapse' is no role; roles are synapses, somata" in fault
    assert fault in caplog.text
