"""The plots of what the tables of partners show, and what is chosen in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from dash import ALL, MATCH, ClientsideFunction, Input, Output, State, callback, clientside_callback, no_update

from callbacks import partners, views
from components import cell_figures
from components.cell_figures import plot
from components.figures import by_type, depth, somata
from services import partner_synapses, plot_frames, space
from services.compartments import COUNTS
from services.context import cave
from services.urls import ConnectivityView

if TYPE_CHECKING:
    import pandas as pd

    from services.connectivity import Direction

SHOWN = {"type": "partner-shown", "side": ALL}
SELECT = "Draw around points to select their partners in the table."


@callback(
    Output("cell-figures", "children"),
    Input(SHOWN, "data"),
    Input("tab", "data"),
    State(SHOWN, "id"),
    prevent_initial_call=True,
    running=[(Output("cell-figures", "className"), "k-busy", "")],
    on_error=lambda error: [],  # the counts say what is wrong with a filter
)
def draw(shown: list[dict[str, Any] | None], tab: str, ids: list[dict[str, str]]) -> Any:
    """The plots of both directions, as their tables show them."""
    data = {id["side"]: data for id, data in zip(ids, shown, strict=True)}
    if not (data.get("in") and data.get("out")):
        return no_update
    asked = {way: views.partner_view(cast("dict[str, Any]", data[way])) for way in ("in", "out")}
    kept = {way: partners.shown(view, way)[0] for way, view in asked.items()}
    plots = [*_by_direction(asked["in"], kept), *_by_type(asked["in"], kept), *_of_side(asked["in"], kept, tab)]
    filtered = any(len(kept[way]) < len(partners.table(view, way).frame) for way, view in asked.items())
    what = "Of the partners that the filters keep" if filtered else "Of all partners in the tables"
    return cell_figures.figures(plots, f"{what}: {len(kept['in']):,} input, {len(kept['out']):,} output.")


def _by_direction(view: ConnectivityView, kept: dict[str, pd.DataFrame]) -> list[Any]:
    found, volume = partners.read(view), cave().volume(view.datastack)
    rows = {
        way: partner_synapses.with_partners(partners.synapses(view, way), kept[way])
        for way in cast("tuple[Direction, ...]", ("in", "out"))
    }
    profile = plot_frames.depth_profile(rows)
    where = depth.depth_profile(profile, volume.layers, found.cell.soma_depth_um, volume.depth_range_um)
    counts = by_type.synapses_per_partner(plot_frames.per_partner(cast("Any", kept)))
    return [
        plot("profile", "Synapses by depth", where),
        plot("per-partner", "Synapses for each partner", counts, open_=False),
    ]


def _by_type(view: ConnectivityView, kept: dict[str, pd.DataFrame]) -> list[Any]:
    column, colours, values = partners.grouping(view)
    if not column:
        return []
    groups = {way: plot_frames.by_type(frame, column, values) for way, frame in kept.items()}
    counts = by_type.type_counts(groups["in"], groups["out"], colours, blank=partners.BLANK)
    words = column.replace("_", " ")
    return [
        plot(
            "types",
            f"Synapses by {words} of the partner",
            counts,
            side="in",
            note="Click a bar to select its partners.",
        )
    ]


def _of_side(view: ConnectivityView, kept: dict[str, pd.DataFrame], tab: str) -> list[Any]:
    """What is drawn for the direction in front; for both, their inputs."""
    way = cast("Direction", tab if tab in kept else "in")
    frame, name = kept[way], {"in": "input", "out": "output"}[way]
    column = partners.grouping(view)[0]
    synapses = partners.synapses(view, way)
    points = plot_frames.synapse_depths(synapses, frame, column or None)
    places = plot_frames.soma_map(frame, column or None)
    depths, somas = _of_somata(view, points, places)
    return [
        plot("depths", f"Depth of {name} synapses and of their partners' somata", depths, side=way, note=SELECT),
        plot("somata", f"Somata of {name} partners", somas, side=way, note=SELECT, open_=False),
        *(_between_types(view, frame, synapses, name) if column else ()),
    ]


def _of_somata(view: ConnectivityView, points: pd.DataFrame, places: pd.DataFrame) -> tuple[Any, Any]:
    """Synapses by their depth and that of the partner's soma, and where the somata are."""
    cell, volume = partners.read(view).cell, cave().volume(view.datastack)
    colours = partners.grouping(view)[1]
    options: Any = {"layers": volume.layers, "blank": partners.BLANK}
    own_um = space.nm_to_um(cell.soma_position_nm, volume)[0] if cell.soma_position_nm else None
    return (
        depth.synapse_depths(
            points, colours, soma_depth_um=cell.soma_depth_um, shown_um=volume.depth_range_um, **options
        ),
        somata.soma_map(places, colours, soma_um=own_um, **options),
    )


def _between_types(view: ConnectivityView, frame: pd.DataFrame, synapses: pd.DataFrame, name: str) -> list[Any]:
    """What differs between types: sizes and, where they were asked for, compartments."""
    column, colours, _ = partners.grouping(view)
    sizes = by_type.sizes_by_type(plot_frames.sizes_by_type(synapses, frame, column), colours, blank=partners.BLANK)
    drawn = [plot("sizes", f"Sizes of {name} synapses by type", sizes, open_=False)]
    if set(COUNTS) <= set(frame):
        places = by_type.compartments_by_type(plot_frames.compartments_by_type(frame, column), blank=partners.BLANK)
        drawn.append(plot("compartments", f"Where {name} synapses sit, by type", places))
    return drawn


@callback(
    Output({"type": "partner-picked", "side": MATCH}, "data"),
    Input({"type": "partner-drawn", "side": MATCH}, "data"),
    State({"type": "partner-shown", "side": MATCH}, "data"),
    State({"type": "partner-drawn", "side": MATCH}, "id"),
    prevent_initial_call=True,
)
def pick(drawn: dict[str, Any] | None, shown: dict[str, Any] | None, id: dict[str, str]) -> Any:
    """The root ids of what was drawn around or clicked: places in the table on show, or a value."""
    if not drawn or not shown:
        return no_update
    view = views.partner_view(shown)
    frame = partners.shown(view, id["side"])[0]
    column, _, _ = partners.grouping(view)
    if "rows" in drawn:
        chosen = frame.iloc[[row for row in drawn["rows"] if 0 <= row < len(frame)]]
    else:
        chosen = frame[frame[column].fillna("").astype(str) == drawn["value"]]
    return chosen["root_id"].astype(str).tolist()


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
