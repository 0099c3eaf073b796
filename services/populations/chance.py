"""A population against chance: the null models of :mod:`nulls`, fed with the positions of synapses and somata, and
motifs. Results are cached by version, since the same seed gives the same draws."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

import numpy as np
import pandas as pd

from services.cache.shared import Cache
from services.cells import cells
from services.core import space
from services.core.errors import BadInput
from services.populations import groupings, motifs, nulls, synapse_reading
from services.populations.edges import Floats, Ids
from services.populations.groupings import Grouping
from services.populations.nulls import Counted, Model, Null
from services.populations.population import Pair, Population, entry
from services.populations.synapse_reading import Progress

SEED = 1
PERMUTATIONS = 1_000
WAITED_FOR = {"degrees": 150_000_000, "depth": 1_000_000_000, "distance": 2_500_000_000, "motifs": 100_000_000}
"""The most work in all permutations together that a request waits for, about seven seconds; more is a job. It counts
shuffled edges for degrees, pairs of groups times bins for depth and distance, and paths of two connections for
motifs."""
REPORT_EVERY_S = 1.0
Groups: TypeAlias = tuple[Grouping, Grouping]
Report: TypeAlias = Callable[[Progress], None]
_NUMBERS = ("observed", "expected", "low", "high", "sd", "p")


@dataclass(frozen=True)
class Draws:
    """Which draws to make of a population: motifs, or a null model, in `permutations` with a `seed`.

    `counted` is what the null model counts (None = the first of :data:`nulls.COUNTED`), of cells grouped `by` a
    presynaptic and a postsynaptic column (see :func:`groupings.group`). Motifs can be of one `entry` of the matrix,
    named by its two groups (() = of all cells)."""

    model: Model | Literal["motifs"]
    permutations: int
    seed: int = SEED
    counted: Counted | None = None
    by: Sequence[str] = ("", "")
    entry: Sequence[str | None] = ()

    @property
    def seeded(self) -> dict[str, int]:
        """The number of permutations and the seed, as keyword arguments of the models."""
        return {"permutations": self.permutations, "seed": self.seed}


def is_long(population: Population, draws: Draws, groups: Groups | tuple[()] = ()) -> bool:
    """Whether the draws take too long for a request to wait for, and are not cached. Raises as :func:`motifs.steps`."""
    if draws.model == "motifs":
        work = motifs.steps(population.edges, draws.permutations)
    elif draws.model == "degrees":
        work = len(population.edges) * draws.permutations
    else:
        pairs = math.prod(len(grouping.names) for grouping in groups)
        work = draws.permutations * pairs * len(np.unique(_bins(population, draws.model)))
    return work > WAITED_FOR[draws.model] and not is_kept(population, draws, groups)


def is_kept(population: Population, draws: Draws, groups: Groups | tuple[()] = ()) -> bool:
    """Whether the result of the draws is in the cache."""
    return _cache(population).has_frame(_key(population, draws, groups))


def _bins(population: Population, model: Literal["depth", "distance"]) -> Ids:
    """The bin within which the model shuffles each synapse (depth) or connection (distance)."""
    if model == "depth":
        depths = depths_um(population, population.synapses)
        return nulls.depth_bins(depths[np.isfinite(depths)])
    edges = population.edges
    pre, post = (somata_um(population.pair, ids) for ids in (edges.pre_ids, edges.post_ids))
    return nulls.distance_bins(pre[edges.pre], post[edges.post], deep=population.pair.release.volume.has_depth)


def count_motifs(population: Population, draws: Draws, *, report: Report = lambda _: None) -> pd.DataFrame:
    """How often each motif occurs; columns as of :func:`motifs.against_degrees`. `report` gets the progress each
    second."""
    throttled = _throttled(draws, report)

    def load() -> pd.DataFrame:
        return motifs.against_degrees(population.edges, **draws.seeded, report=throttled)

    return _cache(population).frame(_key(population, draws), load)


def compare(population: Population, groups: Groups, draws: Draws, *, report: Report = lambda _: None) -> Null:
    """What a null model expects for each pair of groups. The same seed gives the same numbers. `report` gets the
    progress each second. Raises BadInput for a `counted` that the model does not count, and as the model does."""
    model = cast("Model", draws.model)
    counts = nulls.COUNTED[model]
    counted = draws.counted or counts[0]
    if counted not in counts:
        raise BadInput(f"The model {model} is not about {counted}.", f"It can be {', '.join(counts)}.")
    pre, post = groups

    def load() -> pd.DataFrame:
        null = _drawn(population, groups, counted, draws, _throttled(draws, report))
        numbers = {name: getattr(null, name).ravel() for name in _NUMBERS}
        return pd.DataFrame({**numbers, "left_out": null.left_out})

    frame = _cache(population).frame(_key(population, draws, groups), load)
    shape = len(pre.names), len(post.names)
    numbers: dict[str, Any] = {name: frame[name].to_numpy(np.float64).reshape(shape) for name in _NUMBERS}
    return Null(
        model,
        counted,
        pre,
        post,
        **numbers,
        permutations=draws.permutations,
        seed=draws.seed,
        num=int(numbers["observed"].sum()),
        left_out=int(frame["left_out"].max()) if len(frame) else 0,
        deep=population.pair.release.volume.has_depth,
    )


def _drawn(
    population: Population, groups: Groups, counted: Counted, draws: Draws, report: Callable[[int], None]
) -> Null:
    edges = population.edges
    options: dict[str, Any] = {**draws.seeded, "report": report}
    if draws.model == "degrees":
        return nulls.keep_degrees(edges, *groups, counted, **options)
    if draws.model == "depth":
        rows = population.synapses.assign(depth_um=depths_um(population, population.synapses))
        return nulls.keep_depths(rows, edges, *groups, **options)
    somata = somata_um(population.pair, edges.pre_ids), somata_um(population.pair, edges.post_ids)
    return nulls.keep_distances(edges, somata, *groups, deep=population.pair.release.volume.has_depth, **options)


def draw(population: Population, draws: Draws, *, report: Report) -> None:
    """Makes the draws, so that their result is cached. Raises as :func:`compare` and :func:`count_motifs`."""
    pair = population.pair
    pre, post = (
        groupings.group(pair.release, *grouped) for grouped in zip((pair.pre, pair.post), draws.by, strict=True)
    )
    if draws.model != "motifs":
        compare(population, (pre, post), draws, report=report)
        return
    counted_in = entry(population, (pre, post), *draws.entry) if draws.entry else population
    count_motifs(counted_in, draws, report=report)


def _throttled(draws: Draws, report: Report) -> Callable[[int], None]:
    """A callback for the models that passes the number of permutations done on to `report`, at most once a second."""
    started = last = time.monotonic()

    def report_some(num_done: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= REPORT_EVERY_S:
            last = now
            report(Progress(num_done, draws.permutations, 0, now - started))

    return report_some


def _cache(population: Population) -> Cache:
    release = population.pair.release
    return release.cache_of(release.synapse_shape().table)


def _key(population: Population, draws: Draws, groups: Groups | tuple[()] = ()) -> tuple[str | int, ...]:
    """The cache key of draws: equal for the same draws of the same synapses among the same groups."""
    pair = population.pair
    sets = [synapse_reading.digest(ids) for ids in (pair.pre.ids, pair.post.ids)]
    named = [json.dumps([grouping.names, synapse_reading.digest(grouping.of)]) for grouping in groups]
    settings = (draws.model, draws.counted or "", draws.permutations, draws.seed)
    return ("draws", pair.release.datastack, pair.release.number, *sets, pair.synapses, *named, *settings)


def depths_um(population: Population, synapses: pd.DataFrame) -> Floats:
    """The depth of some synapses of a population below the pia in um; NaN where it is not known."""
    points = synapses[["x_nm", "y_nm", "z_nm"]].to_numpy(np.float64)
    return space.depths_of(points, population.pair.release.volume)


def measured(population: Population, synapses: pd.DataFrame) -> pd.DataFrame:
    """Some synapses of a population with depth_um (float64) if the volume has depths, without size if synapses have
    none."""
    rows = synapses if population.sized else synapses.drop(columns="size")
    deep = population.pair.release.volume.has_depth
    return rows.assign(depth_um=depths_um(population, synapses)) if deep else rows


def somata_um(pair: Pair, ids: Ids) -> Floats:
    """The positions of the somata of cells along the axes of the volume (x, depth, z) in um, of shape (cells, 3); NaN
    for a cell without exactly one soma."""
    somata = cells.somas(pair.release).drop_duplicates("root_id", keep=False)
    points = somata.set_index("root_id")[["x_nm", "y_nm", "z_nm"]].reindex(ids).to_numpy(np.float64)
    return space.nm_to_um(points, pair.release.volume)
