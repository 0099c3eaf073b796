"""Two sets of cells beside each other as a figure."""

from __future__ import annotations

from collections.abc import Collection
from typing import cast

import pandas as pd

from callbacks import population_views
from components.cell_figures import Plot
from components.figures import population as drawing
from components.population_panels import FORMS
from services.core.calls import call
from services.populations import comparisons, population, reads, scripts
from services.populations.comparisons import Compared, Side
from services.populations.population import Pair, Population
from services.views.addresses import PopulationAddress


def pair(view: PopulationAddress, result: Population) -> Pair:
    """The other set of a view, with partners as the whole set has them."""
    return population.beside(result.pair, view.beside, _side(view))


def plot(view: PopulationAddress, result: Population) -> tuple[Plot, pd.DataFrame, str, tuple[str, ...]]:
    """How both sets of a view differ, its numbers, by which column, and what there is to say."""
    side, compared, second = _side(view), cast("Compared", view.compared), _second(view, result)
    groups = population_views.groups(view, result.pair)[side == "pre"]
    both = reads.edges(result), reads.second_edges(second)
    seed = population_views.seed(view)
    rows = call(comparisons.difference, *both, reads.groups(groups), compared, side=side, seed=seed)
    first, other = (len(getattr(one.pair, side)) for one in (result, second))
    words = f"{first:,} cells beside {other:,}. {comparisons.WORDS[compared]}"
    notes = (words, *population.notes_beside(result, second, comparisons.SECOND))
    note = f"Bars: 95% bootstrap intervals ({comparisons.BOOTSTRAPS} resamples of the cells, seed {seed})."
    figure = call(drawing.differences, rows, FORMS[compared])
    return Plot("differences", "Difference", figure, note=note), rows.result, groups.by, notes


def readings(view: PopulationAddress, result: Population, names: Collection[str]) -> list[str]:
    """Parts of a script that leave what the figure reads in variables of these names."""
    return [scripts.second(_second(view, result).pair), *scripts.readings(result.pair, names)]


def _side(view: PopulationAddress) -> Side:
    return "post" if view.direction == "in" else "pre"


def _second(view: PopulationAddress, result: Population) -> Population:
    """The other set with the partners of the first one."""
    return population.second(result, pair(view, result), _side(view))
