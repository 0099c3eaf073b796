"""The Neuroglancers that links can open, and the addresses by which they do."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from services.core.errors import BadInput
from services.core.profiles import Profile, Viewer
from services.neuroglancer import bundled_viewer as viewer_page
from services.neuroglancer import seunglab
from services.neuroglancer.layers import State

INLINE_CHARACTERS = 2_000
"""Longer links are broken by chat and mail programs."""
PAGE_CHARACTERS = 100_000
"""The longest link that a page carries, where the state service fails; browsers open somewhat longer ones."""

SPELUNKER = Viewer("Spelunker", "https://spelunker.cave-explorer.org/", "spelunker")
MAINLINE = Viewer("Neuroglancer", "https://neuroglancer-demo.appspot.com/", "mainline")
BUNDLED = Viewer("Bundled", viewer_page.PATH, "bundled")
PANEL = Viewer("Panel", viewer_page.PANEL_PATH, BUNDLED.kind)
"""The bundled one in a page."""


def viewers_of(info: Mapping[str, Any], profile: Profile, server_address: str) -> tuple[Viewer, ...]:
    """The viewers that links can open, the default first: the profile's, else all three.

    A CAVE over plain http is a local one, which viewers elsewhere may not reach: the bundled viewer goes first.
    """
    if profile.viewers:
        return profile.viewers
    site = info.get("viewer_site") or SPELUNKER.url
    spelunker = Viewer(SPELUNKER.name, site, SPELUNKER.kind)
    if seunglab.is_site(site):
        spelunker = Viewer("Seung lab's", site, seunglab.KIND)
    if server_address.startswith("http://"):
        return (BUNDLED, spelunker, MAINLINE)
    return (spelunker, MAINLINE, BUNDLED)


def choose_viewer(viewers: Sequence[Viewer], name: str | None) -> Viewer:
    """The viewer called `name` or of that kind, whatever the case; the first for None. Raises BadInput."""
    if not name:
        return viewers[0]
    for viewer in viewers:
        if name.casefold() in (viewer.name.casefold(), viewer.kind):
            return viewer
    raise BadInput(f"There is no viewer {name[:80]!r}.", "Choose " + ", ".join(v.name for v in viewers) + ".")


def state_json(state: State) -> str:
    """A state as compact JSON. Raises ValueError for NaN, which no viewer can read."""
    return json.dumps(state, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def spoken(viewer: Viewer, state: State) -> State:
    """A state in the dialect of a viewer."""
    return seunglab.translated(state) if viewer.kind == seunglab.KIND else state


def inline_url(viewer: Viewer, state: State) -> str:
    """The address that holds the whole state, in the viewer's dialect."""
    return f"{_page(viewer)}#!" + quote(state_json(spoken(viewer, state)), safe="~@#$&()*!+=:;,.?/'")


def short_url(viewer: Viewer, datastack: str, state_address: str) -> str:
    """The address that tells the viewer where a state of the datastack's state service is.

    A state on https wants a login. The viewer elsewhere asks its user for one; the bundled viewer cannot, and
    gets the state from here.
    """
    if viewer.kind == seunglab.KIND:
        return f"{_page(viewer)}?json_url={state_address}"
    if not state_address.startswith("https://"):
        return f"{_page(viewer)}#!{state_address}"
    if viewer.kind == BUNDLED.kind:
        return f"{_page(viewer)}#!{viewer_page.state_path(datastack, int(state_address.rsplit('/', 1)[1]))}"
    return f"{_page(viewer)}#!middleauth+{state_address}"


def _page(viewer: Viewer) -> str:
    return viewer.url if viewer.url.endswith("/") else f"{viewer.url}/"
