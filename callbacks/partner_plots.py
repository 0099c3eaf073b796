"""The plots of the partners that the tables show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from components import cell_figures
from components.cell_figures import Plot
from components.figures import by_type, depth, reciprocal, somata, tuning
from services.cells import partner_sets, partner_synapses, plot_frames
from services.cells.compartments import COUNTS
from services.cells.tuning import counted_in_words
from services.core.calls import Call, Read, call
from services.core.directions import Direction
from services.views.cell_view import READINGS, CellView

SELECT = "Draw around points to select their partners in the table."
BLANK = "no type"
NAMES = {"in": "input partners", "out": "output partners", "both": "partners"}
Frame: TypeAlias = Read | Call


def plots(cells: Mapping[str, CellView], front: str) -> tuple[list[Plot], str]:
    """The plots for a tab in front, and a sentence that says which partners they show; `cells` are the views by
    side."""
    partners = {side: Read(name, cells[side].partners(side)[0]) for name, side in READINGS.items() if side in cells}
    ways: dict[str, Frame] = dict(partners)
    if front == "both":
        ways = {way: call(partner_sets.of_way, partners["both"], str(way)) for way in Direction}
    view = cells[front]
    rows = {way: Read(f"{way}_synapses", view.synapses(way)) for way in Direction}
    of_front = (
        _of_both(view, partners["both"]) if front == "both" else _of_way(view, partners[front], rows, Direction(front))
    )
    all_plots = [*_by_direction(view, ways, rows), *_by_type(view, ways), *of_front]
    filtered = any(len(partners[side].result) < len(view.table(side).frame) for side, view in cells.items())
    return all_plots, _shown_partners(partners, ways, filtered=filtered)


def _shown_partners(partners: Mapping[str, Read], ways: Mapping[str, Frame], *, filtered: bool) -> str:
    """A sentence that says which partners are drawn, and how many."""
    counted = f"{len(ways['in'].result):,} input, {len(ways['out'].result):,} output"
    if "both" not in partners:
        return f"Of {'the partners that the filters keep' if filtered else 'all partners in the tables'}: {counted}."
    which = "the filters of this tab keep" if filtered else "are in the table"
    return f"Of the {len(partners['both'].result):,} partners that {which}: {counted}."


def _note(*sentences: str) -> str:
    return " ".join(filter(None, sentences))


def _by_direction(view: CellView, partners: Mapping[str, Frame], synapses: Mapping[Direction, Read]) -> list[Plot]:
    """Synapses by depth, where the volume has depths, and synapses for each partner, of both directions."""
    volume, own_um = view.release.volume, view.somata_um
    rows = {way: call(partner_synapses.with_partners, rows_read, partners[way]) for way, rows_read in synapses.items()}
    depths = [position[1] for position in own_um]
    counts = call(by_type.synapses_per_partner, call(plot_frames.per_partner, dict(partners)))
    profile = []
    if volume.has_depth:
        by, binned = volume.layer_set(view.address.layers), call(plot_frames.depth_profile, rows)
        where = call(depth.depth_profile, binned, by.layers, depths, volume.depth_range_um, layers_by=by.name)
        note = _note(cell_figures.red_line(depths), by.sentence)
        profile = [Plot("profile", "Synapses by depth", where, note=note)]
    return [*profile, Plot("per-partner", "Synapses for each partner", counts, open=False)]


def _by_type(view: CellView, partners: Mapping[str, Frame]) -> list[Plot]:
    """Synapses by the value that partners are grouped by, of both directions; none without a grouping."""
    column, colours, values = view.grouping
    if not column:
        return []
    groups = [call(plot_frames.by_type, partners[way], column, values) for way in Direction]
    counts = call(by_type.type_counts, *groups, colours, blank=BLANK)
    title = f"Synapses by {column.replace('_', ' ')} of the partner"
    return [Plot("types", title, counts, side="in", note="Click a bar to select its partners.")]


def _of_way(view: CellView, frame: Read, rows: Mapping[Direction, Read], way: Direction) -> list[Plot]:
    """The plots of one direction."""
    name, synapses = way.noun, rows[way]
    return [
        *_depths(view, frame, synapses, way),
        *_soma_map(view, frame, way),
        *_tuned(view, frame, way),
        *(_between_types(view, frame, synapses, name) if view.grouping[0] else ()),
    ]


def _depths(view: CellView, frame: Read, synapses: Read, way: Direction) -> list[Plot]:
    """The depths of synapses against those of the partners' somata; none in a volume without depths."""
    volume = view.release.volume
    if not volume.has_depth:
        return []
    column, colours, _ = view.grouping
    depths = [position[1] for position in view.somata_um]
    points = call(plot_frames.synapse_depths, synapses, frame, column or None)
    by = volume.layer_set(view.address.layers)
    options: Any = {"layers": by.layers, "layers_by": by.name, "blank": BLANK}
    options["shown_um"] = volume.depth_range_um
    dots = call(depth.synapse_depths, points, colours, somata_um=depths, **options)
    note = _note(SELECT, cell_figures.red_line(depths), by.sentence)
    title = f"Depth of {way.noun} synapses and of their partners' somata"
    return [Plot("depths", title, dots, side=way, note=note)]


