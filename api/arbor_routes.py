"""A cell as files: its skeleton, mesh and soma, and what can be measured of its arbor."""

from __future__ import annotations

from flask import Response

from api import params, shapes
from api.answers import Subject, cell_json, frame_answer
from api.cell_routes import CELL, view_of
from api.documented import documented, one_of
from api.routes import blueprint
from services.cave.context import cave
from services.cells import arbor, morphology, skeleton_wall, soma
from services.core.columns import describe_columns
from services.core.errors import NotFound
from services.views.addresses import WallAddress
from services.views.wall_view import WallView

MEASURES = ("compartments", "sholl", "depth")


def _file(content: str | bytes, content_type: str, name: str, *, inline: bool = False) -> Response:
    answer = Response(content, content_type=content_type)
    answer.headers["Content-Disposition"] = f'{"inline" if inline else "attachment"}; filename="{name}"'
    return answer


@blueprint.get(f"{CELL}/skeleton.swc")
@documented("text/plain", "id_type")
def cell_swc(datastack: str, version: str, cell: str) -> Response:
    """The skeleton of a cell as SWC, in micrometres."""
    result = view_of(datastack, version, cell, whole="off").cell
    content = arbor.swc(cave().skeleton(datastack, result.root_id))
    return _file(content, "text/plain; charset=utf-8", f"{datastack}_{result.root_id}.swc")


@blueprint.get(f"{CELL}/mesh.obj")
@documented("model/obj", "id_type")
def cell_mesh(datastack: str, version: str, cell: str) -> Response:
    """The mesh of a cell as Wavefront OBJ, in nanometres."""
    result = view_of(datastack, version, cell, whole="off").cell
    return _file(cave().mesh(datastack, result.root_id).to_obj(), "model/obj", f"{datastack}_{result.root_id}.obj")


@blueprint.get(f"{CELL}/soma.png")
@documented("image/png", "id_type")
def soma_image(datastack: str, version: str, cell: str) -> Response:
    """The electron microscopy around the soma of a cell, in its section."""
    result = view_of(datastack, version, cell, whole="off").cell
    content = soma.image(cave(), datastack, result)
    return _file(content, "image/png", f"{datastack}_{result.root_id}_soma.png", inline=True)


@blueprint.get(f"{CELL}/arbor")
@documented(
    shapes.CellRows, "of", "id_type", "synapses", "whole", *params.FILE, of=(one_of(*MEASURES), "What is measured.")
)
def cell_arbor(datastack: str, version: str, cell: str) -> Response:
    """Cable and synapses by compartment, or with `of` the profile of Sholl or of depth. Synapses count that `synapses`
    keeps."""
    of = params.choice("of", MEASURES, MEASURES[0])
    view = view_of(datastack, version, cell, whole="off")
    release, result = view.release, view.cell
    notices: tuple[str, ...] = ()
    if of == "depth" and not release.volume.has_depth:
        raise NotFound(f"The volume of {datastack} has no depths.", "Ask for sholl.")
    if of == "sholl":
        frame = arbor.sholl(cave().skeleton(datastack, result.root_id))
    elif of == "depth":
        skeleton = morphology.placed(cave(), datastack, result.root_id)
        frame = arbor.depth_profile(skeleton, deep=release.volume.has_depth)
    else:
        frame, only = arbor.compartments(cave(), view.first), view.first.only
        counted = (f"Only synapses where {only} are counted.",) if only else ()
        notices = (*counted, *release.notices(*release.roles.of_cells))
    facts = {"root_id": str(result.root_id), "of": of, "warnings": [*notices]}
    subject = Subject(datastack, release.version, f"{result.root_id}_{of}", facts)
    extra = {"cell": cell_json(result, release.volume, notices)}
    return frame_answer(frame, describe_columns(frame), subject, total=len(frame), extra=extra)


@blueprint.get("/<datastack>/<version>/skeletons")
@documented(shapes.WallRows, "cells", "offset", "limit", *params.FILE, examples={"cells": "{cell}"})
def skeletons_of_cells(datastack: str, version: str) -> Response:
    """The skeletons of up to 40 cells as the page of skeletons draws them, the shallowest soma first: lines of axon and
    dendrite along the first two axes of the volume."""
    offset, limit = params.span(None)
    view = WallView.of(cave(), WallAddress(datastack, version, params.text("cells")))
    chosen, wall = view.cells, view.wall
    frame = skeleton_wall.rows(wall)
    part = frame.iloc[offset : None if limit is None else offset + limit]
    columns = describe_columns(frame)
    drawn = [{"root_id": str(cell.root_id), "soma_um": cell.soma_um and list(cell.soma_um)} for cell in wall.cells]
    without = [str(root) for root in wall.without]
    extra = {"cells": drawn, "without": without, "left_out": wall.left, "notes": [*chosen.notes]}
    facts = {"cells": chosen.text, "without": without, "left_out": wall.left, "notes": [*chosen.notes]}
    subject = Subject(datastack, view.release.version, "skeletons", facts)
    return frame_answer(part, columns, subject, total=len(frame), extra=extra)


@blueprint.get(f"{CELL}/edits")
@documented(shapes.CellRows, "id_type", *params.FILE)
def cell_edits(datastack: str, version: str, cell: str) -> Response:
    """The merges and splits that made a cell, oldest first."""
    view = view_of(datastack, version, cell, whole="off")
    release, result = view.release, view.cell
    frame = release.edits(result.root_id)
    subject = Subject(datastack, release.version, f"{result.root_id}_edits", {"root_id": str(result.root_id)})
    extra = {"cell": cell_json(result, release.volume)}
    return frame_answer(frame, describe_columns(frame), subject, total=len(frame), extra=extra)
