"""Text in the order in which people read it: 9 before 10."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal

import pandas as pd


def natural_sorted(texts: Iterable[str]) -> list[str]:
    """The texts with 9 before 10 and L2 before L10. Where all are numbers, these are in order."""

    def parts(text: str) -> list[object]:
        # text and digits take turns; digits without zeros before them are less if they are fewer
        split = re.split("([0-9]+)", text)
        return [(len(part.lstrip("0")), part.lstrip("0")) if at % 2 else part for at, part in enumerate(split)]

    different = [str(text) for text in texts]
    number = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
    numbers = all(number.fullmatch(text) for text in different)
    return sorted(different, key=lambda text: (Decimal(text) if numbers else parts(text), text))


def natural_ranks(texts: pd.Series) -> pd.Series:
    """The place of each text among all different ones, in their natural order; blank stays blank."""
    ranks = {text: rank for rank, text in enumerate(natural_sorted(texts.dropna().unique()))}
    return texts.map(ranks).astype("Int64")
