"""The application as it is served, and a browser that forgives nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response, expect, sync_playwright

from tests.e2e.truth import Truth
from tests.servers import karst

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-gpu-compositing",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # takes the place of Playwright's own list, whose parts that matter here come first
    "--disable-features=HttpsUpgrades,MediaRouter,NetworkTimeServiceQuerying,OptimizationHints,PaintHolding,"
    "PreconnectToSearch,WebUIOmniboxPopup,WebUIOmniboxAimPopup",
]
"""WebGL by software, but for nothing else; no calls home, and no suggestions for an address bar that nobody sees."""

KEEP_COMPILED = "--blink-settings=v8CacheOptions=4"
"""Code is kept as it was compiled from its first time on, all of it."""

SHIFT = """new PerformanceObserver((list) => {
    const moved = list.getEntries().filter((one) => !one.hadRecentInput);
    window.shifted = moved.reduce((sum, one) => sum + one.value, window.shifted || 0);
}).observe({type: "layout-shift", buffered: true});"""
"""Adds up how much of a page moved by itself, in `window.shifted`."""

WIDTH, HEIGHT = 1440, 900
WINDOW: dict[str, Any] = {
    "viewport": {"width": WIDTH, "height": HEIGHT},
    "color_scheme": "light",
    "permissions": ["clipboard-read", "clipboard-write"],
}
PATIENCE_MS = 60_000
"""Two cores may be busy with more than this."""

expect.set_options(timeout=PATIENCE_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A page that fails under load is tried twice more, and the end of the run names it: a race that is to be found."""
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.flaky(reruns=2))


@pytest.fixture(scope="session")
def karst_url(localcave_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Karst over the small demo cortex."""
    with karst(localcave_url, tmp_path_factory.mktemp("karst-cache")) as url:
        yield url


@pytest.fixture(scope="module")
def truth(localcave_url: str) -> Truth:
    """What localcave says to a client that is not Karst."""
    return Truth(localcave_url)


@pytest.fixture(scope="session")
def profile(karst_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """Headless Chromium with a profile, which spares a page of Karst the compiling of its code.

    The tests are skipped where there is none.
    """
    if not CHROMIUM.exists():
        pytest.skip(f"there is no browser at {CHROMIUM}")
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"),
            executable_path=CHROMIUM,
            args=[*FLAGS, KEEP_COMPILED],
            base_url=karst_url,
            **WINDOW,
        )
        context.set_default_timeout(PATIENCE_MS)
        yield context
        context.close()


@pytest.fixture(scope="session")
def browser(profile: BrowserContext) -> Browser:
    """The same Chromium, for windows that know nothing of each other."""
    assert profile.browser is not None
    return profile.browser


OpenPage = Callable[..., AbstractContextManager[Page]]


def is_no_page(message: ConsoleMessage) -> bool:
    """Whether the browser reports that a page itself, not a part of one, answered 404."""
    path = urlsplit(message.location["url"]).path
    return "status of 404" in message.text and not path.startswith(("/api/", "/_dash", "/assets/"))


def faults_of(page: Page) -> list[str]:
    """What the console, the page and the server report as errors, from now on."""
    faults: list[str] = []

    def console(message: ConsoleMessage) -> None:
        if message.type == "error" and not is_no_page(message):
            faults.append(f"console: {message.text} ({message.location['url']})")

    def response(answer: Response) -> None:
        if answer.status >= 500:
            faults.append(f"HTTP {answer.status}: {answer.url}")

    page.on("console", console)
    page.on("pageerror", lambda error: faults.append(f"page: {error}"))
    page.on("response", response)
    return faults


@pytest.fixture(scope="session")
def open_page(browser: Browser) -> OpenPage:
    """A page in a window of its own that fails when the console, the page or the server reports an error."""

    @contextmanager
    def opened(base_url: str) -> Iterator[Page]:
        context = browser.new_context(base_url=base_url, **WINDOW)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        faults = faults_of(page)
        yield page
        context.close()
        assert not faults, "\n".join(faults)

    return opened


@pytest.fixture
def tab(profile: BrowserContext, karst_url: str) -> Iterator[Page]:
    """A page of Karst over the small demo cortex, which finds nothing kept of other pages but files and code."""
    others = profile.pages
    tab = profile.new_page()
    storage = {"origin": karst_url, "storageTypes": "cookies,local_storage"}
    profile.new_cdp_session(tab).send("Storage.clearDataForOrigin", storage)
    yield tab
    for opened in set(profile.pages).difference(others):
        opened.close()


@pytest.fixture
def page(tab: Page) -> Iterator[Page]:
    """The same; fails as one of `open_page` does."""
    faults = faults_of(tab)
    yield tab
    tab.close()
    assert not faults, "\n".join(faults)
