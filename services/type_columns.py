"""Which column of a partner frame says the cell type."""

from __future__ import annotations

import pandas as pd


def type_column(partners: pd.DataFrame) -> str | None:
    """The column of a partner frame that says the cell type: `cell_type` where there is one, else the first text."""
    texts = [str(name) for name in partners.columns if pd.api.types.is_string_dtype(partners[name].dtype)]
    return "cell_type" if "cell_type" in texts else next(iter(texts), None)
