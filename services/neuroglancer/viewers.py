"""The Neuroglancer viewers in which links can be opened, and the addresses that open a state in them."""

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
"""The longest link on a page where the state service fails; browsers can open somewhat longer ones."""

SPELUNKER = Viewer("Spelunker", "https://spelunker.cave-explorer.org/", "spelunker")
MAINLINE = Viewer("Neuroglancer", "https://neuroglancer-demo.appspot.com/", "mainline")
BUNDLED = Viewer("Bundled", viewer_page.PATH, "bundled")
PANEL = Viewer("Panel", viewer_page.PANEL_PATH, BUNDLED.kind)
"""The bundled viewer as a panel inside a page."""


def viewers_of(info: Mapping[str, Any], profile: Profile, server_address: str) -> tuple[Viewer, ...]:
    """The viewers in which links can be opened, the default first: the profile's, else Spelunker (or the viewer of the
    info record's `viewer_site`), mainline Neuroglancer and the bundled one.

    For a CAVE server over plain http, which is a local one that viewers elsewhere may not reach, the bundled viewer is
    the default.
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
    """The viewer with this name or kind, ignoring case; the first for None or "". Raises BadInput for an unknown
    one."""
    if not name:
        return viewers[0]
    for viewer in viewers:
        if name.casefold() in (viewer.name.casefold(), viewer.kind):
            return viewer
    raise BadInput(f"There is no viewer {name[:80]!r}.", "Choose " + ", ".join(viewer.name for viewer in viewers) + ".")


def state_json(state: State) -> str:
    """A state as compact JSON text. Raises ValueError for NaN, which no viewer can read."""
    return json.dumps(state, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def in_dialect(viewer: Viewer, state: State) -> State:
    """A state in the dialect of a viewer: translated for the Seung lab's fork, the same object for all others."""
    return seunglab.translated(state) if viewer.kind == seunglab.KIND else state


def inline_url(viewer: Viewer, state: State) -> str:
    """The address that opens a state in a viewer and holds the whole of it, in the viewer's dialect."""
    return f"{_page(viewer)}#!" + quote(state_json(in_dialect(viewer, state)), safe="~@#$&()*!+=:;,.?/'")


def short_url(viewer: Viewer, datastack: str, state_address: str) -> str:
    """The address that opens a state which the datastack's state service keeps at `state_address`.

    A state service on https requires a login. Other viewers ask their user to log in; the bundled viewer cannot, and
    loads the state through this application.
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
