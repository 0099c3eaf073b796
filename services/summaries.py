"""Partners summed up by a column."""

from __future__ import annotations

import pandas as pd


def synapses_by(partners: pd.DataFrame, column: str) -> pd.DataFrame:
    """How many synapses and partners there are for each value of `column` of a partner frame, most synapses first.

    Columns: value (null = blank), count (synapses), partners. Each partner is in exactly one row, so the sums are
    those of the frame.
    """
    groups = partners.groupby(column, dropna=False, observed=True)["num_syn"]
    counts = pd.DataFrame({"count": groups.sum(), "partners": groups.size()}).rename_axis("value").reset_index()
    return counts.sort_values("count", ascending=False, kind="stable", ignore_index=True)


def type_column(partners: pd.DataFrame) -> str | None:
    """The column of a partner frame that says the cell type: `cell_type` where there is one, else the first text."""
    texts = [str(name) for name in partners.columns if pd.api.types.is_string_dtype(partners[name].dtype)]
    return "cell_type" if "cell_type" in texts else next(iter(texts), None)
