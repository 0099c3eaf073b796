"""What the demo cortex holds, asked with caveclient and pandas alone, and what a link in the page says."""

from __future__ import annotations

import json
import re
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

import pandas as pd
from caveclient import CAVEclient
from playwright.sync_api import Page

DATASTACK = "karst_demo"
TYPES = "aibs_metamodel_celltypes_v661"
PROOFREADING = "proofreading_status_and_strategy"
SOME = re.compile(r"\S")
"""Any text: a cell that is still drawn has parts already, and nothing in them."""


class Truth:
    """The newest version of the demo, straight from the server."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client = CAVEclient(DATASTACK, server_address=url, auth_token="none", write_server_cache=False)
        self.version = max(self.client.materialize.get_versions())
        self.client.version = self.version

    def types(self) -> pd.DataFrame:
        """All rows of the cell-type table, merged with the nuclei."""
        return self.client.materialize.query_table(TYPES)

    def partners(self, root_id: int, direction: str) -> pd.Series:
        """Synapses for each partner of a cell, without autapses and root id 0."""
        own, other = ("post", "pre") if direction == "in" else ("pre", "post")
        synapses = self.client.materialize.synapse_query(**{f"{own}_ids": root_id})
        roots = synapses[f"{other}_pt_root_id"]
        return roots[(roots != root_id) & (roots != 0)].value_counts()

    def proofread_root(self) -> int:
        """A cell with many inputs."""
        rows = self.client.materialize.query_table(PROOFREADING)
        return int(rows.loc[rows["pt_root_id"] != 0, "pt_root_id"].iloc[0])


def neuroglancer_state(page: Page, selector: str) -> dict[str, Any]:
    """The state that the link opens: in its address, or where the address says that it is."""
    fragment = urllib.parse.unquote((page.locator(selector).first.get_attribute("href") or "").partition("#!")[2])
    if fragment.startswith("{"):
        return json.loads(fragment)
    with urllib.request.urlopen(fragment.removeprefix("middleauth+")) as answer:
        return json.load(answer)


def address(page: Page) -> str:
    """The address of what the page shows, once it is known."""
    shown: str = page.evaluate("karst.settled().then(() => location.href)")
    return shown


def query(page: Page) -> dict[str, list[str]]:
    """The parameters of that address."""
    return urllib.parse.parse_qs(urllib.parse.urlsplit(address(page)).query)


def expect_copied(page: Page, text: str | None) -> None:
    """Wait until the clipboard holds `text`, or the page's address (None)."""
    page.wait_for_function("async text => await navigator.clipboard.readText() === (text ?? location.href)", arg=text)


def segments(state: dict[str, Any]) -> set[str]:
    """The ids that the state's segmentations list; hidden ones begin with !."""
    listed = [segment for layer in state["layers"] for segment in layer.get("segments", [])]
    assert all(isinstance(segment, str) for segment in listed), "an id that is not text loses digits"
    return {segment.removeprefix("!") for segment in listed}


def points(state: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All annotations of the state."""
    for layer in state["layers"]:
        yield from layer.get("annotations", [])
