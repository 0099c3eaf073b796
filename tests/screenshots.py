"""`make screenshots`: every page as a person sees it, in both themes, at four sizes, empty, loaded and failing."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, sync_playwright

from localcave.cortex import make
from tests.e2e.conftest import CHROMIUM, FLAGS, karst
from tests.e2e.truth import PROOFREADING, TYPES, Truth
from tests.servers import start_localcave

SIZES = ((1440, 900), (1280, 720), (820, 1180), (390, 844))
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
QUIET_MS, PATIENCE_MS = 1_500, 60_000


def pages(root: int) -> dict[str, tuple[str, str]]:
    """Name: path, and what is there once the page is whole."""
    table, cell = f"/table-viewer?table={TYPES}", f"/connectivity-viewer?cell={root}"
    return {
        "start": ("/", "#home-cells a"),
        "table": (table, "#table-link a"),
        "table-empty": (f"{table}&f.cell_type=nothing", "#table-counts"),
        "table-failing": ("/table-viewer?table=nope", "#table-notes .alert"),
        "cell": (cell, "#panel-out .k-neuroglancer"),
        "cell-types": (f"{cell}&tab=types", "#panel-types table"),
        "cell-empty": ("/connectivity-viewer", ".k-empty"),
        "cell-failing": ("/connectivity-viewer?cell=x", "#cell-notes .alert"),
        "catalogue": ("/catalogue", "#catalogue-tables a"),
        "populations-empty": ("/populations", "#pop-results > *"),
        "populations": (f"/populations?pre_table={PROOFREADING}&read=on", "#pop-table a"),
        "populations-distributions": (
            f"/populations?pre_table={PROOFREADING}&read=on&panel=distributions",
            "#plot-depths .main-svg",
        ),
        "populations-failing": ("/populations?pre_table=nope", ".alert-danger"),
        "gallery": ("/gallery", "#gallery-list a"),
        "skeletons": (f"/skeletons?cells={root}", "main h1"),
        "glossary": ("/glossary", "main h1"),
        "lessons": ("/lessons", "#lessons-list a"),
        "join": ("/join", "main h1"),
        "not-found": ("/nowhere", "main h1"),
    }


def shoot(browser: Browser, url: str, root: int, folder: Path, only: str = "") -> None:
    """Write a picture of every page with `only` in its name, in every theme and size, to `folder`."""
    for theme in THEMES:
        for width, height in SIZES:
            page = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme).new_page()
            page.set_default_timeout(PATIENCE_MS)
            for name, (path, ready) in pages(root).items():
                if only not in name:
                    continue
                page.goto(url + path)
                page.wait_for_selector(ready)
                page.wait_for_load_state("networkidle")
                page.wait_for_timeout(QUIET_MS)
                page.screenshot(path=folder / f"{name}-{theme}-{width}x{height}.png")
            page.context.close()


def main(folder: Path, only: str = "") -> None:
    """Serve a small demo cortex and take the pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        demo = Path(scratch) / "karst_demo"
        make(demo, size="small")
        with start_localcave([demo]) as cave, karst(cave, Path(scratch) / "cache") as url, sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
            shoot(browser, url, Truth(cave).proofread_root(), folder, only)
            browser.close()
    print(f"{len(list(folder.glob('*.png')))} pictures in {folder}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
