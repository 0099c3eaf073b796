"""What an address of the populations page shows, and what stands there until it can be shown."""

from __future__ import annotations

from typing import Any

from callbacks import views
from components import alerts, populations_page
from services.cave.context import cave
from services.core.errors import KarstError
from services.populations.jobs import LongError
from services.views.addresses import PopulationAddress, parse_population
from services.views.population_view import NotReadError, PopulationView


def address_of(href: str) -> PopulationAddress:
    """The parsed address, without defaults filled in."""
    return parse_population(views.query_of(href))[0]


def view_of(address: PopulationAddress) -> PopulationView:
    """The view of an address, with long lists of ids saved."""
    return PopulationView.of(cave(), address).shortened()


def shown(address: PopulationAddress) -> PopulationView | None:
    """The view of an address; None where it names no set, or its synapses were not read."""
    view = view_of(address)
    return view if view.address.pre_set and not view.unread else None


def waiting(error: KarstError) -> Any:
    """The offer to read synapses, or the progress of what takes long, where one of them is the error; else the
    error."""
    match error:
        case NotReadError():
            return populations_page.offer(error.address, error.requests)
        case LongError():
            return populations_page.under_way(error.job)
    return alerts.problem(error)
