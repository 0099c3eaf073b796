"""The distributions of a population that is shown."""

from __future__ import annotations

from typing import Any

import numpy as np

from callbacks import populations
from components import cell_figures, population_panels
from components.figures import population as drawing
from services.cells import compartments, plot_frames, tuning
from services.core import type_columns
from services.populations import chance, tags
from services.populations import distributions as frames
from services.populations.edges import places
from services.populations.groupings import CELL, Grouping
from services.populations.population import Population
from services.views.addresses import PopulationAddress


def distributions(view: PopulationAddress, result: Population) -> Any:
    """What the edges are distributed by."""
    if not len(result.edges):
        return []
    pre, post = populations.groups(view, result.pair)
    plots = [*_of_edges(result), *([] if CELL in (pre.by, post.by) else _of_groups(result, pre, post))]
    plots += [*_of_compartments(result, pre), *_of_tuning(result)]
    return population_panels.distributions(plots)


def _of_edges(population: Population) -> list[Any]:
    ids = (population.edges.pre_ids, population.edges.post_ids)
    somata = (chance.somata_um(population.pair, ids[0]), chance.somata_um(population.pair, ids[1]))
    strengths = drawing.strengths(frames.synapses_per_connection(population.edges))
    distance = drawing.by_distance(frames.by_distance(population.edges, somata))
    note = "Pairs of cells with one soma each; bars are 95% intervals (Wilson). The last bin has all that is farther."
    return [
        cell_figures.plot("pop-strengths", "Synapses per connection", strengths),
        cell_figures.plot("pop-distance", "Connected fraction by distance", distance, note=note),
    ]


def _of_compartments(population: Population, pre: Grouping) -> list[Any]:
    """Where the version predicts them."""
    if pre.by == CELL or compartments.table_of(population.pair.release) is None:
        return []
    at, _ = places(population.edges.pre_ids, population.synapses["pre_root_id"].to_numpy(np.int64))
    counts = frames.compartments(tags.of_synapses(population), pre.of[at], pre.names)
    left, whole = int(counts[compartments.NOT_PREDICTED].sum()), len(population.synapses)
    note = f"On the postsynaptic cell, as predicted; {left:,} of {whole:,} synapses have no prediction."
    return [cell_figures.plot("pop-compartments", "Compartments of each row", drawing.compartments(counts), note=note)]


def _of_tuning(population: Population) -> list[Any]:
    """Where cells of both sets are coregistered."""
    release, edges = population.pair.release, population.edges
    for table in tuning.tables(release)[:1]:
        known = tuning.tuning(release, table.name)["pref_ori_deg"]
        angles = known.reindex(edges.pre_ids).to_numpy(float), known.reindex(edges.post_ids).to_numpy(float)
        pairs = frames.by_tuning(edges, angles)
        if pairs["connections"].sum():
            counts = " and ".join(f"{np.isfinite(angle).sum():,}" for angle in angles)
            note = f"{table.name}: {counts} cells have a preferred orientation."
            return [cell_figures.plot("pop-tuning", "Tuning difference", drawing.by_tuning(pairs), note=note)]
    return []


def _of_groups(population: Population, pre: Grouping, post: Grouping) -> list[Any]:
    release = population.pair.release
    table, _, column = post.by.partition(type_columns.SEPARATOR)
    colours = plot_frames.type_colours(release, table, column)
    shares = frames.targets(population.edges, pre, post, seed=chance.SEED)
    quantiles = frames.degrees(population.edges, pre, post)
    note = "Hover for 95% intervals: cells of a row drawn anew 500 times."
    plots = [
        cell_figures.plot("pop-targets", "Targets of each row", drawing.targets(shares, colours), note=note),
        cell_figures.plot("pop-out", "Targets of a cell", drawing.degrees(quantiles, "out")),
        cell_figures.plot("pop-in", "Sources of a cell", drawing.degrees(quantiles, "in")),
    ]
    if not release.volume.has_depth:
        return plots
    at, counted = places(population.edges.pre_ids, population.synapses["pre_root_id"].to_numpy(np.int64))
    rows = population.synapses[counted]
    depths = frames.depths(chance.depths_um(population, rows), pre.of[at[counted]], pre.names)
    figure = drawing.depths(depths, colours, release.volume.layers)
    return [*plots, cell_figures.plot("pop-depths", "Depth of the synapses of each row", figure)]
