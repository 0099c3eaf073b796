"""What became of a cell's partners between two versions."""

from __future__ import annotations

import pandas as pd
from flask import Response

from api import params, shapes
from api.answers import Subject, cell_json, frame_answer
from api.cell_routes import CELL, LINKED, view_of
from api.documented import documented, one_of
from api.routes import blueprint
from services.core.columns import describe_columns


@blueprint.get(f"{CELL}/changes")
@blueprint.get(f"{LINKED}/changes")
@documented(
    shapes.ChangedRows,
    "against",
    "synapses",
    "direction",
    "types",
    "type_by",
    "id_type",
    "offset",
    "limit",
    *params.FILE,
    examples={"against": "{older}", "limit": "2"},
    direction=(one_of("in", "out", "both"), "Inputs or outputs; both when left out."),
)
def cell_changes(datastack: str, version: str, cell: str) -> Response:
    """The partners of a cell at this version and at that of `against`, known again by their nucleus: which were gained,
    lost, changed, or are the same."""
    ways, (offset, limit) = params.directions(), params.span(None)
    view = view_of(datastack, version, cell, whole="off")
    release, against, result, types = view.release, view.against, view.cell, params.text("types") or None
    changed = view.changes(ways)
    frame = pd.concat([one.partners.assign(direction=one.direction) for one in changed], ignore_index=True)
    sentences = [one.sentence for one in changed]
    root, notices = str(result.root_id), release.notices(types, *release.roles.of_cells)
    facts = {
        "root_id": root,
        "against": against.version.label,
        "types": types,
        "type_by": view.address.type_by,
        "synapses": view.address.synapses,
        "changes": sentences,
        "warnings": [*notices],
    }
    subject = Subject(datastack, release.version, f"{root}_changes_since_v{against.number}", facts)
    extra = {
        "cell": cell_json(result, release.volume, notices),
        "against": against.version.label,
        "changes": sentences,
        "counts": {one.direction: one.counts for one in changed},
        "synapses": {one.direction: one.synapses for one in changed},
    }
    part = frame.iloc[offset:] if limit is None else frame.iloc[offset : offset + limit]
    return frame_answer(part, describe_columns(frame), subject, total=len(frame), extra=extra)
