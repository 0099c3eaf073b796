"""The numbers of published figures, of the data at hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from services.cave.release import Release
from services.cells import cells, synapse_weights
from services.core.errors import BadInput, TooLarge
from services.core.parallel import gather
from services.core.roles import N_INPUT, N_OUTPUT
from services.core.type_columns import SEVERAL
from services.gallery.files import Figure
from services.populations import groupings, jobs, population
from services.populations.population import Population
from services.populations.sets import ROOT_IDS

Numbers = Mapping[str, float]


def compare(release: Release, figure: Figure) -> pd.DataFrame:
    """What was published beside what a version has: name (string), published and here (Float64; null = not known).
    Where no number was published, all that the version has.

    Raises NotFound where the version has no such table or column, BadInput where it does not tell the number, TooLarge
    for one that takes more than some requests.
    """
    computed = KINDS[figure.kind](release, figure.of)
    frame = pd.DataFrame({"name": pd.array(list(figure.published or computed), dtype="string")})
    frame["published"] = pd.array([figure.published.get(name) for name in frame["name"]], dtype="Float64")
    frame["here"] = pd.array([computed.get(name) for name in frame["name"]], dtype="Float64")
    return frame


def _shares(release: Release, of: Mapping[str, Any]) -> Numbers:
    """Cells with one soma by a column, as shares of those with a value that is published."""
    rows = _with_roots(release, of["table"])
    if of["column"] not in rows:
        raise BadInput(f"{of['table']} has no column {of['column']} at this version.")
    once = rows.drop_duplicates(ROOT_IDS, keep=False)
    return _texts(once[of["column"]].value_counts(normalize=True))


def _single(release: Release, of: Mapping[str, Any]) -> Numbers:
    roots = _with_roots(release, of["table"], zero=True)[ROOT_IDS].fillna(0)
    alone = ~roots.duplicated(keep=False) & (roots != 0)
    return {"one soma": float(alone.mean())} if len(alone) else {}


def _strengths(release: Release, of: Mapping[str, Any]) -> Numbers:
    num_syn = pd.Series(_read(release, of).edges.num_syn)
    return _texts(num_syn.value_counts(normalize=True))


def _medians(column: str, release: Release, of: Mapping[str, Any]) -> Numbers:
    """The median of a column of the degree view, by type, of the cells of a set that have this side proofread."""
    pair = population.choose(release, of["pre"], proofread="both")
    side = pair.pre if column == N_OUTPUT else pair.post
    counts = synapse_weights.degrees(release, side.ids.tolist())
    if counts is None:
        raise BadInput("This version has no view that counts the synapses of cells.")
    names = groupings.group(release, side, of["by"]).names_of(side.ids, side.ids)
    return _texts(counts[column].reindex(side.ids).fillna(0).groupby(names.to_numpy(object)).median())


def _targets(release: Release, of: Mapping[str, Any]) -> Numbers:
    """Shares of the synapses of each row by the row's targets, all that are no rows together; without those onto cells
    of no type or of several."""
    result = _read(release, of)
    edges, rows = result.edges, of["rows"]
    pre, post = (groupings.group(release, side, of["by"]) for side in (result.pair.pre, result.pair.post))
    sources = pre.names_of(edges.pre_ids, edges.pre_ids[edges.pre])
    targets = post.names_of(edges.post_ids, edges.post_ids[edges.post])
    typed = targets.notna() & (targets != SEVERAL).fillna(False)
    counted = sources.isin(rows).to_numpy(bool) & typed.to_numpy(bool)
    targets = targets.where(targets.isin(rows), of["rest"])[counted]
    counts = pd.crosstab(sources[counted].array, targets.array, edges.num_syn[counted], aggfunc="sum").fillna(0)
    shares = counts.reindex(columns=[*rows, of["rest"]], fill_value=0).div(counts.sum(axis=1), axis=0)
    known_rows = [row for row in rows if row in shares.index]
    return {f"{row} → {column}": float(shares.loc[row, column]) for row in known_rows for column in shares.columns}


def _orphans(release: Release, of: Mapping[str, Any]) -> Numbers:
    pair = population.choose(release, of["pre"], proofread="off")
    calls = [partial(release.synapses_among, None, [root]) for root in pair.pre.ids[: of["cells"]].tolist()]
    if not calls:
        return {}
    somata = cells.somas(release)["root_id"].to_numpy(np.int64)
    sources = np.concatenate([rows["pre_pt_root_id"].fillna(0).to_numpy(np.int64) for rows in gather(*calls)])
    with_soma = np.isin(sources, somata[somata != 0])  # nuclei outside of any segment are nobody's
    return {"orphan axons": float((~with_soma).mean())} if len(sources) else {}


KINDS: Mapping[str, Callable[[Release, Mapping[str, Any]], Numbers]] = {
    "shares": _shares,
    "single": _single,
    "strengths": _strengths,
    "outputs": partial(_medians, N_OUTPUT),
    "inputs": partial(_medians, N_INPUT),
    "targets": _targets,
    "orphans": _orphans,
}
SHARES = frozenset({"shares", "single", "strengths", "targets", "orphans"})
"""Kinds whose numbers are shares."""


def _read(release: Release, of: Mapping[str, Any]) -> Population:
    pair = population.choose(release, of["pre"], of.get("post", ""))
    requests = population.cost(pair)
    if jobs.is_long(requests):
        raise TooLarge(f"This takes {requests:,} requests to CAVE.", "Read the population first: follow its link.")
    return population.read(pair)


def _with_roots(release: Release, table: str, *, zero: bool = False) -> pd.DataFrame:
    rows = release.table(table)
    if ROOT_IDS not in rows:
        raise BadInput(f"{table} has no root ids at this version.")
    return rows if zero else rows[rows[ROOT_IDS].fillna(0) != 0]


def _texts(numbers: pd.Series) -> Numbers:
    return {str(name): float(number) for name, number in numbers.items()}
