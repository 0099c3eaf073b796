"""The plots of a cell's skeleton."""

from __future__ import annotations

from typing import Any

from components.cell_figures import Plot
from components.figures import profiles
from components.figures.morphology import skeleton as drawing
from services.cells import arbor, morphology, skeleton_script
from services.cells.morphology import Morphology
from services.core import space
from services.core.calls import Read, call, known
from services.views.cell_view import CellView


def plots(view: CellView, picture: Morphology) -> list[Plot]:
    """The skeleton in 3D, its Sholl profile and, in a volume with depths, its cable by depth."""
    release, root_id = view.release, view.first.cell.root_id
    skeleton = Read("cell_skeleton", morphology.placed(release.cave, release.datastack, root_id))
    around = call(arbor.sholl, skeleton), "radius_um", "distance from the soma (µm)", "crossings"
    result = [
        _in_3d(view, picture, skeleton),
        Plot("sholl", "Sholl profile", call(profiles.profile, *around), open=False),
    ]
    if release.volume.has_depth:
        by_depth = call(arbor.depth_profile, skeleton), "depth_um", "depth below pia (µm)", "cable (µm)"
        result.append(Plot("cable-depth", "Cable by depth", call(profiles.profile, *by_depth), open=False))
    return result


def _in_3d(view: CellView, picture: Morphology, skeleton: Read) -> Plot:
    volume, soma_nm, axes = view.release.volume, view.first.cell.soma_position_nm, [*view.release.volume.axes]
    lines = known(picture.lines, morphology.lines, skeleton, axes)
    read = {way.value: Read(f"{way}_synapses", None) for way in picture.synapses}
    points = {way: known(points, _placed, read[way], axes) for way, points in picture.synapses.items()}
    soma_um = space.nm_to_um(soma_nm, volume)[0].tolist() if soma_nm else None
    figure = call(drawing, lines, points, soma_um, dict(volume.titles))
    return Plot("skeleton", "Skeleton in 3D", figure, note=_note(picture))


def _note(picture: Morphology) -> str:
    counts = [
        f"{len(points):,} of {picture.num_synapses[way]:,} {way.noun} synapses"
        for way, points in picture.synapses.items()
    ]
    cable = f"{picture.drawn_um / 1000:,.2f} of {picture.cable_um / 1000:,.2f} mm of cable"
    return f"Drawn: {cable}, {' and '.join(counts)}."


def readings(view: CellView, names: frozenset[str]) -> list[str]:
    """Parts of a script that define the variables in `names` for these plots."""
    synapses = [part for name in sorted(names - {"cell_skeleton"}) for part in view.reading(name)]
    return [*skeleton_script.readings(view.release, [view.first.cell.root_id], names), *synapses]


def _placed(synapses: Any, axes: list[str]) -> Any:
    return morphology.some(synapses[axes])
