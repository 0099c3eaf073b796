"""The parts of the table pages, as what a person reads in them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from dash import html

from components import catalogue_page
from services.core.records import TableInfo, Version
from services.views.addresses import TableAddress

VERSION = Version(7, datetime(2025, 1, 2, tzinfo=UTC), None, True)
TABLE = TableInfo("nuclei", "table", "nucleus_detection", "", "", None, "2024-01-02", (4, 4, 40), 1234)
VIEW = replace(TABLE, name="cells_typed", kind="view", description="Types of somata", row_count=None)


def words(component):
    """All text of a component."""
    if isinstance(component, list | tuple):
        return " ".join(map(words, component))
    return words(component.children) if hasattr(component, "children") else str(component or "")


def test_the_catalogue_says_how_many_of_how_many_are_found():
    listed = [TABLE, VIEW]
    result = catalogue_page.matching(listed, "typed SOMA")
    assert result == [VIEW]
    assert catalogue_page.status("tiny", VERSION, len(result), 2).startswith("1 of 2 tables and views found · tiny")
    assert catalogue_page.status("tiny", VERSION, 2, 2).startswith("2 tables and views · tiny · version 7")
    assert catalogue_page.matching(listed, " ") == listed
    assert "No table or view" in words(catalogue_page.listing(TableAddress("tiny", "7"), []))


def test_rows_that_cave_does_not_count_are_a_dash_that_says_so():
    listed = catalogue_page.listing(TableAddress("tiny", "7"), [TABLE, VIEW])
    assert "1,234" in words(listed)
    parts: list[Any] = [part for part in listed._traverse() if isinstance(part, html.Span)]
    messages = [(part.children, part.title) for part in parts]
    assert messages == [("–", "CAVE does not count the rows of a view")]
