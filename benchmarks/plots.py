"""A plot of 94,014 rows in a real browser: how long a hand keeps its main thread busy, beside a plot of few rows.

Without a graphics card WebGL is drawn by software on the same cores, and the main thread waits for it: that is counted.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from playwright.sync_api import Page

from benchmarks.browser import pages, settle
from benchmarks.measure import Row
from services.views.addresses import TableAddress
from tests.e2e.conftest import karst

TYPES = "aibs_metamodel_celltypes_v661"
RARE = "5P-ET"
"""A type of a few thousand cells, so that its plot is drawn by WebGL as well."""
STEPS = 40
PLOT = "#table-figure .nsewdrag"
PATIENCE_MS = 120_000


def rows(server: str) -> Iterator[Row]:
    """The volumes of the demo by soma depth, over localcave at `server`."""
    with tempfile.TemporaryDirectory() as cache, karst(server, Path(cache)) as url, pages() as new_page:
        few, many = (_steps_ms(new_page(), url, where) for where in (f"cell_type = {RARE}", ""))
    for what, own, others in zip(("pan", "lasso around half of them"), many, few, strict=True):
        yield Row(
            f"table page: a plot of 94,014 points, main thread of the browser for a step of a {what}",
            f"{own:.0f} ms",
            f"of the {RARE} alone: {others:.0f} ms",
            own / others,
            "1.5x",
        )


def _steps_ms(page: Page, url: str, where: str) -> tuple[float, float]:
    """A step of a pan, and of a lasso, in the plot of the rows of a query line."""
    page.set_default_timeout(PATIENCE_MS)
    page.goto(url + TableAddress(table=TYPES, plot="scatter", where=where).href())
    page.wait_for_selector("#table-figure canvas.gl-canvas")
    settle(page)
    lasso = _busy_ms(page, lambda: _along(page, _circle))
    page.wait_for_selector("#table-picked-message strong")
    settle(page)
    page.locator("#table-figure [data-val=pan]").click()
    pan = _busy_ms(page, lambda: _along(page, _line))
    page.close()
    return pan, lasso


def _busy_ms(page: Page, act: Callable[[], None]) -> float:
    """Milliseconds of the main thread for each step of what is done."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable")

    def busy_s() -> float:
        metrics = devtools.send("Performance.getMetrics")["metrics"]
        return float(next(one["value"] for one in metrics if one["name"] == "TaskDuration"))

    before = busy_s()
    act()
    return 1000 * (busy_s() - before) / STEPS


def _along(page: Page, path: Callable[[float], tuple[float, float]]) -> None:
    """Drag the mouse over the plot along `path`, of parts of its width and height by the part of the way."""
    box = page.locator(PLOT).first.bounding_box()
    assert box, "the plot is not on the page"
    places = [path(step / STEPS) for step in range(STEPS + 1)]
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in places]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point)
    page.mouse.up()


def _circle(part: float) -> tuple[float, float]:
    return 0.35 + 0.3 * math.cos(2 * math.pi * part), 0.5 + 0.4 * math.sin(2 * math.pi * part)


def _line(part: float) -> tuple[float, float]:
    return 0.4 + 0.2 * part, 0.4 + 0.2 * part
