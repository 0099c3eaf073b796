"""Answers that are cut: asked for in parts, whatever order their rows come in."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from services.cave.queries import NO_FILTERS, Filters
from services.cave.rows import complete

LIMIT = 500
IDS = np.unique(np.random.default_rng(1).integers(1, 2**53, 10_000))


@pytest.mark.parametrize(("order", "most"), [("by id", 2.1), ("none", 4.0), ("some of them by id", 4.5)])
def test_cut_answers_are_asked_for_in_few_parts(order: str, most: float) -> None:
    rng, questions = np.random.default_rng(2), []

    def rows(filters: Filters) -> pd.DataFrame:
        questions.append(filters)
        kept = IDS[(filters.greater_equal.get("id", 0) <= IDS) & (filters.less.get("id", 2**62) > IDS)]
        ids = kept if order == "by id" else rng.permutation(kept)
        sent = ids[:LIMIT] if order != "some of them by id" else np.sort(ids[:LIMIT])
        frame = pd.DataFrame({"id": sent})
        frame.attrs = {"truncated": {"shown": LIMIT, "total": None} if len(kept) > LIMIT else None}
        return frame

    assert sorted(complete(rows, NO_FILTERS)["id"]) == IDS.tolist()
    assert len(questions) <= most * len(IDS) / LIMIT
