"""A population against chance: the null models of :mod:`nulls` with the places of its synapses and somata."""

from __future__ import annotations

import numpy as np
import pandas as pd

from services.cells import cells
from services.core import space
from services.core.errors import BadInput
from services.populations import nulls
from services.populations.edges import Floats, Ids
from services.populations.groupings import Grouping
from services.populations.nulls import Counted, Model, Null
from services.populations.population import Pair, Population

SEED = 1
PERMUTATIONS = 1_000


def compare(
    population: Population,
    groups: tuple[Grouping, Grouping],
    model: Model,
    counted: Counted | None = None,
    *,
    permutations: int = PERMUTATIONS,
    seed: int = SEED,
) -> Null:
    """What a model expects of each pair of groups; `counted` left out is what the model is about. The same seed gives
    the same numbers. Raises BadInput for something that the model does not count, and as the model does."""
    counts = nulls.COUNTED[model]
    if counted and counted not in counts:
        raise BadInput(f"The model {model} is not about {counted}.", f"It can be {', '.join(counts)}.")
    pre, post = groups
    if model == "degrees":
        return nulls.keep_degrees(
            population.edges, pre, post, counted or counts[0], permutations=permutations, seed=seed
        )
    if model == "depth":
        rows = population.synapses.assign(depth_um=depths_um(population, population.synapses))
        return nulls.keep_depths(rows, population.edges, pre, post, permutations=permutations, seed=seed)
    somata = (
        somata_um(population.pair, population.edges.pre_ids),
        somata_um(population.pair, population.edges.post_ids),
    )
    return nulls.keep_distances(population.edges, somata, pre, post, permutations=permutations, seed=seed)


def depths_um(population: Population, synapses: pd.DataFrame) -> Floats:
    """The depth of some synapses of a population below the pia; NaN where it is not known."""
    points = synapses[["x_nm", "y_nm", "z_nm"]].to_numpy(np.float64)
    return space.depths_of(points, population.pair.release.volume)


def measured(population: Population, synapses: pd.DataFrame) -> pd.DataFrame:
    """Some synapses of a population with depth_um where the volume has depths, and size where synapses have any."""
    rows = synapses if population.sized else synapses.drop(columns="size")
    deep = population.pair.release.volume.has_depth
    return rows.assign(depth_um=depths_um(population, synapses)) if deep else rows


def somata_um(pair: Pair, ids: Ids) -> Floats:
    """Where the somata of cells are along the axes of the volume (x, depth, z), in um; NaN for a cell without exactly
    one."""
    somata = cells.somas(pair.release).drop_duplicates("root_id", keep=False)
    points = somata.set_index("root_id")[["x_nm", "y_nm", "z_nm"]].reindex(ids).to_numpy(np.float64)
    return space.nm_to_um(points, pair.release.volume)
