"""Callbacks: what runs when a page is opened or used. Importing this package registers all of them with Dash."""

from callbacks import (
    catalogue,
    cell_panels,
    connectivity_viewer,
    first_rows,
    gallery,
    home,
    lessons,
    partner_figures,
    partner_grids,
    population_panels,
    populations,
    shell,
    skeletons,
    table_3d,
    table_panels,
    table_viewer,
)

__all__ = [
    "catalogue",
    "cell_panels",
    "connectivity_viewer",
    "first_rows",
    "gallery",
    "home",
    "lessons",
    "partner_figures",
    "partner_grids",
    "population_panels",
    "populations",
    "shell",
    "skeletons",
    "table_3d",
    "table_panels",
    "table_viewer",
]
