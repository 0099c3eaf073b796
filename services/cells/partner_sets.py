"""Sets of partners: above a threshold, in groups with subtotals, of both directions, and of several cells."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from services.cells import cell_types
from services.cells.connectivity import Connectivity
from services.core.directions import Direction
from services.core.errors import BadInput
from services.core.type_columns import as_counted

GROUP_COLUMNS = ("value", "num_syn", "num_partners", "syn_per_partner", "net_size", "mean_size", "pct_of_shown")
_OF_SYNAPSES = ("num_syn", "net_size", "mean_size")


def at_least(partners: pd.DataFrame, minimum: int) -> pd.DataFrame:
    """The partners with `minimum` synapses or more. Raises BadInput for a minimum below 1."""
    if minimum < 1:
        raise BadInput(f"A threshold of {minimum} synapses leaves nothing out.", "Give 1 or more.")
    return partners[partners["num_syn"] >= minimum].reset_index(drop=True)


def below(partners: pd.DataFrame, minimum: int) -> str:
    """A sentence that counts the partners and synapses below the threshold; "" when there are none."""
    num_syn = partners.loc[partners["num_syn"] < minimum, "num_syn"]
    if num_syn.empty:
        return ""
    partner_count, synapse_count = counted(len(num_syn), "partner"), counted(int(num_syn.sum()), "synapse")
    return f"Left out: {partner_count} with fewer than {minimum} synapses, {synapse_count}."


def counted(number: int, noun: str) -> str:
    """A number with its noun, singular or plural: "1 synapse", "2 synapses"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def largest(partners: pd.DataFrame, percent: Fraction) -> tuple[pd.DataFrame, str]:
    """The fewest partners that together have `percent` of all synapses, and a sentence that counts the others ("" when
    there are none). Partners are taken by synapse count, ties by root id; the rows keep their order."""
    order = partners.sort_values(["num_syn", "root_id"], ascending=[False, True])["num_syn"].astype("int64")
    before, total = order.cumsum() - order, int(order.sum())
    kept = (before * (100 * percent.denominator) < percent.numerator * total).reindex(partners.index)
    dropped = partners.loc[~kept, "num_syn"]
    if dropped.empty:
        return partners, ""
    ties = int((dropped == partners.loc[kept, "num_syn"].min()).sum())
    message = (
        f"Left out: {counted(len(dropped), 'partner')} beyond the {int(kept.sum()):,} largest that make up "
        f"{float(percent):g}% of {counted(total, 'synapse')}, {counted(int(dropped.sum()), 'synapse')}."
    )
    verb = "has" if ties == 1 else "have"
    alike = f" {ties:,} of these {verb} as many synapses as the smallest that is kept; equal ones go by root id."
    return partners[kept].reset_index(drop=True), message + (alike if ties else "")


def grouped(partners: pd.DataFrame, column: str, universe: Sequence[str] = ()) -> pd.DataFrame:
    """Subtotals for each value of `column`, most synapses first, ties by name, blank last. Partners with several values
    form one group.

    Columns: value (string; null = blank), num_syn and num_partners (int64), syn_per_partner (float64), net_size and
    mean_size (voxels, net_size / num_syn; float64, NaN without synapses or where a size is not known) and pct_of_shown
    (float64): the group's share of the synapses of `partners`. Values of `universe` without partners get zeros. Raises
    BadInput where `partners` have no such column.
    """
    if column not in partners:
        raise BadInput(f"The partners have no column {column[:80]!r}.", "Group by one of their columns.")
    return subtotals(partners, column, universe)


def subtotals(partners: pd.DataFrame, column: str, universe: Sequence[str] = ()) -> pd.DataFrame:
    """As :func:`grouped`, for a column that `partners` are known to have."""
    codes, values = pd.factorize(as_counted(partners[column]).astype("string").astype(object))
    groups = [*values, *([pd.NA] if (codes < 0).any() else [])]
    labels = [*groups, *(value for value in dict.fromkeys(universe) if value not in set(values))]
    group_codes = np.where(codes < 0, len(values), codes)

    def summed(name: str) -> npt.NDArray[np.float64]:
        weights = partners[name].to_numpy(np.float64, na_value=np.nan)
        return np.bincount(group_codes, weights, minlength=len(labels)).astype(np.float64)

    num_syn, net_size = summed("num_syn").astype(np.int64), summed("net_size")
    num_partners = np.bincount(group_codes, minlength=len(labels)).astype(np.int64)
    blank = [value is pd.NA for value in labels]
    order = sorted(range(len(labels)), key=lambda at: (blank[at], -num_syn[at], "" if blank[at] else labels[at]))
    per_partner, mean_size = (
        np.divide(total, number, out=np.full(len(labels), np.nan), where=number > 0)
        for total, number in ((num_syn, num_partners), (net_size, num_syn))
    )
    columns = (num_syn, num_partners, per_partner, net_size, mean_size, num_syn * (100 / max(1, int(num_syn.sum()))))
    named = pd.array([labels[at] for at in order], dtype="string")
    return pd.DataFrame(dict(zip(GROUP_COLUMNS, (named, *(values[order] for values in columns)), strict=True)))


