"""The comparison of a population with a null model as a figure."""

from __future__ import annotations

from typing import cast

from components.cell_figures import Plot
from components.figures import matrix as drawing
from components.figures.template import Figure
from components.population_fields import MODEL_WORDS
from services.core.calls import Call, call, known
from services.populations import figure_reads, nulls
from services.populations.chance import Draws
from services.populations.nulls import Model, Null
from services.populations.population import Population
from services.views.population_view import PopulationView


def plot(view: PopulationView) -> tuple[Plot, tuple[str, ...]]:
    """The plot of observed against expected numbers for the null model of a view, and notes. Raises as the model
    does."""
    null, draws = view.null()
    title = f"Observed by expected: {MODEL_WORDS[view.address.model].lower()}"
    return Plot("chance", title, call(_ratios, _drawn(view.population, null, draws))), null.notes()


def _drawn(result: Population, null: Null, draws: Draws) -> Call:
    edges, groups = figure_reads.edges(result), [figure_reads.groups(grouping) for grouping in (null.pre, null.post)]
    match cast("Model", draws.model):
        case "degrees":
            return known(null, nulls.keep_degrees, edges, *groups, null.counted, **draws.seeded)
        case "depth":
            return known(null, nulls.keep_depths, figure_reads.synapses(result), edges, *groups, **draws.seeded)
    return known(
        null, nulls.keep_distances, edges, figure_reads.somata(result), *groups, deep=null.deep, **draws.seeded
    )


def _ratios(null: Null) -> Figure:
    return drawing.of_ratios(null.ratio, null.q, null.pre.names, null.post.names)
