from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from localcave.importer.importing import import_datastack
from tests.localcave.importing import HEAD, Make, write_file


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Write files and a TOML, import them, give the folder."""

    def run(toml: str, files: dict[str, Any], head: str = HEAD) -> Path:
        for name, columns in files.items():
            write_file(tmp_path / name, columns)
        (tmp_path / "mine.toml").write_text(head + toml)
        import_datastack(tmp_path / "mine.toml", tmp_path / "out")
        return tmp_path / "out"

    return run
