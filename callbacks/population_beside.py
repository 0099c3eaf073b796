"""The comparison of two sets of cells as a figure."""

from __future__ import annotations

from collections.abc import Collection
from typing import cast

import pandas as pd

from callbacks import population_views
from components.cell_figures import Plot
from components.figures import population as drawing
from components.population_panels import FORMS
from services.core.calls import call
from services.populations import comparisons, figure_reads, population, scripts
from services.populations.comparisons import Compared
from services.populations.edges import End
from services.populations.population import Pair, Population
from services.views.addresses import PopulationAddress


def pair(view: PopulationAddress, result: Population) -> Pair:
    """The second set of a view with the partners of the first."""
    return population.beside(result.pair, view.beside, _end(view))


def plot(view: PopulationAddress, result: Population) -> tuple[Plot, pd.DataFrame, str, tuple[str, ...]]:
    """The plot of the difference between both sets, its numbers, the column that groups these, and notes."""
    end, compared, second = _end(view), cast("Compared", view.compared), _second(view, result)
    groups = population_views.groups(view, result.pair)[end == "pre"]
    both = figure_reads.edges(result), figure_reads.second_edges(second)
    seed = population_views.seed(view)
    rows = call(comparisons.difference, *both, figure_reads.groups(groups), compared, end=end, seed=seed)
    first, other = (len(getattr(compared_set.pair, end)) for compared_set in (result, second))
    words = f"{first:,} cells beside {other:,}. {comparisons.WORDS[compared]}"
    single = ("A set of one cell has no interval.",) if min(first, other) == 1 else ()
    notes = (words, *single, *population.notes_beside(result, second, comparisons.SECOND))
    note = f"Bars: 95% bootstrap intervals ({comparisons.BOOTSTRAPS} resamples of the cells, seed {seed})."
    figure = call(drawing.differences, rows, FORMS[compared])
    return Plot("differences", "Difference", figure, note=note), rows.result, groups.by, notes


def readings(view: PopulationAddress, result: Population, names: Collection[str]) -> list[str]:
    """Parts of a script that define the variables in `names` for the figure."""
    return [scripts.second(_second(view, result).pair), *scripts.readings(result.pair, names)]


def _end(view: PopulationAddress) -> End:
    return "post" if view.direction == "in" else "pre"


def _second(view: PopulationAddress, result: Population) -> Population:
    """The population of the second set with the partners of the first."""
    return population.second(result, pair(view, result), _end(view))
