"""The matrix of a population as a figure."""

from __future__ import annotations

from contextlib import suppress

import numpy as np

from components.cell_figures import Plot
from components.figures import matrix as drawing
from services.core.calls import Call, call
from services.core.errors import BadInput, TooLarge
from services.populations import figure_reads, groupings, matrices, orders
from services.populations.groupings import CELL, Grouping
from services.populations.matrices import Matrix
from services.populations.sets import CellSet
from services.views.population_view import PopulationView

MOST_DOTS = 150_000
"""Entries that a browser can draw."""


def plot(view: PopulationView) -> Plot:
    """The matrix of a view. Raises TooLarge for too many entries, BadInput for an order that the volume cannot give."""
    matrix: Matrix = view.matrix.result
    _check(view, matrix)
    groups, result, order = view.groups, view.population, view.address.order
    types = _types(view, groups[0], view.pair.pre), _types(view, groups[1], view.pair.post)
    ordered = call(orders.order, view.matrix, figure_reads.edges(result), order, figure_reads.somata(result), types)
    figure = call(drawing.ordered, ordered, matrices.UNITS.get(matrix.value, ""))
    return Plot("matrix", matrix.value.replace("_", " ").capitalize(), figure)


def _check(view: PopulationView, matrix: Matrix) -> None:
    """Raises TooLarge or BadInput where a matrix cannot be drawn in the order of a view."""
    numbers = matrix.numbers
    if max(numbers.shape) > drawing.MOST_NAMED and np.count_nonzero(numbers > 0) > MOST_DOTS:
        raise TooLarge(f"More than {MOST_DOTS:,} entries are too many to draw.", "Group the cells by a column.")
    if view.address.order == "depth" and not view.release.volume.has_depth:
        raise BadInput("This volume has no depth to order by.", "Choose another order.")


def _types(view: PopulationView, groups: Grouping, cells: CellSet) -> Call | None:
    """The types by which single cells are ordered; None for other groups, another order, or without types."""
    if view.address.order != "type" or groups.by != CELL:
        return None
    with suppress(BadInput):
        types = groupings.group(view.release, cells)
        return None if types.by == CELL else figure_reads.groups(types)
    return None
