"""Many points, coloured by value, fast in the browser."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pandas as pd

from components.figures.axes import NEUTRAL
from components.figures.template import Trace, dots, packed, plain

MOST_VALUES = 30
"""More in a legend nobody can read; the rarest are then drawn together."""

OTHERS = "other values"


def in_order(labels: Iterable[str], colours: Mapping[str, str], blank: str) -> list[str]:
    """Labels as a legend lists them: as `colours` has them, others by name, blank last."""
    place = {label: at for at, label in enumerate(colours)} | {OTHERS: len(colours) + 1, blank: len(colours) + 2}
    return sorted(labels, key=lambda label: (place.get(label, len(colours)), label))


def by_value(
    points: pd.DataFrame,
    x: str,
    y: str,
    colours: Mapping[str, str],
    blank: str,
    *,
    unit: str = "µm",
    size: float = 5,
    **options: object,
) -> Iterator[Trace]:
    """A trace for each value of `points`, in the order of `colours`, blank last, with dots of `size` pixels; `row`,
    where there is one, goes into customdata.

    `options` go to every trace.
    """
    common = points["value"].value_counts().index[:MOST_VALUES]
    labels = points["value"].where(points["value"].isin(common) | points["value"].isna(), OTHERS).fillna(blank)
    codes, names = pd.factorize(labels)
    # one sort, not a comparison of all texts with each
    order, ends = np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes, minlength=len(names)))[:-1]
    rows_of = dict(zip(names, np.split(order, ends) if len(names) else (), strict=True))
    of_x, of_y = points[x].to_numpy(float), points[y].to_numpy(float)
    rows = points["row"].to_numpy() if "row" in points else None
    for label in in_order(rows_of, colours, blank):
        at = rows_of[label]
        yield {
            "type": dots(len(points)),
            "x": packed(of_x[at]),
            "y": packed(of_y[at]),
            **({"customdata": rows[at]} if rows is not None else {}),  # a plain list in JSON, as Dash wants it
            "mode": "markers",
            "name": plain(label),
            "legendgroup": label,
            "marker": {"color": colours.get(label, NEUTRAL), "size": size, "opacity": 0.75},
            "hovertemplate": f"%{{fullData.name}}<br>%{{x:.0f}}, %{{y:.0f}} {unit}<extra></extra>",
            **options,
        }
