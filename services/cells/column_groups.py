"""Columns of partners by what they tell: groups that a person looks at one at a time."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from services.cells.partner_columns import COMPARTMENT, SHARE, TUNED, TUNING
from services.core.columns import Column

ALL = ""
GROUPS = ("weight", "place", "compartment", "tuning", "types")
ADDED = {"weight": SHARE, "compartment": COMPARTMENT, "tuning": TUNING}
"""What a group adds to the partners (a name of `more`), where the version has it."""
_ALWAYS = ("root_id", "reciprocal", "num_syn", "num_syn_in", "num_syn_out", "cell_type")
_PLACE = ("num_soma", "soma_", "distance_", "lateral_", "nucleus_id")
_COMPARTMENT = ("on_", "pct_on_", "not_predicted")
_WEIGHT = ("net_size", "mean_size", "pct_", "partner_num", "partner_total")


def group_of(name: str) -> str:
    """The group of a column: what is known of no other is of a table, and tells what kind of cell a partner is."""
    if name in TUNED:
        return "tuning"
    for group, beginnings in (("compartment", _COMPARTMENT), ("weight", _WEIGHT), ("place", _PLACE)):
        if name.startswith(beginnings):
            return group
    return "types"


def hidden(columns: Sequence[Column], group: str) -> list[str]:
    """The names of the columns that are not shown with a group; those that say which partner it is always are."""
    if group == ALL:
        return []
    return [column.name for column in columns if column.name not in _ALWAYS and group_of(column.name) != group]


def here(offered: Collection[str], columns: Collection[str]) -> dict[str, str]:
    """The groups that a version has columns of, in the table already or `offered` to be added; and what each adds,
    "" for nothing."""
    present = {group_of(name) for name in columns if name not in _ALWAYS}
    added = {group: ADDED.get(group, "") if ADDED.get(group) in offered else "" for group in GROUPS}
    return {group: more for group, more in added.items() if more or group in present}