def both(connectivity: Connectivity) -> pd.DataFrame:
    """The partners of both directions, one row each.

    Columns: root_id (int64); num_syn_in (Int64), net_size_in and mean_size_in (Float64, voxels) and the same with _out;
    reciprocal (boolean); then the columns about the partner itself. In a direction without synapses num_syn and
    net_size are 0 and mean_size is null. Where CAVE truncated a direction, a partner absent from it has null in all
    three, and `reciprocal` may be null too, because its synapses are not known. Reciprocal partners first, then most
    synapses, then by root id.
    """
    roots = np.union1d(
        connectivity.inputs["root_id"].to_numpy(np.int64), connectivity.outputs["root_id"].to_numpy(np.int64)
    )
    rows = {way: pd.Index(connectivity.side(way)["root_id"]).get_indexer(roots) for way in Direction}
    columns: dict[str, Any] = {"root_id": roots}
    for way, at in rows.items():
        for name in _OF_SYNAPSES:
            values = connectivity.side(way)[name].astype("Int64" if name == "num_syn" else "Float64")
            zero = not connectivity.truncated[way] and name != "mean_size"
            columns[f"{name}_{way}"] = values.array.take(at, allow_fill=True, fill_value=0 if zero else pd.NA)
    numbers = columns["num_syn_in"], columns["num_syn_out"]
    columns["reciprocal"] = (numbers[0] > 0) & (numbers[1] > 0)
    first, most = columns["reciprocal"].fillna(False), sum(number.fillna(0) for number in numbers)
    order = np.lexsort([roots, -most.to_numpy(np.int64), ~first.to_numpy(bool)])
    about = pd.concat([connectivity.inputs, connectivity.outputs], ignore_index=True).drop(
        columns=["root_id", *_OF_SYNAPSES]
    )
    first_rows = np.where(rows[Direction.IN] >= 0, rows[Direction.IN], len(connectivity.inputs) + rows[Direction.OUT])
    parts = pd.DataFrame(columns).take(order), about.take(first_rows[order])
    frame = pd.concat([part.reset_index(drop=True) for part in parts], axis=1)
    return cell_types.retyped(frame, [*connectivity.typed_synapses.values()])


def of_way(both_ways: pd.DataFrame, way: str) -> pd.DataFrame:
    """The rows of a frame of :func:`both` that have synapses in one direction (`way`, "in" or "out"), as partners of
    that direction: num_syn (int64), net_size and mean_size (float64) are those of the direction."""
    rows = both_ways[(both_ways[f"num_syn_{way}"] > 0).fillna(False).to_numpy(bool)].reset_index(drop=True)
    sizes = {name: rows[f"{name}_{way}"].astype("float64") for name in ("net_size", "mean_size")}
    return rows.assign(num_syn=rows[f"num_syn_{way}"].astype("int64"), **sizes)


def combined(sides: Mapping[int, pd.DataFrame]) -> pd.DataFrame:
    """The partners of several cells in one direction as those of a single cell; `sides` are partner frames by root id
    of the cell.

    The columns of a partner frame, with num_cells (int64: how many of the cells have this partner) after the sizes.
    Synapses among the cells themselves are kept. Most synapses first, ties by root id.
    """
    stacked = pd.concat(list(sides.values()), ignore_index=True)
    groups = stacked.groupby("root_id")
    net_size = groups["net_size"].sum().where(groups["net_size"].count() == groups.size())
    frame = pd.DataFrame({"num_syn": groups["num_syn"].sum(), "net_size": net_size})
    frame["mean_size"] = frame["net_size"] / frame["num_syn"]
    frame["num_cells"] = groups.size().astype("int64")
    about = stacked.drop_duplicates("root_id").set_index("root_id").drop(columns=list(_OF_SYNAPSES))
    frame = frame.join(about).reset_index()
    return frame.sort_values(["num_syn", "root_id"], ascending=[False, True], ignore_index=True)


def side_by_side(sides: Mapping[int, pd.DataFrame], cut: Collection[int] = ()) -> pd.DataFrame:
    """As :func:`combined`, with the synapses of each cell in a column of its own, `num_syn_<root id>` (Int64; 0 = none,
    but null for cells in `cut`, whose synapses CAVE truncated). Partners of most cells first, then most synapses, then
    by root id."""
    frame = combined(sides)
    for root_id, side in sides.items():
        counts = side.set_index("root_id")["num_syn"].astype("Int64").reindex(frame["root_id"])
        counts = counts if root_id in cut else counts.fillna(0)
        frame[f"num_syn_{root_id}"] = counts.array
    return frame.sort_values(["num_cells", "num_syn", "root_id"], ascending=[False, False, True], ignore_index=True)
