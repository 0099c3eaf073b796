"""Describes, for the scripts of figures, what is read of a population and which calls follow; see :mod:`calls`."""

from __future__ import annotations

from services.core.calls import Call, Read, call, known
from services.populations import chance
from services.populations.edges import edges_of
from services.populations.groupings import Grouping
from services.populations.population import Population
from services.populations.scripts import READ


def synapses(population: Population) -> Read:
    """The synapses of a population without autapses, with depth_um."""
    rows = population.between
    return Read(READ, rows.assign(depth_um=chance.depths_um(population, rows)))


def cells(population: Population) -> tuple[Read, Read]:
    """The root ids of both sets."""
    return Read("pre", population.edges.pre_ids), Read("post", population.edges.post_ids)


def edges(population: Population) -> Call:
    """The edges of a population, as a call on its synapses and cells."""
    return known(population.edges, edges_of, synapses(population), *cells(population))


def second_edges(population: Population) -> Call:
    """The edges of the second of two populations, whose synapses and cells :func:`scripts.second` reads."""
    read = {READ: population.synapses, "pre": population.edges.pre_ids, "post": population.edges.post_ids}
    return known(population.edges, edges_of, *(Read(f"second_{name}", value) for name, value in read.items()))


def groups(grouping: Grouping) -> Call:
    """Groups of cells, as a call with literal arguments."""
    return call(Grouping, grouping.by, grouping.names, grouping.of)


def somata(population: Population) -> tuple[Read, Read]:
    """The positions of the somata of both sets."""
    pre, post = (chance.somata_um(population.pair, read.result) for read in cells(population))
    return Read("pre_um", pre), Read("post_um", post)
