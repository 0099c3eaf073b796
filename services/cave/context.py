"""The way from a request to the services."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from flask import current_app

if TYPE_CHECKING:
    from services.cave.client import Cave


def cave() -> Cave:
    """The CAVE door of the running application, which `create_app` put there."""
    return cast("Cave", current_app.extensions["karst"])
