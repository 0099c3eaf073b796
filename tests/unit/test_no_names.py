"""Karst knows tables by their roles: no name of a table or column of one datastack stands in its code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from localcave.cortex.catalogue import TABLES, VIEWS
from localcave.importer.schemas import schema_types
from tests.servers import ROOT

RULES = ROOT / "services" / "core" / "roles.py"
FOLDERS = ("services", "callbacks", "components", "api")
SCHEMA_COLUMNS = {column.name for columns in schema_types().values() for column in columns}
VIEW_COLUMNS = {name for _, _, columns in VIEWS.values() for name in columns}
PLAIN = {"id", "cell_type", "root_id", "visual_area", "broad_type", "mtype"}
"""Column names that are words of the field, in views and everywhere."""


def code() -> list[Path]:
    return [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py") if path != RULES]


def found(names: set[str]) -> list[str]:
    return sorted(f"{path.relative_to(ROOT)}: {name}" for path in code() for name in named(names, path.read_text()))


def named(names: set[str], text: str) -> list[str]:
    matches: list[str] = re.findall(rf"(?<![\w.])({'|'.join(map(re.escape, sorted(names)))})(?!\w)", text)
    return matches


@pytest.mark.parametrize(
    "line",
    [
        'release.table("synapses_pni_2")',
        "TABLE = 'nucleus_detection_v0'  # not by role",
        'where = {"synapses_pni_2": 1}',
        '"""Reads proofreading_status_and_strategy."""',
    ],
)
def test_a_name_in_code_is_found(line: str) -> None:
    assert len(named({*TABLES, *VIEWS}, line)) == 1
    assert not named({*TABLES, *VIEWS}, line.replace("_", "-"))


def test_no_table_or_view_of_minnie65_is_named() -> None:
    names = {*TABLES, *VIEWS}
    assert {"synapses_pni_2", "nucleus_detection_v0", "proofreading_status_and_strategy"} <= names
    assert found(names) == []


def test_no_column_of_its_views_is_named() -> None:
    names = VIEW_COLUMNS - SCHEMA_COLUMNS - PLAIN
    assert {"n_input", "n_syn", "nuc_volume"} <= names
    assert found(names) == []


@pytest.mark.parametrize("name", ["minnie65_public", "minnie65_phase3", "flywire_fafb_public", "synapses_nt_v1"])
def test_no_datastack_is_named(name: str) -> None:
    assert found({name}) == []
