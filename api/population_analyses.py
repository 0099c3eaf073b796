"""Routes of populations: cells that are wired alike, the partners that two share, paths between
two sets, and two populations beside each other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from flask import Response, jsonify

from api import params, shapes
from api.documented import documented, one_of
from api.population_routes import (
    ENTRY,
    POPULATIONS,
    PROOFREAD,
    SETS,
    population_answer,
    set_json,
    view_of,
)
from api.routes import blueprint
from services.core.columns import describe_columns
from services.core.directions import SIDES
from services.core.errors import BadInput
from services.populations import comparisons, paths, sets, similar_cells, similarity

OF_CELL = (str, "The root id of a cell of the sets.")
DIRECTION = (one_of(*SIDES), "Of whom the partners are compared: targets, inputs or both.")
MEASURE = (one_of(*similarity.MEASURES), "How similarity is measured.")
ORDER = (one_of(*paths.ORDERS), "Which path of two cells counts.")


@blueprint.get(f"{POPULATIONS}/alike")
@documented(
    shapes.SetRows,
    *SETS,
    *ENTRY,
    "cell",
    "number",
    "direction",
    "measure",
    *params.FILE,
    examples={
        "pre": "{cell} {other}",
        "post": "{table}: id > 0",
        "proofread": "off",
        "pre_by": "cell",
        "cell": "{cell}",
    },
    proofread=PROOFREAD,
    cell=OF_CELL,
    number=(int, "How many clusters to make of the cells."),
    direction=DIRECTION,
    measure=MEASURE,
)
def population_alike(datastack: str, version: str) -> Response:
    """Cells by how alike they are to `cell` in whom they are wired with; with `number` instead, in so many clusters.
    `direction` is out, in or both, `measure` cosine or jaccard, of the synapses with each group of partners."""
    cell, number = _root("cell"), params.count("number", similar_cells.CLUSTERS)
    options = {"direction": _direction(), "measure": params.choice("measure", similarity.MEASURES, "cosine")}
    view = view_of(datastack, version, grouped=True, cell=cell, clusters=str(number), **options)
    frame, groups = view.similar(), view.entry_groups
    of: dict[str, Any] = {"cell": cell} if cell else {"number": number}
    facts = {"pre_by": groups[0].by, "post_by": groups[1].by, **options, **of}
    columns = describe_columns(frame)
    return population_answer(view, frame, columns, "alike", facts=facts, extra=facts, groups=groups)


@blueprint.get(f"{POPULATIONS}/partners")
@documented(
    shapes.SetRows,
    *SETS,
    *ENTRY,
    "cell",
    "other",
    "direction",
    *params.FILE,
    examples={"pre": "{cell} {other}", "proofread": "off", "cell": "{cell}", "other": "{other}"},
    proofread=PROOFREAD,
    cell=OF_CELL,
    other=(str, "The root id of another."),
    direction=DIRECTION,
)
def population_partners(datastack: str, version: str) -> Response:
    """The partners of `cell` and `other` among the sets: of both, or of one alone."""
    cells = {name: _root(name) for name in ("cell", "other")}
    if not all(cells.values()):
        raise BadInput("Two cells are needed.", "Give their root ids as cell and other.")
    facts: dict[str, Any] = {**cells, "direction": _direction()}
    view = view_of(datastack, version, **facts)
    frame = view.partners()
    return population_answer(view, frame, describe_columns(frame), "partners", facts=facts, extra=facts)


@blueprint.get(f"{POPULATIONS}/paths")
@documented(
    shapes.SetRows,
    *SETS,
    *ENTRY,
    "through",
    "steps",
    "order",
    "offset",
    "limit",
    *params.FILE,
    examples={"pre": "{cell}", "post": "{other}", "proofread": "off"},
    proofread=PROOFREAD,
    through=(str, "A set whose cells paths may lead through."),
    steps=(int, "The most steps of a path."),
    order=ORDER,
)
def population_paths(datastack: str, version: str) -> Response:
    """The shortest, or strongest, path of up to three steps from each presynaptic to each postsynaptic cell, by cells
    of both sets and of `through`."""
    order = cast("paths.Order", params.choice("order", paths.ORDERS, "shortest"))
    steps, (offset, limit) = params.count("steps", paths.MOST_STEPS), params.span(None)
    view = view_of(datastack, version, through=params.text("through"), best=order)
    frame, reached = view.paths(steps=steps, most=None if limit is None else offset + limit)
    part = frame.iloc[offset : None if limit is None else offset + limit]
    facts = {"through": view.address.through, "steps": steps, "order": order}
    counts = {"reached": {str(number): int(count) for number, count in reached.items()}}
    return population_answer(
        view,
        part,
        describe_columns(part),
        "paths",
        result=replace(view.wide, pair=view.entry_pair),
        total=int(reached.sum()),
        facts=facts,
        extra=facts | counts,
        notes=(paths.WORDS[order],),
    )


@blueprint.get(f"{POPULATIONS}/changes")
@documented(
    shapes.SetRows,
    *SETS,
    *ENTRY,
    "against",
    "offset",
    "limit",
    *params.FILE,
    examples={"pre": "{cell}", "proofread": "off", "against": "{older}"},
    proofread=PROOFREAD,
)
def population_changes(datastack: str, version: str) -> Response:
    """What became, since the version `against`, of each connected pair of the same sets."""
    against, (offset, limit) = params.text("against").strip(), params.span(None)
    if not against:
        raise BadInput("There is no version to compare with.", "Name one as against.")
    view = view_of(datastack, version, against=against)
    frame, notes = view.changes()
    part = frame.iloc[offset : None if limit is None else offset + limit]
    facts = {"against": str(view.earlier.release.version.label)}
    before = view.earlier.entry_pair
    pre_before, post_before = set_json(before.pre, before.requested[0]), set_json(before.post, before.requested[1])
    return population_answer(
        view,
        part,
        describe_columns(part),
        "changes",
        total=len(frame),
        facts=facts,
        extra=facts,
        notes=notes,
        others={"pre_before": pre_before, "post_before": post_before},
    )


@blueprint.get(f"{POPULATIONS}/difference")
@documented(
    shapes.SetRows,
    *SETS,
    *ENTRY,
    "beside",
    "direction",
    "value",
    "seed",
    *params.FILE,
    examples={"pre": "{cell}", "beside": "{other}", "proofread": "off", "pre_by": "cell", "post_by": "cell"},
    proofread=PROOFREAD,
    beside=(str, "The set to compare with: <table>:<query line>, or ids."),
    direction=(one_of("out", "in"), "Whether targets or sources are compared."),
    value=(one_of(*comparisons.COMPARED), "What is compared."),
)
def population_difference(datastack: str, version: str) -> Response:
    """How the presynaptic set differs from `beside` in its targets; with direction=in the postsynaptic one in its
    sources."""
    compared = params.choice("value", comparisons.COMPARED, "share")
    parts = {"direction": params.choice("direction", ("out", "in"), "out"), "compared": compared}
    parts |= {"beside": params.text("beside"), "seed": params.text("seed")}
    view = view_of(datastack, version, grouped=True, **parts)
    pair, end, frame, groups = view.second_pair, view.end, view.difference.result, view.partner_groups
    facts = {"beside": parts["beside"], "by": groups.by, "side": end, "value": compared, "seed": view.seed}
    second = set_json(getattr(pair, end), pair.requested[end == "post"])
    return population_answer(
        view,
        frame,
        describe_columns(frame),
        "difference",
        facts=facts,
        extra=facts,
        notes=view.difference_notes(),
        groups=(groups,),
        others={"beside": second},
    )


@blueprint.get(f"{POPULATIONS}/neuroglancer")
@documented(
    shapes.SetsLink,
    "pre",
    "post",
    "proofread",
    "viewer",
    examples={"pre": "{cell}", "post": "{other}", "proofread": "off"},
    proofread=PROOFREAD,
    viewer=(str, "The viewer that the address is of."),
)
def population_neuroglancer(datastack: str, version: str) -> Response:
    """Both sets in Neuroglancer, a colour each: the viewer's state and an address that opens it."""
    link = view_of(datastack, version).link(params.text("viewer"))
    return jsonify({"state": link.state, "url": link.url, "description": link.description, "legend": dict(link.legend)})


def _root(name: str) -> str:
    """A root id; "" where there is none."""
    text = params.text(name)
    return str(sets.root_id(text)) if text else ""


def _direction() -> str:
    return params.choice("direction", SIDES, "out")
