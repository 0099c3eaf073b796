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
    """The figures whose tables the version has, and a note that counts those that need other tables."""
    release = release_of(cave(), TableAddress(version=query["version"] or LATEST))
    figures = files.figures()
    available = offered.fitting(figures, release.tables())
    return [
        gallery_page.listed(available, query["figure"]),
        alerts.without_tables(len(figures) - len(available), "figures", release.datastack),
    ]


@callback(
    Output("gallery-figure", "children"),
    Input("gallery-query", "data"),
    Input("reload", "data"),
    on_error=alerts.problem,
)
def show(query: OfFigure, _reload: Any) -> Any:
    """The figure of the address with its numbers at the version."""
    if not query["figure"]:
        return []
    figure = next((figure for figure in files.figures() if figure.name == query["figure"]), None)
    if figure is None:
        raise NotFound(f"There is no figure {query['figure'][:60]!r}.", "Choose one from the list.")
    release = release_of(cave(), TableAddress(version=query["version"] or LATEST))
    place = f"{release.datastack}, {release.version.title}"
    shares = figure.kind in numbers.SHARES
    return gallery_page.article(
        figure, numbers.compare(release, figure), place, release.profile.description, shares=shares
    )