def _of_both(view: CellView, frame: Read) -> list[Plot]:
    """The plots of partners of both directions."""
    column, colours, _ = view.grouping
    points = call(plot_frames.reciprocal, frame, column or None)
    counts = f"{len(points.result):,} of {len(frame.result):,} partners are reciprocal"
    note = f"{counts}; equal ones are spread a little. {SELECT}"
    dots = call(reciprocal.reciprocal_pairs, points, colours, blank=BLANK)
    return [
        Plot("pairs", "Reciprocal partners", dots, side="both", note=note),
        *_soma_map(view, frame, "both"),
        *_tuned(view, frame, "both"),
    ]


def _soma_map(view: CellView, frame: Read, side: str) -> list[Plot]:
    """The positions of the partners' somata or representative points; none where neither is known."""
    column, colours, _ = view.grouping
    volume, pointed = view.release.volume, f"point_{view.release.volume.axes[0]}" in frame.result
    if not pointed and not view.has_somata:
        return []
    dots = call(plot_frames.soma_map, frame, column or None, volume.axes)
    by = volume.layer_set(view.address.layers)
    options: Any = {"layers": by.layers, "layers_by": by.name, "blank": BLANK}
    drawn = call(somata.soma_map, dots, colours, titles=dict(volume.titles), own_um=view.somata_um, **options)
    placed = "have exactly one soma" + (" or a representative point" if pointed else "")
    note = _note(f"{len(dots.result):,} of {len(frame.result):,} {NAMES[side]} {placed}.", SELECT, by.sentence)
    return [Plot("somata", f"Somata of {NAMES[side]}", drawn, side=side, note=note, open=False)]


def _tuned(view: CellView, frame: Read, side: str) -> list[Plot]:
    """The preferred orientations of coregistered partners, where the columns of tuning were added."""
    if "pref_ori_deg" not in frame.result:
        return []
    column, colours, _ = view.grouping
    points = call(plot_frames.orientations, frame, column or None)
    dots = call(tuning.orientations, points, colours, blank=BLANK)
    note = f"{counted_in_words(frame.result, points.result)} {SELECT}"
    return [Plot("tuning", f"Tuning of {NAMES[side]}", dots, side=side, note=note)]


def _between_types(view: CellView, frame: Read, synapses: Read, name: str) -> list[Plot]:
    """Comparisons between types: synapse sizes, where known, and compartments, where their columns were added."""
    column, colours, _ = view.grouping
    drawn = []
    if view.first.sized:
        sizes = call(plot_frames.sizes_by_type, synapses, frame, column)
        boxes = call(by_type.sizes_by_type, sizes, colours, blank=BLANK)
        drawn.append(Plot("sizes", f"Sizes of {name} synapses by type", boxes, open=False))
    if set(COUNTS) <= set(frame.result):
        counts = call(plot_frames.compartments_by_type, frame, column)
        bars = call(by_type.compartments_by_type, counts, colours, blank=BLANK)
        drawn.append(Plot("compartments", f"Where {name} synapses sit, by type", bars))
    return drawn
