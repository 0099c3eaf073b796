"""Routes of populations: the synapses among two sets of cells, as edges, matrices and against chance.

A set is `<table>:<filter line>` or ids; `post` left out is `pre`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, NoReturn, TypeVar, cast

import pandas as pd
from flask import Response, abort, jsonify

from api import params, shapes
from api.answers import Subject, frame_answer
from api.documented import documented, one_of
from api.routes import blueprint
from services.cave.context import cave
from services.cave.release import Release
from services.core.columns import Column, describe_columns
from services.core.errors import BadInput
from services.populations import chance, groupings, jobs, matrices, motifs, nulls, population, scripts, sets, totals
from services.populations.chance import Draws
from services.populations.groupings import Grouping
from services.populations.matrices import Matrix, Value
from services.populations.nulls import Counted, Model
from services.populations.population import Pair, Population
from services.tables import live

SETS = ("pre", "post", "proofread", "synapses", "job")
ENTRY = ("pre_by", "post_by", "row", "column")
CHANCE = ("permutations", "seed")
PROOFREAD = (one_of(*sets.PROOFREAD), "Whose proofreading counts: presynaptic axons, both sides, or nobody's.")
COUNTED = (one_of(*dict.fromkeys(sum(nulls.COUNTED.values(), ()))), "What is counted, as far as the model is about it.")
T = TypeVar("T")
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
    pair = read_pair(datastack, version)
    result = read_now(pair, entry=read_entry(pair))
    frame = result.edges.frame()
    part = frame.iloc[offset : None if limit is None else offset + limit]
    return population_answer(result, part, describe_columns(part), "edges", total=len(frame))


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
    value = cast("Value", params.choice("value", matrices.VALUES, "synapses"))
    pair = read_pair(datastack, version)
    pre, post = read_groups(pair)
    result = read_now(pair)
    created = totals.matrix(result, pre, post, value)
    columns = (
        Column("pre", pre.by, "text"),
        Column("post", post.by, "text"),
        Column("value", value.replace("_", " "), "number", matrices.UNITS.get(value, "")),
        Column("denominator", "denominator", "number"),
    )
    facts = {"pre_by": pre.by, "post_by": post.by, "value": value}
    extra = {**facts, "denominators": _denominators(pre, post, created)}
    return population_answer(
        result, created.frame(), columns, f"matrix_{value}", facts=facts, extra=extra, groups=(pre, post)
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
    pair, drawn = read_pair(datastack, version), read_chance(chance.PERMUTATIONS)
    pre, post = groups = read_groups(pair)
    draws = Draws(model, **drawn, counted=counted, by=(pre.by, post.by))
    result = read_now(pair, draws, groups)
    against = chance.compare(result, groups, draws)
    frame, facts = against.frame(), {"pre_by": pre.by, "post_by": post.by, "value": counted, "model": model, **drawn}
    numbers = [Column(name, name, "number") for name in map(str, frame.columns[2:])]
    columns = (Column("pre", pre.by, "text"), Column("post", post.by, "text"), *numbers)
    extra, notes = {**facts, "num": against.num, "left_out": against.left_out}, against.notes()
    return population_answer(
        result, frame, columns, f"null_{model}", facts=facts, extra=extra, notes=notes, groups=groups
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
    pair, drawn = read_pair(datastack, version), read_chance(motifs.PERMUTATIONS)
    entry = read_entry(pair)
    draws = Draws("motifs", **drawn)
    if entry:
        draws = replace(draws, by=[one.by for one in read_groups(pair)], entry=entry)
    result = read_now(pair, draws, entry=entry)
    frame = chance.count_motifs(result, draws)
    columns = (
        Column("motif", "motif", "text"),
        *(Column(name, name, "number") for name in map(str, frame.columns[1:])),
    )
    extra, notes = {**drawn, "num": len(result.edges)}, motifs.notes(result.edges, frame, **drawn)
    return population_answer(result, frame, columns, "motifs", facts=drawn, extra=extra, notes=notes)


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
    script = scripts.edges_script(read_pair(datastack, version))
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


def read_now(
    pair: Pair,
    draws: Draws | None = None,
    groups: chance.Groups | tuple[()] = (),
    *,
    entry: Sequence[str | None] = (),
) -> Population:
    """The synapses among two sets, or in an `entry` of their matrix (see :func:`read_entry`), of which `draws` are to
    be counted among `groups`. Where that is a job, because it is long or with `job=on`, and it was not done before, the
    request ends with 202 and the job's address."""
    requests, as_job = population.cost(pair), params.switch("job")
    if requests and (as_job or jobs.is_long(requests)):
        _abort_with(jobs.current().start(pair, draws), pair.release)
    result = population.read(pair)
    if entry:
        result = population.entry(result, read_groups(pair), *entry)
    if draws and (chance.is_long(result, draws, groups) or (as_job and not chance.is_kept(result, draws, groups))):
        _abort_with(jobs.current().start(pair, draws), pair.release)
    return result


