"""The gallery: the list of figures, and one figure with its numbers at a version."""

from __future__ import annotations

from typing import Any

from dash import Input, Output

from callbacks.bodies import OfFigure
from callbacks.register import callback
from components import alerts, gallery_page
from services.cave.context import cave
from services.core.errors import NotFound
from services.gallery import files, numbers
from services.views import offered
from services.views.addresses import LATEST, TableAddress
from services.views.resolving import release_of


@callback(Output("gallery-list", "children"), Input("gallery-query", "data"))
def list_figures(query: OfFigure) -> Any:
    """The figures whose tables the version has, and how many there are that need others."""
    release = release_of(cave(), TableAddress(version=query["version"] or LATEST))
    every = files.figures()
    kept = offered.fitting(every, release.tables())
    return [
        gallery_page.listed(kept, query["figure"]),
        alerts.without_tables(len(every) - len(kept), "figures", release.datastack),
    ]


@callback(
    Output("gallery-figure", "children"),
    Input("gallery-query", "data"),
    Input("reload", "data"),
    on_error=alerts.problem,
)
def show(query: OfFigure, _reload: Any) -> Any:
    """The figure of the address."""
    if not query["figure"]:
        return []
    figure = next((one for one in files.figures() if one.name == query["figure"]), None)
    if figure is None:
        raise NotFound(f"There is no figure {query['figure'][:60]!r}.", "Choose one from the list.")
    release = release_of(cave(), TableAddress(version=query["version"] or LATEST))
    place = f"{release.datastack}, {release.version.title}"
    shares = figure.kind in numbers.SHARES
    return gallery_page.shown(
        figure, numbers.compare(release, figure), place, release.profile.description, shares=shares
    )
