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
    read_entry,
    read_grouped,
    read_groups,
    read_now,
    read_pair,
    set_json,
)
from api.routes import blueprint
from services.core.columns import describe_columns
from services.core.directions import SIDES, Side
from services.core.errors import BadInput
from services.neuroglancer import links
from services.populations import chance, comparisons, paths, population, sets, similar_cells, similarity
from services.populations.comparisons import Compared
from services.populations.edges import End
from services.populations.similarity import Measure

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
    direction, measure, cell = _direction(), _measure(), _root("cell")
    pair = read_pair(datastack, version)
    result, groups = read_grouped(pair)
    profiles = similar_cells.profiles(result.edges, *groups, direction)
    facts: dict[str, Any] = {"pre_by": groups[0].by, "post_by": groups[1].by, "direction": direction}
    facts["measure"] = measure
    if cell:
        facts["cell"] = str(cell)
        frame = similar_cells.like(profiles, cell, measure)
    else:
        facts["number"] = params.count("number", similar_cells.CLUSTERS)
        frame = similar_cells.clusters(profiles, facts["number"], measure)
    own, ids = (groups[1], result.edges.post_ids) if direction == "in" else (groups[0], result.edges.pre_ids)
    frame = frame.assign(group=own.names_of(ids, frame["root_id"].to_numpy()))
    columns = describe_columns(frame)
    return population_answer(result, frame, columns, "alike", facts=facts, extra=facts, groups=groups)


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
    cells = _root("cell"), _root("other")
    if not all(cells):
        raise BadInput("Two cells are needed.", "Give their root ids as cell and other.")
    direction, pair = _direction(), read_pair(datastack, version)
    result = read_now(pair, entry=read_entry(pair))
    frame = similar_cells.partners(result.edges, cells, direction)
    facts = {"cell": str(cells[0]), "other": str(cells[1]), "direction": direction}
    return population_answer(result, frame, describe_columns(frame), "partners", facts=facts, extra=facts)


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
    pair, wide = (read_pair(datastack, version, through=text) for text in (None, params.text("through")))
    if entry := read_entry(pair):
        pair = population.narrowed(pair, read_groups(pair), *entry)
    result = read_now(wide)
    most = None if limit is None else offset + limit
    frame, reached = paths.between(result.edges, pair.pre.ids, pair.post.ids, steps=steps, order=order, most=most)
    part = frame.iloc[offset : None if limit is None else offset + limit]
    facts = {"through": wide.through or "", "steps": steps, "order": order}
    counts = {"reached": {str(number): int(count) for number, count in reached.items()}}
    return population_answer(
        replace(result, pair=pair),
        part,
        describe_columns(part),
        "paths",
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
    later = read_pair(datastack, version)
    earlier = read_pair(datastack, against, synapses=later.line)
    entry = read_entry(later)
    result, before = read_now(later, entry=entry), read_now(earlier, entry=entry)
    known = (comparisons.nuclei(pair.release) for pair in (earlier, later))
    frame = comparisons.changes(before.edges, result.edges, *known)
    notes = population.notes_beside(result, before, comparisons.at_version(earlier.release.version.label))
    part = frame.iloc[offset : None if limit is None else offset + limit]
    facts = {"against": str(earlier.release.version.label)}
    one, other = set_json(earlier.pre, earlier.requested[0]), set_json(earlier.post, earlier.requested[1])
    return population_answer(
        result,
        part,
        describe_columns(part),
        "changes",
        total=len(frame),
        facts=facts,
        extra=facts,
        notes=notes,
        others={"pre_before": one, "post_before": other},
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
    end: End = "post" if params.choice("direction", ("out", "in"), "out") == "in" else "pre"
    compared = cast("Compared", params.choice("value", comparisons.COMPARED, "share"))
    seed = params.count("seed", chance.SEED)
    pair = read_pair(datastack, version)
    other = population.beside(pair, params.text("beside"), end)
    result, both = read_grouped(pair)
    read_now(other)
    second, which = population.second(result, other, end), 0 if end == "pre" else 1
    groups = both[1 - which]
    frame = comparisons.difference(result.edges, second.edges, groups, compared, end=end, seed=seed)
    facts = {"beside": params.text("beside"), "by": groups.by, "side": end, "value": compared, "seed": seed}
    notes = (comparisons.WORDS[compared], *population.notes_beside(result, second, comparisons.SECOND))
    return population_answer(
        result,
        frame,
        describe_columns(frame),
        "difference",
        facts=facts,
        extra=facts,
        notes=notes,
        groups=(groups,),
        others={"beside": set_json(getattr(other, end), other.requested[which])},
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
    link = links.population_link(read_pair(datastack, version), viewer=params.text("viewer") or None)
    return jsonify({"state": link.state, "url": link.url, "description": link.description, "legend": dict(link.legend)})


def _root(name: str) -> int:
    """A root id; 0 where there is none."""
    text = params.text(name)
    return sets.root_id(text) if text.strip() else 0


def _direction() -> Side:
    return cast("Side", params.choice("direction", SIDES, "out"))


def _measure() -> Measure:
    return cast("Measure", params.choice("measure", similarity.MEASURES, "cosine"))