def _abort_with(job: jobs.Job, release: Release) -> NoReturn:
    """End the request with the address of a job."""
    href = f"/api/v1/{release.datastack}/{release.version.label}/populations/jobs/{job.id}"
    answer = job_answer(job)
    answer.status_code = 202
    answer.headers |= {"Location": href, "Retry-After": "2"}
    abort(answer)


def read_chance(permutations: int) -> dict[str, Any]:
    """`permutations` and `seed`."""
    return nulls.draws(params.count("permutations", permutations), params.count("seed", chance.SEED))


def read_pair(datastack: str, version: str, *, through: str | None = None, synapses: str | None = None) -> Pair:
    """The sets of a request: `pre`, `post`, `proofread` and, unless it is given, `synapses`. With `through`, see
    :func:`population.choose`. Where looking them up is a job, the request ends with 202 and the job's address."""
    proofread = cast("sets.Proofread", params.choice("proofread", sets.PROOFREAD, "axon"))
    release = live.resolve(cave(), datastack, version)
    named = {name: params.text(name) for name in ("pre", "post", "through", "beside")}

    def ask() -> Pair:
        for name in ("through", "beside"):
            if named[name].strip():
                sets.resolve(release, named[name])
        own = params.text("synapses") if synapses is None else synapses
        return population.choose(
            release, named["pre"], named["post"], proofread=proofread, through=through, synapses=own
        )

    return _looked_up(release, list(named.values()), ask)


def read_groups(pair: Pair) -> tuple[Grouping, Grouping]:
    """The groups of both sets: `pre_by` and `post_by`. Ends as :func:`read_pair`."""
    by = params.text("pre_by"), params.text("post_by")

    def ask() -> tuple[Grouping, Grouping]:
        pre = groupings.group(pair.release, pair.pre, by[0])
        return pre, groupings.group(pair.release, pair.post, by[1])

    return _looked_up(pair.release, [pair.pre.text, pair.post.text], ask, by)


def _looked_up(release: Release, texts: Sequence[str], ask: Callable[[], T], by: Sequence[str] = ()) -> T:
    """As :meth:`Jobs.look_up`; where that is a job, the request ends with its address."""
    try:
        return jobs.current().look_up(release, texts, ask, by)
    except jobs.LongError as error:
        _abort_with(error.job, release)


def read_entry(pair: Pair) -> Sequence[str | None]:
    """The names of the groups of the entry of the matrix that a request is of: `row` and `column`; none where it is of
    all."""
    names = params.text("row"), params.text("column")
    if not any(names):
        return ()
    if not all(names):
        raise BadInput("An entry of the matrix has a row and a column.", "Give both, or neither.")
    return groupings.entry(read_groups(pair), *names)


def read_grouped(pair: Pair) -> tuple[Population, tuple[Grouping, Grouping]]:
    """The synapses that a request is of, and the groups of both sets. Ends as :func:`read_now`."""
    groups, entry = read_groups(pair), read_entry(pair)
    result = read_now(pair, entry=entry)
    return result, read_groups(result.pair) if entry else groups


def _denominators(pre: Grouping, post: Grouping, matrix: Matrix) -> dict[str, Any]:
    """What the values are divided by, in words, and how many cells each group has."""
    sides = {"pre": pre, "post": post}
    cells = {
        side: [{"group": name, "cells": int(size)} for name, size in zip(groups.names, groups.sizes, strict=True)]
        for side, groups in sides.items()
    }
    return {"words": matrices.WORDS[matrix.value], **cells}


def population_answer(
    result: Population,
    frame: pd.DataFrame,
    columns: tuple[Column, ...],
    name: str,
    *,
    total: int | None = None,
    facts: dict[str, Any] | None = None,
    extra: dict[str, Any] | None = None,
    notes: tuple[str, ...] = (),
    groups: Sequence[Grouping] = (),
    others: Mapping[str, dict[str, Any]] | None = None,
) -> Response:
    """A frame with the sets that it is of, the `others` beside these (see :func:`set_json`) and the `groups` they are
    in, and what should be said of them."""
    pair = result.pair
    own = {"pre": set_json(pair.pre, pair.requested[0]), "post": set_json(pair.post, pair.requested[1])}
    sentence = {"sets": own | dict(others or {})}
    notices = groupings.notices(pair.release, *(one.by for one in groups))
    of_entry = {name: text for name in ENTRY if (text := params.text(name))} if params.text("row") else {}
    only = [f"Only {of_entry['row']} onto {of_entry['column']}."] if of_entry else []
    messages = [*only, *population.with_new(result.notes, notices), *notes]
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
