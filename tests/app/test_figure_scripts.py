"""The script of every figure, run as it is against a real localcave, draws what the page draws."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from callbacks import (
    partner_plots,
    population_beside,
    population_chance,
    population_matrix,
    population_panels,
    population_plots,
    skeleton_plots,
    skeletons,
    table_drawings,
)
from callbacks.partner_figures import _readings
from components.cell_figures import Plot
from services.cave.client import Cave
from services.cave.release import Release
from services.cells import morphology, skeleton_script
from services.cells.partner_table import COMPARTMENT, TUNING
from services.core import calls
from services.populations import networks, scripts
from services.populations.nulls import MODELS
from services.views.addresses import CellAddress, PopulationAddress, TableAddress, WallAddress
from services.views.cell_view import CellView
from services.views.population_view import PopulationView
from services.views.table_opening import held, open_view
from services.views.wall_view import WallView
from tests.figures import drawn

DS, TYPES = "karst_demo", "aibs_metamodel_celltypes_v661"
PROOFREAD = "proofreading_status_and_strategy"


def run(script: str, names: dict[str, Any] | None = None) -> dict[str, Any]:
    scope = dict(names or {})
    exec(compile(script, "figure", "exec"), scope)
    return scope


def assert_same(ours: Any, theirs: Any, where: str) -> None:
    """Figures are the same, numbers to what two ways to read them may differ by."""
    if isinstance(ours, dict):
        assert ours.keys() == theirs.keys(), where
        for name in ours:
            assert_same(ours[name], theirs[name], f"{where}.{name}")
    elif isinstance(ours, list | tuple | np.ndarray):
        assert len(ours) == len(theirs), where
        for at, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            assert_same(one, other, f"{where}[{at}]")
    elif isinstance(ours, float | np.floating) and math.isnan(ours):
        assert math.isnan(theirs), where
    elif isinstance(ours, float | np.floating):
        assert math.isclose(ours, theirs, rel_tol=1e-5, abs_tol=1e-4) or (math.isnan(ours) and math.isnan(theirs)), (
            where
        )
    else:
        assert ours == theirs or (pd.isna(ours) and pd.isna(theirs)), where


def check(plots: Iterable[Plot], readings: Iterable[str]) -> dict[str, Any]:
    """Reads once, then draws each plot from that; what was read."""
    read = run("\n".join(readings))
    for plot in plots:
        script = calls.script(plot.figure, plot.title, [])
        assert "services" not in script.split("\n\n\n")[0] and "components" not in script.split("\n\n\n")[0]
        figure = run(script, read)["figure"]
        page = drawn(plot.figure.result).to_dict()
        page["layout"] |= {"paper_bgcolor": "white", "plot_bgcolor": "white"}
        page["layout"]["font"] = {"color": "#222"}
        assert_same(drawn(figure.to_dict()).to_dict(), page, plot.name)
        assert any(len(trace.get(name, ())) for trace in page["data"] for name in ("x", "z", "q1")), plot.name
    return read


@pytest.fixture(scope="module")
def version(cave: Cave) -> str:
    return str(next(one.number for one in cave.versions(DS) if one.valid))


@pytest.fixture(scope="module")
def view(cave: Cave, version: str) -> CellView:
    """A cell with tuning, whose partners are filtered."""
    release = Release.of(cave, DS, int(version))
    tuned = set(release.table("digital_twin_properties_bcm_coreg_v4")["pt_root_id"])
    more: Any = {"more": (TUNING, COMPARTMENT), "where": "num_soma < 3", "tab": "in"}
    roots = [root for root in release.table(PROOFREAD)["pt_root_id"] if root in tuned]
    cells = (CellView.of(cave, CellAddress(DS, version, cell=str(root), **more)) for root in roots)
    return next(cell for cell in cells if cell.partners("both")[0]["reciprocal"].any())


@pytest.mark.parametrize("front", ["in", "out", "both"])
def test_figures_of_a_cell(view: CellView, front: str) -> None:
    cells = dict.fromkeys(("both",) if front == "both" else ("in", "out"), view)
    plots, _ = partner_plots.plots(cells, front)
    names = frozenset(itertools.chain.from_iterable(plot.figure.reads for plot in plots))
    read = check(plots, [*dict.fromkeys(_readings(cells, front, names))])
    if front == "in":
        # what a person would count from what the script read, without the figure
        bars = next(plot for plot in plots if plot.name == "types").figure.result["data"][0]
        counts = read["inputs"]["num_syn"].groupby(read["inputs"]["cell_type"].fillna("no type")).sum()
        assert {row[0] or "no type": row[2] for row in bars["customdata"] if row[2]} == counts.to_dict()
        binned = next(plot for plot in plots if plot.name == "profile").figure.result["data"][0]
        of_inputs = read["in_synapses"][read["in_synapses"]["root_id"].isin(read["inputs"]["root_id"])]
        assert sum(binned["x"]) == of_inputs["depth_um"].notna().sum()


def populations(cave: Cave, version: str, **more: str) -> Iterator[PopulationView]:
    for sets in ({"pre_table": PROOFREAD}, {"pre_table": PROOFREAD, "post_table": TYPES}):
        yield PopulationView.of(cave, PopulationAddress(DS, version, **sets, **more, read="on"))


def seeded(view: PopulationView, seed: str) -> PopulationView:
    return replace(view, address=replace(view.address, seed=seed))


def test_figures_of_a_population(cave: Cave, version: str) -> None:
    for view in populations(cave, version):
        plots = population_plots.plots(view)
        names = {name for plot in plots for name in plot.figure.reads}
        assert {plot.name for plot in plots} >= {"strengths", "distance", "targets", "depths", "compartments", "tuning"}
        shares = next(plot.figure.result for plot in plots if plot.name == "targets")
        again, other = (
            next(plot.figure.result for plot in population_plots.plots(of_seed) if plot.name == "targets")
            for of_seed in (view, seeded(view, "2"))
        )
        assert again == shares != other
        read = check(plots, scripts.readings(view.pair, names))
        rows = read["synapses"]
        counts = rows[rows["pre_root_id"] != rows["post_root_id"]].groupby(["pre_root_id", "post_root_id"]).size()
        strengths = plots[0].figure.result["data"][0]
        shown = {number: count for number, count in zip(strengths["x"], strengths["y"], strict=True) if count}
        assert shown == counts.value_counts().to_dict()


@pytest.mark.parametrize("name", ["strengths", "differences"])
def test_figures_of_an_entry_of_the_matrix(cave: Cave, version: str, name: str) -> None:
    """What is copied reads the cells of the entry, which are those that the figure shows."""
    entry = {"row": "23P", "column": "BC", "pre_by": f"{TYPES}.cell_type", "post_by": f"{TYPES}.cell_type"}
    view = next(populations(cave, version, beside=f"{PROOFREAD}:strategy_axon = axon_fully_extended", **entry))
    plots, readings = population_panels.plots_to_copy(view, name)
    read = check(plots, readings(frozenset().union(*(plot.figure.reads for plot in plots))))
    types = Release.of(cave, DS, int(version)).table(TYPES).drop_duplicates("pt_root_id", keep=False)
    kind = types.set_index("pt_root_id")["cell_type"]
    if name == "differences":
        assert set(read["second_synapses"]["post_root_id"].map(kind)) == {"BC"}
        return
    ends = [set(read["synapses"][f"{end}_root_id"].map(kind)) for end in ("pre", "post")]
    assert ends == [{"23P"}, {"BC"}] and sum(plots[0].figure.result["data"][0]["y"]) > 5


@pytest.mark.parametrize(
    ("value", "order", "by"),
    [
        ("synapses", "type", ""),
        ("mean_size", "type", "cell"),
        ("connected_fraction", "depth", ""),
        ("output_share", "similarity", ""),
    ],
)
def test_the_matrix_of_a_population(cave: Cave, version: str, value: str, order: str, by: str) -> None:
    view = next(populations(cave, version, order=order, value=value, pre_by=by, post_by=by))
    plot = population_matrix.plot(view)
    check([plot], scripts.readings(view.pair, plot.figure.reads))


@pytest.mark.parametrize("by", ["", "cell"])
def test_the_network_of_a_population(cave: Cave, version: str, by: str) -> None:
    view = next(populations(cave, version, **({"pre_by": by, "post_by": by} if by else {})))
    plot = population_plots.network(view)
    read = check([plot], scripts.readings(view.pair, plot.figure.reads))
    nodes = [trace for trace in plot.figure.result["data"] if "text" in trace]
    if by:
        assert sum(len(trace["x"]) for trace in nodes) == len({*read["pre"], *read["post"]})
        rows = read["synapses"]
        pairs = rows[rows["pre_root_id"] != rows["post_root_id"]].groupby(["pre_root_id", "post_root_id"]).ngroups
        lines = [trace for trace in plot.figure.result["data"] if trace["mode"] == "lines+markers"]
        assert sum(len(trace["x"]) // 3 for trace in lines) == min(pairs, networks.MOST_LINKS)
    else:
        assert {name for trace in nodes for name in trace["text"]} >= {"5P-ET", "BC"}


@pytest.mark.parametrize("model", MODELS)
def test_a_population_against_chance(cave: Cave, version: str, model: str) -> None:
    view = next(populations(cave, version, model=model, permutations="20", seed="7"))
    plot, _ = population_chance.plot(view)
    check([plot], scripts.readings(view.pair, plot.figure.reads))


@pytest.mark.parametrize("direction", ["out", "in"])
def test_two_sets_side_by_side(cave: Cave, version: str, direction: str) -> None:
    second = f"{PROOFREAD}:strategy_axon = axon_fully_extended"
    view = next(populations(cave, version, direction=direction, beside=second, seed="7"))
    plot, compared = population_beside.plot(view), view.difference.result
    again, other = (seeded(view, seed).difference.result for seed in ("7", "8"))
    assert again.equals(compared) and not other["low"].equals(compared["low"])
    read = check([plot], population_beside.readings(view, plot.figure.reads))
    table, _, column = view.partner_groups.by.partition(".")
    types = Release.of(cave, DS, int(version)).table(table).drop_duplicates("pt_root_id", keep=False)
    kind, partner = types.set_index("pt_root_id")[column], f"{'pre' if direction == 'in' else 'post'}_root_id"
    different = (
        rows[rows["pre_root_id"] != rows["post_root_id"]] for rows in (read["synapses"], read["second_synapses"])
    )
    shares = [rows[partner].map(kind).value_counts(normalize=True, dropna=False) for rows in different]
    dots = plot.figure.result["data"][0]
    shown = dict(zip(dots["y"], dots["x"], strict=True))
    assert "BC" in shown
    assert shown["BC"] == pytest.approx(shares[0].get("BC", 0) - shares[1].get("BC", 0))


def test_figures_of_skeletons(view: CellView) -> None:
    plots = skeleton_plots.plots(view, morphology.read(view.release.cave, view.first))
    names = frozenset(itertools.chain.from_iterable(plot.figure.reads for plot in plots))
    skeleton = check(plots, skeleton_plots.readings(view, names))["cell_skeleton"]
    ends = np.array(skeleton["vertices"])[np.array(skeleton["edges"])] / 1000
    by_depth = next(plot for plot in plots if plot.name == "cable-depth").figure.result["data"]
    cable = np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1).sum()
    assert sum(sum(line["y"]) for line in by_depth) == pytest.approx(cable)

    roots = [view.first.cell.root_id, *view.release.table(PROOFREAD)["pt_root_id"].head(3).tolist()]
    address = WallAddress(DS, view.address.version, " ".join(map(str, roots)))
    plot = skeletons.plot_of(WallView.of(view.release.cave, address))
    read = check([plot], skeleton_script.readings(view.release, roots, plot.figure.reads))
    assert set(plot.figure.result["data"][2]["text"]) == {str(root) for root in read["cell_skeletons"]}


TABLE_VIEWS: list[dict[str, Any]] = [
    {"plot": "counts"},
    {"plot": "counts", "where": "cell_type in (23P, BC, '4P')", "group_by": "cell_type"},
    {"plot": "counts", "group_by": "pt_position_y", "where": "id < 1000"},
    {"plot": "histogram", "x": "soma_depth_um", "where": "cell_type = BC", "unit": "um"},
    {"plot": "histogram", "x": "id"},
    {"plot": "scatter", "x": "pt_position_x", "y": "soma_depth_um", "unit": "nm"},
    {"plot": "side", "where": "cell_type ~ P", "group_by": "cell_type"},
    {"plot": "top", "unit": "um"},
]


@pytest.mark.parametrize("requested", TABLE_VIEWS, ids=lambda requested: "-".join(requested.values()))
def test_figures_of_a_table(cave: Cave, version: str, requested: dict[str, Any]) -> None:
    view = held(open_view(cave, TableAddress(DS, version, TYPES, **requested)))
    (plot,) = table_drawings.plots_of(view, None)
    read = check([plot], view.readings(plot.figure.reads))
    figure = drawn(plot.figure.result)
    if view.address.plot == "counts" and view.address.group_by != "pt_position_y":
        bars = figure.data[0]
        assert dict(zip(bars.y, bars.x, strict=True)) == read["rows"]["cell_type"].value_counts().to_dict()
    elif view.address.plot == "histogram":
        assert sum(sum(bars.y) for bars in figure.data if bars.yaxis != "y2") == len(read["rows"])
    elif view.address.plot != "counts":
        assert sum(len(dots.x) for dots in figure.data) == len(read["rows"])
