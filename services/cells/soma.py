"""The soma of a cell in the electron microscopy image."""

from __future__ import annotations

import io

from services.cave.client import Cave
from services.cells.cells import Cell
from services.core.errors import NotFound, Upstream

WIDTH_NM = 25_000.0
"""Width of the image; a cortical soma is 10 to 20 um wide."""


def image(cave: Cave, datastack: str, cell: Cell) -> bytes:
    """The section through the nucleus as a greyscale PNG file, WIDTH_NM wide. Raises NotFound for a cell without
    exactly one known soma, Upstream where the image cannot be read."""
    from PIL import Image  # noqa: PLC0415 - only a picture needs it

    if cell.soma_position_nm is None:
        raise NotFound(f"No soma of {cell.root_id} is known, or several are.")
    section = cave.at(datastack).image_around(datastack, cell.soma_position_nm, WIDTH_NM)
    if section is None:
        raise Upstream(f"The image of {datastack} could not be read.")
    picture = io.BytesIO()
    Image.fromarray(section).save(picture, "PNG")
    return picture.getvalue()
