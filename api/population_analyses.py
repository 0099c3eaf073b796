"""Routes of populations: cells that are wired alike, the partners that two share, and paths between two sets."""

from __future__ import annotations

from typing import Any, cast

from flask import Response

from api import params
from api.population_routes import (
    POPULATIONS,
    SETS,
    long_answer,
    population_answer,
    read_groups,
    read_pair,
)
from api.routes import blueprint
from services.core.columns import describe_columns
from services.core.errors import BadInput
from services.populations import likeness, paths, population, sets, similarity
from services.populations.likeness import Direction
from services.populations.similarity import Measure

GROUPS = ("pre_by", "post_by")


@blueprint.get(f"{POPULATIONS}/alike")
def population_alike(datastack: str, version: str) -> Response:
    """Cells by how alike they are to `cell` in whom they are wired with; with `number` instead, in so many clusters.
    `direction` is out, in or both, `measure` cosine or jaccard, of the synapses with each group of partners."""
    params.only(*SETS, *GROUPS, "cell", "number", "direction", "measure", *params.FILE)
    direction, measure, cell = _direction(), _measure(), _root("cell")
    pair = read_pair(datastack, version)
    groups = read_groups(pair)
    if started := long_answer(pair):
        return started
    result = population.read(pair)
    profiles = likeness.profiles(result.edges, *groups, direction)
    facts: dict[str, Any] = {"pre_by": groups[0].by, "post_by": groups[1].by, "direction": direction}
    facts["measure"] = measure
    if cell:
        facts["cell"] = str(cell)
        frame = likeness.like(profiles, cell, measure)
    else:
        facts["number"] = params.count("number", likeness.CLUSTERS)
        frame = likeness.clusters(profiles, facts["number"], measure)
    own, ids = (groups[1], result.edges.post_ids) if direction == "in" else (groups[0], result.edges.pre_ids)
    frame = frame.assign(group=own.names_of(ids, frame["root_id"].to_numpy()))
    return population_answer(result, frame, describe_columns(frame), "alike", facts=facts, extra=facts)


@blueprint.get(f"{POPULATIONS}/partners")
def population_partners(datastack: str, version: str) -> Response:
    """The partners of `cell` and `other` among the sets: of both, or of one alone."""
    params.only(*SETS, "cell", "other", "direction", *params.FILE)
    cells = _root("cell"), _root("other")
    if not all(cells):
        raise BadInput("Two cells are needed.", "Give their root ids as cell and other.")
    direction, pair = _direction(), read_pair(datastack, version)
    if started := long_answer(pair):
        return started
    result = population.read(pair)
    frame = likeness.partners(result.edges, cells, direction)
    facts = {"cell": str(cells[0]), "other": str(cells[1]), "direction": direction}
    return population_answer(result, frame, describe_columns(frame), "partners", facts=facts, extra=facts)


@blueprint.get(f"{POPULATIONS}/paths")
def population_paths(datastack: str, version: str) -> Response:
    """The shortest, or strongest, path of up to three steps from each presynaptic to each postsynaptic cell, by cells
    of both sets and of `through`."""
    params.only(*SETS, "through", "steps", "order", "offset", "limit", *params.FILE)
    order = cast("paths.Order", params.choice("order", paths.ORDERS, "shortest"))
    steps, (offset, limit) = params.count("steps", paths.MOST_STEPS) or 0, params.span(None)
    pair, wide = (read_pair(datastack, version, through=text) for text in (None, params.text("through")))
    if started := long_answer(wide):
        return started
    result = population.read(wide)
    frame = paths.between(result.edges, pair.pre.ids, pair.post.ids, steps=steps, order=order)
    part = frame.iloc[offset : None if limit is None else offset + limit]
    facts = {"through": wide.through or "", "steps": steps, "order": order}
    return population_answer(
        result,
        part,
        describe_columns(part),
        "paths",
        total=len(frame),
        facts=facts,
        extra=facts,
        notes=(paths.WORDS[order],),
    )


def _root(name: str) -> int:
    """A root id; 0 where there is none."""
    text = params.text(name)
    return sets.root_id(text) if text.strip() else 0


def _direction() -> Direction:
    return cast("Direction", params.choice("direction", likeness.DIRECTIONS, "out"))


def _measure() -> Measure:
    return cast("Measure", params.choice("measure", similarity.MEASURES, "cosine"))
