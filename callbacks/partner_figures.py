"""The plots of what the tables of partners show, and what is chosen in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from dash import ALL, MATCH, ClientsideFunction, Input, Output, State, clientside_callback, no_update

from callbacks import views
from callbacks.bodies import Drawn, GridState, OfSide
from callbacks.errors import unless_typed
from callbacks.register import callback
from components import cell_figures
from components.cell_figures import plot
from components.figures import by_type, depth, pairs, somata, tuning
from services.cave.context import cave
from services.cells import figure_script, partner_sets, partner_synapses, plot_frames
from services.cells.compartments import COUNTS
from services.cells.tuning import counted_in_words
from services.core import type_columns
from services.core.directions import Direction
from services.views.cell_view import CellView

if TYPE_CHECKING:
    import pandas as pd


SHOWN = {"type": "partner-shown", "side": ALL}
SCRIPT = "figure-script"
SELECT = "Draw around points to select their partners in the table."
BLANK = "no type"
NAMES = {"in": "input partners", "out": "output partners", "both": "partners"}


@callback(
    Output("cell-figures", "children"),
    Input(SHOWN, "data"),
    Input("tab", "data"),
    Input("cell-figures-seen", "data"),
    State(SHOWN, "id"),
    prevent_initial_call=True,
    running=[(Output("cell-figures", "className"), "k-busy", "")],
    on_error=unless_typed,
)
def draw(shown: list[GridState | None], tab: str | None, seen: Any, ids: list[OfSide]) -> Any:
    """The plots of both directions, of the partners that the table in front shows (those of one direction stand beside
    those of the other), and of the tab in front; once someone looks at them."""
    front = tab if tab in {id["side"] for id in ids} else "in"
    states = _states(shown, ids, front)
    if not seen or not states:
        return no_update
    cells = {side: CellView.of(cave(), views.partner_address(state)) for side, state in states.items()}
    kept = {side: view.partners(side)[0] for side, view in cells.items()}
    ways: dict[str, pd.DataFrame] = (
        {way: partner_sets.of_way(kept["both"], way) for way in Direction} if front == "both" else kept
    )
    view, rows = cells[front], {way: cells[front].synapses(way) for way in Direction}
    of_front = _of_both(view, kept["both"]) if front == "both" else _of_way(view, kept[front], rows, Direction(front))
    bars = _by_type(view, ways, script="" if front == "both" else SCRIPT)
    plots = [*_by_direction(view, ways, rows), *bars, *of_front]
    filtered = any(len(kept[side]) < len(one.table(side).frame) for side, one in cells.items())
    return cell_figures.figures(plots, _of_what(kept, ways, filtered=filtered))


def _states(shown: list[GridState | None], ids: list[OfSide], front: str | None) -> dict[str, GridState]:
    """What the tables show that are drawn with the tab in front; none while one of them shows nothing yet."""
    sides = ("both",) if front == "both" else ("in", "out")
    known = {str(id["side"]): state for id, state in zip(ids, shown, strict=True) if state and id["side"] in sides}
    return known if len(known) == len(sides) else {}


def _of_what(kept: dict[str, pd.DataFrame], ways: dict[str, pd.DataFrame], *, filtered: bool) -> str:
    """Which partners are drawn."""
    message = f"{len(ways['in']):,} input, {len(ways['out']):,} output"
    if "both" not in kept:
        return f"Of {'the partners that the filters keep' if filtered else 'all partners in the tables'}: {message}."
    which = "the filters of this tab keep" if filtered else "are in the table"
    return f"Of the {len(kept['both']):,} partners that {which}: {message}."


def _note(*sentences: str) -> str:
    return " ".join(filter(None, sentences))


def _by_direction(view: CellView, kept: dict[str, pd.DataFrame], synapses: dict[Direction, pd.DataFrame]) -> list[Any]:
    volume, own_um = view.release.volume, view.somata_um
    rows = {way: partner_synapses.with_partners(every, kept[way]) for way, every in synapses.items()}
    depths = [place[1] for place in own_um]
    counts = by_type.synapses_per_partner(plot_frames.per_partner(cast("Any", kept)))
    profile = []
    if volume.has_depth:
        by, binned = volume.layer_set(view.address.layers), plot_frames.depth_profile(rows)
        where = depth.depth_profile(binned, by.layers, depths, volume.depth_range_um, layers_by=by.name)
        profile = [plot("profile", "Synapses by depth", where, note=_note(cell_figures.red_line(depths), by.sentence))]
    return [
        *profile,
        plot("per-partner", "Synapses for each partner", counts, open_=False),
    ]


def figure_title(column: str) -> str:
    """The title of the bars by type."""
    return f"Synapses by {column.replace('_', ' ')} of the partner"


def _by_type(view: CellView, kept: dict[str, pd.DataFrame], *, script: str) -> list[Any]:
    column, colours, values = view.grouping
    if not column:
        return []
    groups = {way: plot_frames.by_type(frame, column, values) for way, frame in kept.items()}
    counts = by_type.type_counts(groups["in"], groups["out"], colours, blank=BLANK)
    return [
        plot(
            "types",
            figure_title(column),
            counts,
            side="in",
            note="Click a bar to select its partners.",
            script=script,
        )
    ]


def _of_way(view: CellView, frame: pd.DataFrame, rows: Mapping[Direction, pd.DataFrame], way: Direction) -> list[Any]:
    """What is drawn for one direction."""
    name, synapses = way.noun, rows[way]
    column = view.grouping[0]
    return [
        *_depths(view, frame, synapses, way),
        *_soma_map(view, frame, way),
        *_tuned(view, frame, way),
        *(_between_types(view, frame, synapses, name) if column else ()),
    ]


def _depths(view: CellView, frame: pd.DataFrame, synapses: pd.DataFrame, way: Direction) -> list[Any]:
    """Depths of synapses and somata, where the volume has any."""
    name = way.noun
    volume = view.release.volume
    if not volume.has_depth:
        return []
    column, colours, _ = view.grouping
    depths = [place[1] for place in view.somata_um]
    points = plot_frames.synapse_depths(synapses, frame, column or None)
    by = volume.layer_set(view.address.layers)
    options: Any = {"layers": by.layers, "layers_by": by.name, "blank": BLANK}
    options["shown_um"] = volume.depth_range_um
    dots = depth.synapse_depths(points, colours, somata_um=depths, **options)
    note = _note(SELECT, cell_figures.red_line(depths), by.sentence)
    title = f"Depth of {name} synapses and of their partners' somata"
    return [plot("depths", title, dots, side=way, note=note)]


def _of_both(view: CellView, frame: pd.DataFrame) -> list[Any]:
    """What is drawn for partners of both directions."""
    side = "both"
    column, colours, _ = view.grouping
    points = plot_frames.reciprocal(frame, column or None)
    note = f"{len(points):,} of {len(frame):,} partners are reciprocal; equal ones are spread a little. {SELECT}"
    dots = pairs.reciprocal_pairs(points, colours, blank=BLANK)
    return [
        plot("pairs", "Reciprocal partners", dots, side=side, note=note),
        *_soma_map(view, frame, side),
        *_tuned(view, frame, side),
    ]


def _soma_map(view: CellView, frame: pd.DataFrame, side: str) -> list[Any]:
    column, colours, _ = view.grouping
    volume = view.release.volume
    places = plot_frames.soma_map(frame, column or None, volume.axes)
    by = volume.layer_set(view.address.layers)
    options: Any = {"layers": by.layers, "layers_by": by.name, "blank": BLANK}
    drawn = somata.soma_map(places, colours, titles=volume.titles, own_um=view.somata_um, **options)
    placed = "have exactly one soma" + (" or a representative point" if f"point_{volume.axes[0]}" in frame else "")
    note = _note(f"{len(places):,} of {len(frame):,} {NAMES[side]} {placed}.", SELECT, by.sentence)
    return [plot("somata", f"Somata of {NAMES[side]}", drawn, side=side, note=note, open_=False)]


def _tuned(view: CellView, frame: pd.DataFrame, side: str) -> list[Any]:
    """What coregistered partners prefer to see, where the columns of tuning were asked for."""
    if "pref_ori_deg" not in frame:
        return []
    column, colours, _ = view.grouping
    points = plot_frames.orientations(frame, column or None)
    dots = tuning.orientations(points, colours, blank=BLANK)
    note = f"{counted_in_words(frame, points)} {SELECT}"
    return [plot("tuning", f"Tuning of {NAMES[side]}", dots, side=side, note=note)]


def _between_types(view: CellView, frame: pd.DataFrame, synapses: pd.DataFrame, name: str) -> list[Any]:
    """What differs between types: sizes and, where they were asked for, compartments."""
    column, colours, _ = view.grouping
    sizes = by_type.sizes_by_type(plot_frames.sizes_by_type(synapses, frame, column), colours, blank=BLANK)
    drawn = [plot("sizes", f"Sizes of {name} synapses by type", sizes, open_=False)]
    if set(COUNTS) <= set(frame):
        places = by_type.compartments_by_type(plot_frames.compartments_by_type(frame, column), blank=BLANK)
        drawn.append(plot("compartments", f"Where {name} synapses sit, by type", places))
    return drawn


@callback(
    Output({"type": "partner-picked", "side": MATCH}, "data"),
    Input({"type": "partner-drawn", "side": MATCH}, "data"),
    State({"type": "partner-shown", "side": MATCH}, "data"),
    State({"type": "partner-drawn", "side": MATCH}, "id"),
    prevent_initial_call=True,
)
def pick(drawn: Drawn | None, shown: GridState | None, id: OfSide) -> Any:
    """The root ids of what was drawn around or clicked: places in the table on show, or a value."""
    if not drawn or not shown:
        return no_update
    view = CellView.of(cave(), views.partner_address(shown))
    frame = view.partners(id["side"])[0]
    column, _, _ = view.grouping
    if "rows" in drawn:
        chosen = frame.iloc[[row for row in drawn["rows"] if 0 <= row < len(frame)]]
    else:
        chosen = frame[type_columns.as_counted(frame[column]).fillna("").astype(str) == drawn["value"]]
    return chosen["root_id"].astype(str).tolist()


@callback(
    Output(f"{SCRIPT}-copied", "data"),
    Input(SCRIPT, "n_clicks"),
    State(SHOWN, "data"),
    State(SHOWN, "id"),
    prevent_initial_call=True,
)
def copy_script(clicks: int | None, shown: list[GridState | None], ids: list[OfSide]) -> Any:
    """A script that draws the bars by type, of the partners that each table shows."""
    states = {
        Direction(id["side"]): state for id, state in zip(ids, shown, strict=True) if state and id["side"] != "both"
    }
    if not clicks or len(states) < len(Direction):
        return no_update
    requests = {way: CellView.of(cave(), views.partner_address(states[way])) for way in Direction}
    column, colours, _ = requests[Direction.IN].grouping
    scripts = {way: view.script(way) for way, view in requests.items()}
    title = f"{figure_title(column)}, {requests[Direction.IN].address.href()}"
    return {"text": figure_script.by_type(scripts, title, column, colours, BLANK), "said": "A script was copied."}


clientside_callback(
    ClientsideFunction("clipboard", "copy"),
    Output(f"{SCRIPT}-copied-done", "data"),
    Input(f"{SCRIPT}-copied", "data"),
    prevent_initial_call=True,
)
PLOTS = {"type": "partner-plot", "name": ALL, "side": ALL}
DRAWN = {"type": "partner-drawn", "side": ALL}
clientside_callback(
    ClientsideFunction("picks", "drawn"),
    Output(DRAWN, "data"),
    Input(PLOTS, "selectedData"),
    Input(PLOTS, "clickData"),
    State(DRAWN, "id"),
    prevent_initial_call=True,
)
