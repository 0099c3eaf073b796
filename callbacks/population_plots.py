"""The plots of a population: distributions, and the network."""

from __future__ import annotations

import numpy as np

from components.cell_figures import Plot
from components.figures import population as drawing
from components.figures.network import drawing as network_drawing
from services.cells import compartments, plot_frames, tuning
from services.core import type_columns
from services.core.calls import Call, Read, call
from services.populations import distributions as frames
from services.populations import figure_reads, networks, tags
from services.populations.groupings import CELL, Grouping, of_presynaptic
from services.populations.population import Population
from services.views.population_view import PopulationView


def plots(view: PopulationView) -> list[Plot]:
    """The plots of the distributions of the edges; none without edges."""
    result = view.entry
    if not len(result.edges):
        return []
    (pre, post), edges = view.entry_groups, figure_reads.edges(result)
    drawn = [
        *_of_edges(result, edges),
        *([] if CELL in (pre.by, post.by) else _of_groups(result, edges, pre, post, view.seed)),
    ]
    return [*drawn, *_of_compartments(result, pre), *_of_tuning(result, edges)]


def network(view: PopulationView) -> Plot:
    """The network of the groups, or cells, of a population and the connections among them."""
    result, (pre, post) = view.entry, view.entry_groups
    table, _, column = pre.by.partition(type_columns.SEPARATOR)
    colours = {} if pre.by == CELL else plot_frames.type_colours(view.release, table, column)
    shown = call(
        networks.network,
        figure_reads.edges(result),
        figure_reads.groups(pre),
        figure_reads.groups(post),
        figure_reads.somata(result),
    )
    figure = call(network_drawing, shown, colours, named=CELL not in (pre.by, post.by))
    return Plot("network", "Network", figure)


def _of_edges(population: Population, edges: Call) -> list[Plot]:
    strengths = call(drawing.strengths, call(frames.synapses_per_connection, edges))
    deep = population.pair.release.volume.has_depth
    distance = call(drawing.by_distance, call(frames.by_distance, edges, figure_reads.somata(population), deep))
    note = (
        "Pairs of cells with one soma each; bars are 95% intervals (Wilson). The last bin holds all greater distances."
    )
    return [
        Plot("strengths", "Synapses per connection", strengths),
        Plot("distance", "Connected fraction by distance", distance, note=note),
    ]


def _of_compartments(population: Population, pre: Grouping) -> list[Plot]:
    """The compartments of the synapses, where the version predicts them."""
    if pre.by == CELL or compartments.table_of(population.pair.release) is None:
        return []
    read = Read("tags", tags.of_synapses(population))
    of = call(
        of_presynaptic, figure_reads.synapses(population), figure_reads.cells(population)[0], figure_reads.groups(pre)
    )
    counts = call(frames.compartments, read, of, pre.names)
    left, whole = int(counts.result[compartments.NOT_PREDICTED].sum()), len(read.result)
    note = f"On the postsynaptic cell, as predicted; {left:,} of {whole:,} synapses have no prediction."
    return [Plot("compartments", "Compartments of each row", call(drawing.compartments, counts), note=note)]


def _of_tuning(population: Population, edges: Call) -> list[Plot]:
    """The tuning of connected cells, where cells of both sets are coregistered."""
    release = population.pair.release
    for table in tuning.tables(release)[:1]:
        angles = tuning.tuning(release, table.name)["pref_ori_deg"]
        both = [angles.reindex(ids).to_numpy(float) for ids in (edges.result.pre_ids, edges.result.post_ids)]
        pairs = call(frames.by_tuning, edges, (Read("pre_ori", both[0]), Read("post_ori", both[1])))
        if pairs.result["connections"].sum():
            counts = " and ".join(f"{np.isfinite(one).sum():,}" for one in both)
            note = f"{table.name}: {counts} cells have a preferred orientation."
            return [Plot("tuning", "Tuning difference", call(drawing.by_tuning, pairs), note=note)]
    return []


def _of_groups(population: Population, edges: Call, pre: Grouping, post: Grouping, seed: int) -> list[Plot]:
    rows, columns = figure_reads.groups(pre), figure_reads.groups(post)
    shares = call(frames.targets, edges, rows, columns, seed=seed)
    quantiles = call(frames.degrees, edges, rows, columns)
    note = f"Hover for 95% bootstrap intervals ({frames.BOOTSTRAPS} resamples of the row's cells, seed {seed})."
    drawn = [
        Plot("targets", "Targets of each row", call(drawing.targets, shares, _colours(population, post)), note=note),
        Plot("out", "Targets of a cell", call(drawing.degrees, quantiles, "out")),
        Plot("in", "Sources of a cell", call(drawing.degrees, quantiles, "in")),
    ]
    return [*drawn, _of_depths(population, pre)] if population.pair.release.volume.has_depth else drawn


def _of_depths(population: Population, pre: Grouping) -> Plot:
    read = figure_reads.synapses(population)
    of = call(of_presynaptic, read, figure_reads.cells(population)[0], figure_reads.groups(pre))
    depths = call(frames.depths_of, read, of, pre.names)
    figure = call(drawing.depths, depths, _colours(population, pre), population.pair.release.volume.layers)
    return Plot("depths", "Depth of the synapses of each row", figure)


def _colours(population: Population, groups: Grouping) -> dict[str, str]:
    """The colour of each group by its name."""
    table, _, column = groups.by.partition(type_columns.SEPARATOR)
    return plot_frames.type_colours(population.pair.release, table, column)
