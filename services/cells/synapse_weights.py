"""The share of a cell's synapses that are with a partner, and of the partner's synapses that are with the cell:
percentages that name their denominator."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pandas as pd

from services.cave.client import Cave
from services.cave.queries import Filters
from services.cave.release import Release
from services.cells import role_tables
from services.cells.connectivity import Connectivity
from services.core.columns import Column, describe_columns
from services.core.directions import Direction
from services.core.roles import N_INPUT, N_OUTPUT

PCT_OF_CELL = "pct_of_cell"
PCT_OF_PARTNER = "pct_of_partner"
PARTNER_TOTAL = "partner_total"
"""Columns that this module adds to a partner frame."""

_COUNTED = {Direction.IN: N_OUTPUT, Direction.OUT: N_INPUT}
"""The column of the degree view that has the partner's total: an input of the cell is an output of the partner."""


def cell_total(connectivity: Connectivity, direction: Direction) -> int | None:
    """The number of synapses of the cell in one direction, autapses and those with root id 0 included; with a synapse
    filter, the number that it keeps.

    None where the number is not known: when CAVE truncated the synapses and gave no total, or when truncated synapses
    are filtered or read from a view of pairs.
    """
    if cut := connectivity.truncated[direction]:
        return None if connectivity.only or connectivity.view else cut["total"]
    totals = connectivity.totals[direction]
    return totals["num_syn"] + (totals["autapses"] or 0) + (totals["root_zero"] or 0)


def degree_view(release: Release) -> str | None:
    """The view that counts the inputs and outputs of each root id; None where the version has none."""
    return role_tables.table_of(release, "degrees")


def degrees(release: Release, root_ids: Iterable[int]) -> pd.DataFrame | None:
    """The numbers of inputs and outputs of some root ids, indexed by `root_id` (int64): columns N_INPUT and N_OUTPUT
    (Int64), autapses and synapses with root id 0 included. A root id that the view does not list has no row. One
    request, or as many as CAVE needs to send all rows; None where the version has no such view."""
    view = degree_view(release)
    if view is None:
        return None
    ids = sorted({int(root) for root in root_ids})
    names = ["root_id", *_COUNTED.values()]
    rows = _rows_of(release, view, ids, names)
    counts = rows.drop_duplicates("root_id").astype({"root_id": "int64"}).set_index("root_id")
    return counts[list(_COUNTED.values())].fillna(0).astype("Int64")


def _rows_of(release: Release, view: str, roots: list[int], names: list[str]) -> pd.DataFrame:
    """The rows of some root ids in a view. Views have no row ids to page by, so the root ids are halved until CAVE
    sends all rows."""
    rows = release.query(view, Filters(isin={"root_id": roots}), select_columns=names)
    if not rows.attrs["truncated"] or len(roots) < 2:
        return rows
    middle = len(roots) // 2
    return pd.concat([_rows_of(release, view, part, names) for part in (roots[:middle], roots[middle:])])


def partner_degrees(cave: Cave, connectivity: Connectivity) -> pd.DataFrame | None:
    """The :func:`degrees` of all partners of a cell in both directions, in one request; None without such a view."""
    roots = {*connectivity.inputs["root_id"].tolist(), *connectivity.outputs["root_id"].tolist()}
    return degrees(Release(cave, connectivity.datastack, connectivity.version), roots)


def with_weights(connectivity: Connectivity, direction: Direction, counts: pd.DataFrame | None = None) -> pd.DataFrame:
    """The partners of one direction with `pct_of_cell` (100 num_syn / :func:`cell_total`) and, where `counts` of
    :func:`partner_degrees` are given, `partner_total` (Int64) and `pct_of_partner` (100 num_syn / partner_total).

    Percentages are Float64, null where their denominator is zero or not known.
    """
    partners = connectivity.side(direction)
    synapses = partners["num_syn"].astype("Float64")
    total = cell_total(connectivity, direction)
    added = {PCT_OF_CELL: synapses * (100 / total) if total else synapses.where(synapses < 0)}
    if counts is not None:
        of_partner = counts[_COUNTED[direction]].reindex(partners["root_id"]).reset_index(drop=True)
        added |= {PARTNER_TOTAL: of_partner, PCT_OF_PARTNER: synapses * 100 / of_partner.where(of_partner > 0)}
    return partners.assign(**added)


def describe(frame: pd.DataFrame, connectivity: Connectivity, direction: Direction) -> tuple[Column, ...]:
    """The columns of a partner frame of one direction, with titles that name the denominators of percentages."""
    of_cell, of_partner = f"{direction.noun}s", f"{direction.opposite.noun}s"
    total = cell_total(connectivity, direction)
    titles = {
        PCT_OF_CELL: f"% of {of_cell} (n = {total:,})" if total else f"% of {of_cell}",
        PARTNER_TOTAL: f"the partner's {of_partner}",
        PCT_OF_PARTNER: f"% of the partner's {of_partner}",
    }
    return tuple(
        replace(column, title=titles[column.name], unit="%" if column.name.startswith("pct_") else column.unit)
        if column.name in titles
        else column
        for column in describe_columns(frame)
    )


def explain(connectivity: Connectivity, view: str | None) -> tuple[str, ...]:
    """Sentences for below the table that say which synapses the percentages count. `view` is :func:`degree_view`."""
    sentences: list[str] = []
    for direction in Direction:
        total = cell_total(connectivity, direction)
        if total is None:
            sentences.append(
                f"How many {direction.noun}s this cell has in all is not known, so no shares of it are given."
            )
    if connectivity.view:
        sentences.append(f"Shares of this cell count all of its synapses in {connectivity.view.name}.")
    counted = "all of its synapses that the filter of synapses keeps" if connectivity.only else "all of its synapses"
    if not connectivity.view:
        sentences.append(f"Shares of this cell count {counted}, autapses and those without a partner included.")
    sentences.append(
        f"Shares of the partner count all of its synapses in {view}."
        if view
        else "This version has no view of every cell's inputs and outputs, so no shares of the partners are given."
    )
    return tuple(sentences)
