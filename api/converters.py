"""Parts of addresses that hold what a person pasted."""

from __future__ import annotations

from flask.sansio.blueprints import BlueprintSetupState
from werkzeug.routing import PathConverter


class LinkConverter(PathConverter):
    """A link or the state of a Neuroglancer, with slashes and lines in it."""

    regex = r"[^/]*?(?://|\{)(?s:.*?)"


class RestConverter(PathConverter):
    """The rest of a path, whatever is in it, with lines."""

    regex = r"[^/](?s:.*?)"


def register(state: BlueprintSetupState) -> None:
    """Make it known to the application, before the routes that name it are."""
    state.app.url_map.converters |= {"link": LinkConverter, "rest": RestConverter}
