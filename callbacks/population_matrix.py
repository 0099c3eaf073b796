"""The matrix of a population as a figure."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from callbacks import population_views
from callbacks.population_plots import edges_call, grouping_call, somata_reads
from components.cell_figures import Plot
from components.figures.matrix import MOST_NAMED, heat_map
from components.figures.template import Figure
from services.core.calls import call
from services.core.errors import TooLarge
from services.populations import matrices, orders, similarity, totals
from services.populations.edges import Floats
from services.populations.matrices import Matrix, Value
from services.populations.orders import Ordered
from services.populations.population import Population
from services.views.addresses import PopulationAddress

MOST_DOTS = 150_000
"""Entries that a browser draws without trouble."""


def plot(view: PopulationAddress, result: Population) -> Plot:
    """The matrix of a view. Raises TooLarge."""
    value = cast("Value", view.value)
    groups = population_views.groups(view, result.pair)
    rows, columns = map(grouping_call, groups)
    whole = totals.of_shares(result.pair, *groups, value)
    matrix = call(matrices.matrix, edges_call(result), rows, columns, value, **whole)
    numbers = matrix.result.numbers
    if max(numbers.shape) > MOST_NAMED and np.count_nonzero(numbers > 0) > MOST_DOTS:
        raise TooLarge(f"More than {MOST_DOTS:,} entries are too many to draw.", "Group the cells by a column.")
    depths = tuple(call(_depths, read) for read in somata_reads(result)) if view.order == "depth" else ([], [])
    ordered = call(orders.order, matrix, view.order, depths)
    drawn = call(_drawn, matrix, ordered, matrices.UNITS.get(value, ""))
    return Plot("matrix", value.replace("_", " ").capitalize(), drawn)


def _depths(somata_um: Floats) -> Floats:
    return somata_um[:, 1]


def _drawn(matrix: Matrix, ordered: tuple[Ordered, Ordered], unit: str) -> Figure:
    numbers = matrix.numbers[np.ix_(ordered[0].places, ordered[1].places)]
    sides = zip((matrix.pre, matrix.post), ordered, strict=True)
    names = [[side.names[at] for at in one.places] for side, one in sides]
    trees = [None if one.tree is None else similarity.branches(one.tree) for one in ordered]
    words = texts(numbers) if max(numbers.shape) <= MOST_NAMED else None
    return heat_map(numbers, *names, unit=unit, trees=trees, texts=words)


def texts(numbers: Floats) -> Any:
    """What stands in the entries of a matrix."""
    return np.array([[_short(number) for number in row] for row in numbers]).reshape(numbers.shape)


def _short(number: float) -> str:
    if np.isnan(number):
        return "–"
    return f"{number:,.0f}" if abs(number) >= 100 or number == round(number) else f"{number:.3g}"
