"""The data behind the plots of a cell, as small frames; `components.figures` draws them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from services.cave.release import Release
from services.cells import partner_sets
from services.cells.compartments import COUNTS, NOT_PREDICTED
from services.cells.partner_synapses import with_partners
from services.core.directions import Direction
from services.core.type_columns import as_counted
from services.tables import groups

BIN_UM = 20.0
"""Height of a bin of the depth profile."""
QUANTILES = {"low": 0.05, "q1": 0.25, "median": 0.5, "q3": 0.75, "high": 0.95}


def universe(release: Release, table: str, column: str) -> tuple[str, ...]:
    """Every value of a column of a type table at a version, in the order of its groups; () where the table has no such
    column, or is too large to be held in memory."""
    colour_of = type_colours(release, table, column)
    return tuple(value for value in colour_of if value != groups.BLANK_LABEL)


def type_colours(release: Release, table: str, column: str) -> dict[str, str]:
    """A colour "#rrggbb" for every value of a type table's column, blank included. It is the same for every cell and in
    Neuroglancer links; see :mod:`groups`. {} where the table has no such column, or is too large to be held."""

    def assign() -> dict[str, str]:
        if release.is_large(table):
            return {}
        rows = release.table(table)
        if column not in rows:
            return {}
        return dict(groups.of_values(column, rows[column], release.profile.palette).colours)

    return release.derived.of("type colours", table, column).get(assign)


def depth_profile(synapses: Mapping[Direction, pd.DataFrame], bin_um: float = BIN_UM) -> pd.DataFrame:
    """A histogram of synapses by depth for each direction. `synapses` have depth_um (see `partner_synapses.of_cell`).

    Columns: direction, depth_um (middle of the bin; float64) and count (int64). Bins start at multiples of `bin_um`
    and cover the shallowest to the deepest synapse without gaps: empty bins have count 0.
    """
    bins = {way: (rows["depth_um"].dropna().to_numpy() // bin_um).astype(int) for way, rows in synapses.items()}
    all_bins = np.concatenate([*bins.values(), np.empty(0, dtype=int)])
    if not len(all_bins):
        return pd.DataFrame({"direction": [], "depth_um": [], "count": []}).astype({"count": "int64"})
    first, last = int(all_bins.min()), int(all_bins.max())
    middles = (np.arange(first, last + 1) + 0.5) * bin_um
    return pd.concat(
        [
            pd.DataFrame(
                {"direction": way, "depth_um": middles, "count": np.bincount(numbers - first, minlength=len(middles))}
            )
            for way, numbers in bins.items()
        ],
        ignore_index=True,
    )


def synapse_depths(synapses: pd.DataFrame, partners: pd.DataFrame, column: str | None) -> pd.DataFrame:
    """One row for each synapse whose partner has exactly one soma.

    Columns: depth_um of the synapse and soma_depth_um of the partner (float64), value (the partner's type; string, null
    = none) and row, the partner's position in `partners`, from 0.
    """
    columns = ["soma_depth_um", *([column] if column else [])]
    rows = with_partners(synapses, partners, *columns)
    rows = rows[rows["soma_depth_um"].notna() & rows["depth_um"].notna()].reset_index(drop=True)
    return _valued(rows, column)[["depth_um", "soma_depth_um", "value", "row"]]


def soma_map(partners: pd.DataFrame, column: str | None, axes: Sequence[str]) -> pd.DataFrame:
    """One row for each partner with exactly one soma: its position along the three `axes` of the volume, named as in
    `partners` (soma_x_um, soma_depth_um, ...), then num_syn, value and row as in :func:`synapse_depths`.

    `partners` come from `partner_joins.with_distance`. Where they have representative points too
    (`representative.with_points`), a partner without exactly one soma is placed at its point.
    """
    rows = partners.assign(row=np.arange(len(partners)))
    axis_columns = [f"soma_{axis}" for axis in axes]
    if {f"point_{axis}" for axis in axes} <= {*rows}:
        rows = rows.assign(**{name: rows[name].fillna(rows[name.replace("soma_", "point_")]) for name in axis_columns})
    rows = rows[rows[axis_columns[0]].notna()].reset_index(drop=True)
    return _valued(rows, column)[[*axis_columns, "num_syn", "value", "row"]]


def orientations(partners: pd.DataFrame, column: str | None) -> pd.DataFrame:
    """One row for each coregistered partner of a frame with tuning (see `tuning.with_tuning`): pref_ori_deg,
    delta_ori_deg, num_syn, value and row as in :func:`synapse_depths`."""
    rows = partners.assign(row=np.arange(len(partners)))
    rows = rows[rows["pref_ori_deg"].notna()].reset_index(drop=True)
    return _valued(rows, column)[["pref_ori_deg", "delta_ori_deg", "num_syn", "value", "row"]]


def reciprocal(partners: pd.DataFrame, column: str | None) -> pd.DataFrame:
    """One row for each reciprocal partner of a frame of both directions (of `partner_sets.both`): num_syn_in,
    num_syn_out, value and row as in :func:`synapse_depths`."""
    rows = partners.assign(row=np.arange(len(partners)))
    rows = rows[rows["reciprocal"].fillna(False).to_numpy(bool)].reset_index(drop=True)
    return _valued(rows, column)[["num_syn_in", "num_syn_out", "value", "row"]]


def per_partner(partners: Mapping[Direction, pd.DataFrame]) -> pd.DataFrame:
    """How many partners have 1, 2, 3, ... synapses. Columns: direction, num_syn and num_partners (int64); synapse
    counts that no partner has are left out."""
    counts = [
        side["num_syn"].value_counts().sort_index().rename("num_partners").rename_axis("num_syn").reset_index()
        for side in partners.values()
    ]
    parts = [count.assign(direction=way) for way, count in zip(partners, counts, strict=True)]
    return pd.concat(parts, ignore_index=True)[["direction", "num_syn", "num_partners"]].astype(
        {"num_syn": "int64", "num_partners": "int64"}
    )


def by_type(partners: pd.DataFrame, column: str, values: Sequence[str]) -> pd.DataFrame:
    """Subtotals for each of `values`, zeros included, by name, blank last. Columns as of `partner_sets.grouped`."""
    totals = partner_sets.subtotals(partners, column, values)
    return totals.sort_values("value", na_position="last", ignore_index=True)


def sizes_by_type(synapses: pd.DataFrame, partners: pd.DataFrame, column: str) -> pd.DataFrame:
    """The distribution of synapse sizes (voxels) for each type: value (string; null = none), num_syn (int64), and the
    quantiles low (5 %), q1, median, q3 and high (95 %; float64). By name, blank last."""
    rows = with_partners(synapses, partners, column)
    sizes = rows["size"].astype("float64").groupby(_texts(rows, column), dropna=False)
    frame = pd.DataFrame({name: sizes.quantile(share) for name, share in QUANTILES.items()})
    frame.insert(0, "num_syn", sizes.size().astype("int64"))
    return frame.rename_axis("value").reset_index().sort_values("value", na_position="last", ignore_index=True)


def compartments_by_type(partners: pd.DataFrame, column: str) -> pd.DataFrame:
    """Synapses on each compartment for each type: value (string), on_spine, on_shaft, on_soma, not_predicted (int64).

    `partners` come from `compartments.with_compartments`. By name, blank last.
    """
    of_type = partners.groupby(_texts(partners, column), dropna=False)
    frame = of_type[[*COUNTS, NOT_PREDICTED]].sum().rename_axis("value").reset_index()
    return frame.sort_values("value", na_position="last", ignore_index=True)


def _valued(rows: pd.DataFrame, column: str | None) -> pd.DataFrame:
    """The rows with `value`, the text of a column; null without a column."""
    values = _texts(rows, column) if column else pd.array([pd.NA] * len(rows), dtype="string")
    return rows.assign(value=values)


def _texts(rows: pd.DataFrame, column: str) -> pd.Series:
    """A column as text; partners with several values are one group."""
    return as_counted(rows[column]).astype("string")
