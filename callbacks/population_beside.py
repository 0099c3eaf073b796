"""The comparison of two sets of cells as a figure."""

from __future__ import annotations

from collections.abc import Collection

from components.cell_figures import Plot
from components.figures import population as drawing
from components.population_panels import FORMS
from services.core.calls import call
from services.populations import comparisons, scripts
from services.views.population_view import PopulationView


def plot(view: PopulationView) -> Plot:
    """The plot of the difference between both sets."""
    note = f"Bars: 95% bootstrap intervals ({comparisons.BOOTSTRAPS} resamples of the cells, seed {view.seed})."
    figure = call(drawing.differences, view.difference, FORMS[view.address.compared])
    return Plot("differences", "Difference", figure, note=note)


def readings(view: PopulationView, names: Collection[str]) -> list[str]:
    """Parts of a script that define the variables in `names` for the figure."""
    return [scripts.second(view.second.pair), *scripts.readings(view.entry_pair, names)]
