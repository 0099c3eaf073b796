"""The matrix of a population as a figure."""

from __future__ import annotations

from contextlib import suppress
from typing import cast

import numpy as np

from callbacks import population_views
from components.cell_figures import Plot
from components.figures import matrix as drawing
from services.core.calls import Call, call
from services.core.errors import BadInput, TooLarge
from services.populations import figure_reads, groupings, matrices, orders, totals
from services.populations.groupings import CELL, Grouping
from services.populations.matrices import Matrix, Value
from services.populations.population import Population
from services.populations.sets import CellSet
from services.views.addresses import PopulationAddress

MOST_DOTS = 150_000
"""Entries that a browser can draw."""


def plot(view: PopulationAddress, result: Population) -> Plot:
    """The matrix of a view. Raises TooLarge for too many entries, BadInput for an order that the volume cannot give."""
    value = cast("Value", view.value)
    groups = population_views.groups(view, result.pair)
    rows, columns = map(figure_reads.groups, groups)
    whole = totals.of_shares(result.pair, *groups, value)
    edges = figure_reads.edges(result)
    matrix = call(matrices.matrix, edges, rows, columns, value, **whole)
    _check(view, result, matrix.result)
    types = _types(view, groups[0], result.pair.pre, result), _types(view, groups[1], result.pair.post, result)
    ordered = call(orders.order, matrix, edges, view.order, figure_reads.somata(result), types)
    figure = call(drawing.ordered, ordered, matrices.UNITS.get(value, ""))
    return Plot("matrix", value.replace("_", " ").capitalize(), figure)


def _check(view: PopulationAddress, result: Population, matrix: Matrix) -> None:
    """Raises TooLarge or BadInput where a matrix cannot be drawn in the order of a view."""
    numbers = matrix.numbers
    if max(numbers.shape) > drawing.MOST_NAMED and np.count_nonzero(numbers > 0) > MOST_DOTS:
        raise TooLarge(f"More than {MOST_DOTS:,} entries are too many to draw.", "Group the cells by a column.")
    if view.order == "depth" and not result.pair.release.volume.has_depth:
        raise BadInput("This volume has no depth to order by.", "Choose another order.")


def _types(view: PopulationAddress, groups: Grouping, cells: CellSet, result: Population) -> Call | None:
    """The types by which single cells are ordered; None for other groups, another order, or without types."""
    if view.order != "type" or groups.by != CELL:
        return None
    with suppress(BadInput):
        types = groupings.group(result.pair.release, cells)
        return None if types.by == CELL else figure_reads.groups(types)
    return None
