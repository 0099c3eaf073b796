"""Routes of populations: the synapses among two sets of cells, as edges, matrices and against chance.

A set is `<table>:<filter line>` or ids; `post` left out is `pre`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, cast

import pandas as pd
from flask import Response, jsonify

from api import params, shapes
from api.answers import Subject, frame_answer
from api.documented import documented, one_of
from api.routes import blueprint
from services.cave.context import cave
from services.core.columns import Column, describe_columns
from services.populations import groupings, jobs, matrices, nulls, population, scripts, sets
from services.populations.groupings import Grouping
from services.populations.matrices import Matrix
from services.populations.nulls import Counted, Model
from services.populations.population import Population
from services.views.addresses import IDS, PopulationAddress
from services.views.population_view import PopulationView

SETS = ("pre", "post", "proofread", "synapses", "job")
ENTRY = ("pre_by", "post_by", "row", "column")
CHANCE = ("permutations", "seed")
PROOFREAD = (one_of(*sets.PROOFREAD), "Whose proofreading counts: presynaptic axons, both sides, or nobody's.")
COUNTED = (one_of(*dict.fromkeys(sum(nulls.COUNTED.values(), ()))), "What is counted, as far as the model is about it.")
POPULATIONS = "/<datastack>/<version>/populations"


@blueprint.get(f"{POPULATIONS}/edges")
@documented(
    shapes.SetRows,
    *SETS,
    *ENTRY,
    "offset",
    "limit",
    *params.FILE,
    examples={"pre": "{cell}", "proofread": "off"},
    proofread=PROOFREAD,
)
def population_edges(datastack: str, version: str) -> Response:
    """The connected pairs among two sets, with their synapses: pre_root_id, post_root_id, num_syn, net_size."""
    offset, limit = params.span(None)
    view = view_of(datastack, version)
    frame = view.entry.edges.frame()
    part = frame.iloc[offset : None if limit is None else offset + limit]
    return population_answer(view, part, describe_columns(part), "edges", total=len(frame))


@blueprint.get(f"{POPULATIONS}/matrix")
@documented(
    shapes.SetRows,
    *SETS,
    "pre_by",
    "post_by",
    "value",
    *params.FILE,
    examples={"pre": "{cell}", "proofread": "off", "pre_by": "cell", "post_by": "cell"},
    proofread=PROOFREAD,
)
def population_matrix(datastack: str, version: str) -> Response:
    """One row for each pair of groups: pre, post, value and the denominator of the value; `pre_by` and `post_by` are
    columns (`<table>.<column>`), or "cell"."""
    value = params.choice("value", matrices.VALUES, "synapses")
    view = view_of(datastack, version, grouped=True, value=value)
    pre, post = view.groups
    result: Matrix = view.matrix.result
    columns = (
        Column("pre", pre.by, "text"),
        Column("post", post.by, "text"),
        Column("value", value.replace("_", " "), "number", matrices.UNITS.get(result.value, "")),
        Column("denominator", "denominator", "number"),
    )
    facts = {"pre_by": pre.by, "post_by": post.by, "value": value}
    extra = {**facts, "denominators": _denominators(pre, post, result)}
    return population_answer(
        view, result.frame(), columns, f"matrix_{value}", facts=facts, extra=extra, groups=(pre, post)
    )


@blueprint.get(f"{POPULATIONS}/null")
@documented(
    shapes.SetRows,
    *SETS,
    "pre_by",
    "post_by",
    "value",
    *CHANCE,
    "model",
    *params.FILE,
    examples={"pre": "{cell}", "proofread": "off", "pre_by": "cell", "post_by": "cell", "permutations": "2"},
    proofread=PROOFREAD,
    value=COUNTED,
)
def population_null(datastack: str, version: str) -> Response:
    """One row for each pair of groups: what is observed, and what a null `model` expects (see :mod:`nulls`)."""
    model = cast("Model", params.choice("model", nulls.MODELS, "degrees"))
    counted = cast("Counted", params.choice("value", nulls.COUNTED[model], nulls.COUNTED[model][0]))
    view = view_of(datastack, version, grouped=True, model=model, **chance_of())
    pre, post = view.groups
    against, draws = view.null(counted)
    frame, of = against.frame(), {"pre_by": pre.by, "post_by": post.by, "value": counted, "model": model}
    facts: dict[str, Any] = {**of, **draws.seeded}
    numbers = [Column(name, name, "number") for name in map(str, frame.columns[2:])]
    columns = (Column("pre", pre.by, "text"), Column("post", post.by, "text"), *numbers)
    extra, notes = {**facts, "num": against.num, "left_out": against.left_out}, against.notes()
    return population_answer(
        view, frame, columns, f"null_{model}", facts=facts, extra=extra, notes=notes, groups=(pre, post)
    )


@blueprint.get(f"{POPULATIONS}/motifs")
@documented(
    shapes.SetRows,
    *SETS,
    *ENTRY,
    *CHANCE,
    *params.FILE,
    examples={"pre": "{cell}", "proofread": "off", "permutations": "2"},
    proofread=PROOFREAD,
)
def population_motifs(datastack: str, version: str) -> Response:
    """Reciprocal pairs and the 13 motifs of three cells, against wirings that keep degrees."""
    view = view_of(datastack, version, **chance_of())
    frame, draws, notes = view.motifs()
    columns = (
        Column("motif", "motif", "text"),
        *(Column(name, name, "number") for name in map(str, frame.columns[1:])),
    )
    facts = draws.seeded
    extra = {**facts, "num": len(view.entry.edges)}
    return population_answer(view, frame, columns, "motifs", facts=facts, extra=extra, notes=notes)


@blueprint.get(f"{POPULATIONS}/python")
@documented(
    "text/x-python",
    "pre",
    "post",
    "proofread",
    "synapses",
    examples={"pre": "{cell}", "proofread": "off"},
    proofread=PROOFREAD,
)
def population_python(datastack: str, version: str) -> Response:
    """A script over caveclient that yields the edges of two sets, and the matrix of cells by cells."""
    script = scripts.edges_script(view_of(datastack, version).pair)
    return Response(script, content_type="text/x-python; charset=utf-8")


@blueprint.get(f"{POPULATIONS}/jobs/<job>")
@documented(shapes.JobAnswer)
def population_job(datastack: str, version: str, job: str) -> Response:
    """How far a long reading is."""
    return job_answer(jobs.current().find(job))


@blueprint.delete(f"{POPULATIONS}/jobs/<job>")
@documented(shapes.JobAnswer)
def cancel_population_job(datastack: str, version: str, job: str) -> Response:
    """End a long reading; what was read is kept."""
    return job_answer(jobs.current().cancel(job))


def job_answer(job: jobs.Job) -> Response:
    """A job as JSON."""
    fields = {name: value for name, value in asdict(job).items() if name != "at"}
    return jsonify({"job": fields})


@blueprint.errorhandler(jobs.LongError)
def answer_under_way(error: jobs.LongError) -> Response:
    """The address of a job."""
    href = f"/api/v1/{error.release.datastack}/{error.release.version.label}/populations/jobs/{error.job.id}"
    answer = job_answer(error.job)
    answer.status_code = error.status
    answer.headers |= {"Location": href, "Retry-After": "2"}
    return answer


def chance_of() -> dict[str, Any]:
    """`permutations` and `seed`."""
    return {name: params.text(name) for name in CHANCE}


def view_of(datastack: str, version: str, *, grouped: bool = False, **parts: str) -> PopulationView:
    """The sets of a request with `parts` of the address of its own; `grouped` if it is about their groups. What takes
    long to look up is a job."""
    texts = {name: params.text(name) for name in ("pre", "post", "synapses", *ENTRY)}
    proofread = params.choice("proofread", sets.PROOFREAD, "axon")
    address = PopulationAddress(datastack, version, pre_table=IDS, post_table=IDS, proofread=proofread, **texts)
    named = replace(address, read="on", **parts)
    view = PopulationView.of(cave(), named, lenient=False, as_job=params.switch("job"))
    view.look_up(grouped=grouped or view.is_of_entry)
    return view


def _denominators(pre: Grouping, post: Grouping, matrix: Matrix) -> dict[str, Any]:
    """What the values are divided by, in words, and how many cells each group has."""
    sides = {"pre": pre, "post": post}
    cells = {
        side: [{"group": name, "cells": int(size)} for name, size in zip(groups.names, groups.sizes, strict=True)]
        for side, groups in sides.items()
    }
    return {"words": matrices.WORDS[matrix.value], **cells}


def population_answer(
    view: PopulationView,
    frame: pd.DataFrame,
    columns: tuple[Column, ...],
    name: str,
    *,
    result: Population | None = None,
    total: int | None = None,
    facts: dict[str, Any] | None = None,
    extra: dict[str, Any] | None = None,
    notes: tuple[str, ...] = (),
    groups: Sequence[Grouping] = (),
    others: Mapping[str, dict[str, Any]] | None = None,
) -> Response:
    """A frame with the sets that it is of, the `others` beside these (see :func:`set_json`) and the `groups` they are
    in, and what should be said of them. `result` are the synapses that it is made from (None = those of the entry)."""
    result = view.entry if result is None else result
    pair = result.pair
    own = {"pre": set_json(pair.pre, pair.requested[0]), "post": set_json(pair.post, pair.requested[1])}
    sentence = {"sets": own | dict(others or {})}
    notices = groupings.notices(pair.release, *(one.by for one in groups))
    of_entry = {name: text for name in ENTRY if (text := getattr(view.address, name))} if view.is_of_entry else {}
    only = [f"Only {of_entry['row']} onto {of_entry['column']}."] if of_entry else []
    messages = [*view.messages, *only, *population.with_new(result.notes, notices), *notes]
    extra_notes = {"messages": messages} if messages else {}
    requests = {"pre": pair.pre.text, "post": pair.post.text, "proofread": pair.proofread}
    requests |= {"synapses": pair.synapses} if pair.synapses else {}
    stated = {**requests, **of_entry, **(facts or {}), **extra_notes}
    subject = Subject(pair.release.datastack, pair.release.version, f"population_{name}", stated)
    beside = {**sentence, "autapses": result.edges.autapses, **of_entry, **(extra or {}), **extra_notes}
    return frame_answer(frame, columns, subject, total=len(frame) if total is None else total, extra=beside)


def set_json(counted: sets.CellSet, cell_set: sets.CellSet) -> dict[str, Any]:
    """A set: how many cells count, and what is known of all that it names."""
    return {
        "set": cell_set.text,
        "cells": len(counted),
        "cells_named": len(cell_set),
        "rows": cell_set.num_rows,
        "repeated": cell_set.num_repeated,
        "without_root": cell_set.num_without_root,
        "several_somata": cell_set.num_multi_soma,
        "proofread_axon": cell_set.num_axons,
        "proofread_dendrite": cell_set.num_dendrites,
    }
