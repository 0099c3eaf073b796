"""What a text asks for, as the page of a cell reads it."""

from typing import Any

from services.cave.release import Release
from services.cells import interpretation
from services.cells.connectivity import Connectivity


def cells_meant(release: Release, text: str, question_type: str = "auto", **options: Any) -> tuple[Connectivity, ...]:
    """The cells that a text asks for, each with its partners."""
    return interpretation.answer(release, interpretation.understand(release, text, question_type), **options)
