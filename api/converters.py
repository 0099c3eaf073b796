"""Parts of addresses that hold what a person pasted."""

from __future__ import annotations

from flask.sansio.blueprints import BlueprintSetupState
from werkzeug.routing import BaseConverter, PathConverter


class ListConverter(BaseConverter):
    """Ids with commas between them, or the coordinates of a position."""

    regex = r"[^/]*,[^/]*"
    weight = 90


class LinkConverter(PathConverter):
    """A link or the state of a Neuroglancer, with slashes and lines in it."""

    regex = r"[^/]*?(?://|\{)(?s:.*?)"


def register(state: BlueprintSetupState) -> None:
    """Make them known to the application, before the routes that name them are."""
    state.app.url_map.converters |= {"list": ListConverter, "link": LinkConverter}
