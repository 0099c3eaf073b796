"""Layer boundaries of two sources: each by its name, in columns, addresses, axes and captions."""

from dataclasses import replace

import numpy as np
import pytest
import standard_transform

from components import controls
from components.cell_facts import cell_facts
from components.figures import depth, somata
from components.partner_options import options
from services.cave.release import Release
from services.cells import card as cell_card
from services.cells import cells, plot_frames
from services.core.errors import BadInput
from services.neuroglancer.links import BUNDLED, SPELUNKER
from services.tables import tables
from services.tables.tables import TableQuery
from services.views.addresses import CellAddress, TableAddress, parse_connectivity, parse_table
from services.views.cell_choices import CellChoices

DS, TYPES = "karst_demo", "aibs_metamodel_celltypes_v661"
TOPS = {
    "layer": {"L1": 0, "L2/3": 57.6, "L4": 226.4, "L5": 361.3, "L6a": 501.6, "L6b": 678.1, "WM": 716.6},
    "layer_cave_diver": {"L1": 0, "L2/3": 91.806, "L4": 261.219, "L5": 391.863, "L6": 537.05, "WM": 753.58},
}
NAMES = {"layer": "Allen V1 column", "layer_cave_diver": "CAVE Diver"}


@pytest.fixture(scope="module")
def version(cave):
    return cave.versions(DS)[0].number


@pytest.fixture(scope="module")
def types(cave, version):
    return tables.open_table(Release.of(cave, DS, version), TYPES)


def layer(depth_um, tops):
    return [name for name, top in tops.items() if depth_um >= top or top == 0][-1]


@pytest.mark.parametrize("column", TOPS)
def test_rows_have_the_layer_of_each_source(types, column):
    points = types.frame[[f"pt_position_{axis}" for axis in "xyz"]].to_numpy(float) * [4, 4, 40]
    depths = standard_transform.minnie_ds.transform("nm").apply(points)[:, 1]
    assert types.frame[column].tolist() == [layer(one, TOPS[column]) for one in depths]
    assert next(one.title for one in types.columns if one.name == column) == f"layer ({NAMES[column]})"
    kept = tables.select(types, TableQuery(f"{column} = L4"))
    assert len(kept) == sum(layer(one, TOPS[column]) == "L4" for one in depths) > 0


def test_the_two_differ_somewhere(types):
    assert (types.frame["layer"] != types.frame["layer_cave_diver"]).any()


@pytest.mark.parametrize("column", TOPS)
def test_synapses_have_both(client, cave, version, column):
    root = int(cells.somas(Release.of(cave, DS, version)).query("root_id != 0")["root_id"].iloc[0])
    rows = client.get(f"/api/v1/{DS}/{version}/cells/{root}/synapses?limit=200").json["rows"]
    assert rows
    assert all(row[column] == layer(row["depth_um"], TOPS[column]) for row in rows)


def test_the_card_of_a_cell_names_the_source_of_its_layer(cave, version):
    somas = cells.somas(Release.of(cave, DS, version))
    root = int(somas[(somas["root_id"] != 0) & ~somas["root_id"].duplicated(keep=False)]["root_id"].iloc[0])
    card = cell_card.read(Release.of(cave, DS, version), cells.find(Release.of(cave, DS, version), int(root)))
    message = str(cell_facts(card))
    for column, name in NAMES.items():
        assert f"{layer(card.depth_um, TOPS[column])} ({name})" in message


@pytest.mark.parametrize(("requested", "column"), [("", "layer"), ("cave_diver", "layer_cave_diver")])
def test_an_address_chooses_the_boundaries_of_plots(cave, requested, column):
    by = cave.volume(DS).layer_set(requested)
    assert dict(by.layers) == TOPS[column]
    for view, parse in (
        (TableAddress(layers=requested), parse_table),
        (CellAddress(layers=requested), parse_connectivity),
    ):
        assert parse({"layers": requested} if requested else {})[0] == view
        assert ("layers=" in view.href()) is bool(requested)
    empty = plot_frames.depth_profile({})
    figure = depth.depth_profile(empty, by.layers, layers_by=by.name)
    assert NAMES[column] in figure["layout"]["yaxis"]["title"]["text"]
    assert {shape["y0"] for shape in figure["layout"]["shapes"]} == set(list(TOPS[column].values())[1:])
    assert NAMES[column] in by.sentence
    assert by.source in by.sentence


def test_soma_maps_name_the_source(types):
    names = ("soma_x_um", "soma_depth_um", "soma_z_um", "num_syn", "value", "row")
    none = types.frame.iloc[:0].assign(**{name: np.array([], dtype=object) for name in names})
    layout = somata.soma_map(none, {}, layers=[("L1", 0.0), ("L4", 9.0)], layers_by="CAVE Diver")["layout"]
    assert "CAVE Diver" in layout["yaxis2"]["title"]["text"]


def test_pages_offer_both_by_name(cave):
    volume = cave.volume(DS)
    offered = controls.layer_options(volume)
    assert [(one["label"], one["value"]) for one in offered] == [("Allen V1 column", " "), ("CAVE Diver", "cave_diver")]
    choices = CellChoices(rules={}, columns=(), more={}, show={}, viewers=(BUNDLED,), versions=(), volume=volume)
    message = str(options(CellAddress(), choices))
    assert "Allen V1 column" in message
    assert "CAVE Diver" in message
    assert "3D panel" in message
    assert "3D panel" not in str(options(CellAddress(), replace(choices, viewers=(SPELUNKER,))))


def test_boundaries_that_nobody_gave_are_refused(cave):
    with pytest.raises(BadInput, match="There are no layer boundaries 'no such' here") as refused:
        cave.volume(DS).layer_set("no such")
    assert "cave_diver" in refused.value.hint
