"""What tables of synapses have, by their schema type and their columns."""

from __future__ import annotations

import pandas as pd
import pytest

from localcave.importer.schemas import schema_types
from services.cave.synapse_shape import COLUMNS_OF, as_synapses, shape_of
from services.core.errors import BadInput
from services.core.records import TableInfo


def info(schema: str, target: str | None = None) -> TableInfo:
    return TableInfo("t", "table", schema, "", "", target, "", (1.0, 1.0, 1.0), 1)


def split(schema: str) -> set[str]:
    """The columns of a table of a schema type of CAVE, positions by their axes."""
    columns = schema_types()[schema]
    axes = {f"{one.name}_{axis}" for one in columns if one.kind == "position" for axis in "xyz"}
    return axes | {one.name for one in columns if one.kind != "position"}


@pytest.mark.parametrize("schema", sorted(name for name in schema_types() if name.endswith("synapse")))
def test_what_is_known_of_a_schema_type_is_what_its_columns_say(schema: str) -> None:
    assert shape_of(info(schema), ()) == shape_of(info("unknown"), split(schema))
    assert COLUMNS_OF[schema] <= split(schema)


def test_each_schema_type_has_what_it_has() -> None:
    fly = shape_of(info("fly_nt_synapse"), ())
    assert (fly.sized, fly.scores) == (False, ("connection_score", "cleft_score"))
    assert fly.transmitters == ("gaba", "ach", "glut", "oct", "ser", "da")
    assert fly.positions == ("pre_pt_position", "post_pt_position")
    assert shape_of(info("synapse"), ()).positions == ("ctr_pt_position",)
    assert shape_of(info("nocenter_synapse"), ()).sized
    assert shape_of(info("nocleft_synapse"), ()).scores == ("score",)
    contact = shape_of(info("contact"), split("contact"))
    assert (contact.own("in"), contact.own("out")) == ("sideb_pt_root_id", "sidea_pt_root_id")
    assert contact.sized and not contact.directed and fly.directed


def test_the_rows_of_a_table_that_refers_to_synapses_have_their_ids() -> None:
    shape = shape_of(info("reference_synapse_valid", "synapses"), split("synapse") | {"target_id", "is_valid"})
    assert shape.referring
    assert shape.columns == ("id", "target_id", "pre_pt_root_id", "post_pt_root_id", "size", "ctr_pt_position")


def test_a_table_without_two_ends_or_any_place_is_refused() -> None:
    for columns in ({"pt_root_id", "pt_position_x"}, {"pre_pt_root_id", "post_pt_root_id"}):
        with pytest.raises(BadInput, match="its rows are no synapses"):
            shape_of(info("bound_tag"), columns)


def test_a_place_is_the_mean_of_the_ends_or_the_one_that_is_known() -> None:
    rows = pd.DataFrame(
        {
            "id": pd.array([1, 2, 3], dtype="Int64"),
            "pre_pt_root_id": pd.array([7, 7, 7], dtype="Int64"),
            "post_pt_root_id": pd.array([8, 8, 8], dtype="Int64"),
            "score": pd.array([0.5, 1, None], dtype="Float64"),
            **{f"pre_pt_position_{axis}": pd.array([10, None, None], dtype="Float64") for axis in "xyz"},
            **{f"post_pt_position_{axis}": pd.array([20, 30, None], dtype="Float64") for axis in "xyz"},
        }
    )
    rows.attrs = {"truncated": None}
    result = as_synapses(rows, shape_of(info("nocleft_synapse"), ()))
    assert result["ctr_pt_position_z_nm"].tolist()[:2] == [15, 30]
    assert pd.isna(result["ctr_pt_position_z_nm"].iloc[2])
    assert result["size"].isna().all()
    assert result["score"].tolist()[:2] == [0.5, 1]
    assert result.attrs == rows.attrs
    assert "pre_pt_position_x" not in result
    assert (
        as_synapses(rows, shape_of(info("nocleft_synapse"), ()), ["pre_pt_position"])["pre_pt_position_x"].iloc[0] == 10
    )
