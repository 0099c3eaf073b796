"""The distributions of a population that is shown."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from callbacks import population_views
from components.cell_figures import Plot
from components.figures import population as drawing
from services.cells import compartments, plot_frames, tuning
from services.core import type_columns
from services.core.calls import Call, Read, call, known
from services.populations import chance, tags
from services.populations import distributions as frames
from services.populations.edges import edges_of
from services.populations.groupings import CELL, Grouping, of_presynaptic
from services.populations.population import Population
from services.populations.scripts import READ
from services.views.addresses import PopulationAddress


def plots(view: PopulationAddress, result: Population) -> list[Plot]:
    """What the edges are distributed by."""
    if not len(result.edges):
        return []
    pre, post = population_views.groups(view, result.pair)
    edges = edges_call(result)
    drawn = [*_of_edges(result, edges), *([] if CELL in (pre.by, post.by) else _of_groups(result, edges, pre, post))]
    return [*drawn, *_of_compartments(result, pre), *_of_tuning(result, edges)]


def edges_call(result: Population) -> Call:
    """The edges of a population from what a script reads."""
    return known(result.edges, edges_of, _synapses(result), *_ids(result))


def grouping_call(groups: Grouping) -> Call:
    """Groups of cells, written out."""
    return known(groups, Grouping, groups.by, groups.names, groups.of)


def somata_reads(result: Population) -> tuple[Read, Read]:
    """Where the somata of both sets are."""
    pre, post = (chance.somata_um(result.pair, ids) for ids in (result.edges.pre_ids, result.edges.post_ids))
    return Read("pre_um", pre), Read("post_um", post)


def _synapses(result: Population) -> Read:
    rows = result.synapses
    deep = result.pair.release.volume.has_depth
    return Read(READ, rows.assign(depth_um=chance.depths_um(result, rows)) if deep else rows)


def _ids(result: Population) -> tuple[Read, Read]:
    return Read("pre", result.edges.pre_ids), Read("post", result.edges.post_ids)


def _of_edges(population: Population, edges: Call) -> list[Plot]:
    strengths = call(drawing.strengths, call(frames.synapses_per_connection, edges))
    deep = population.pair.release.volume.has_depth
    distance = call(drawing.by_distance, call(frames.by_distance, edges, somata_reads(population), deep))
    note = "Pairs of cells with one soma each; bars are 95% intervals (Wilson). The last bin has all that is farther."
    return [
        Plot("strengths", "Synapses per connection", strengths),
        Plot("distance", "Connected fraction by distance", distance, note=note),
    ]


def _of_compartments(population: Population, pre: Grouping) -> list[Plot]:
    """Where the version predicts them."""
    if pre.by == CELL or compartments.table_of(population.pair.release) is None:
        return []
    read = Read("tags", tags.of_synapses(population))
    of = call(of_presynaptic, _synapses(population), _ids(population)[0], grouping_call(pre))
    counts = call(frames.compartments, read, of, pre.names)
    left, whole = int(counts.result[compartments.NOT_PREDICTED].sum()), len(population.synapses)
    note = f"On the postsynaptic cell, as predicted; {left:,} of {whole:,} synapses have no prediction."
    return [Plot("compartments", "Compartments of each row", call(drawing.compartments, counts), note=note)]


def _of_tuning(population: Population, edges: Call) -> list[Plot]:
    """Where cells of both sets are coregistered."""
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


def _of_groups(population: Population, edges: Call, pre: Grouping, post: Grouping) -> list[Plot]:
    release = population.pair.release
    table, _, column = post.by.partition(type_columns.SEPARATOR)
    colours = plot_frames.type_colours(release, table, column)
    rows, columns = grouping_call(pre), grouping_call(post)
    shares = call(frames.targets, edges, rows, columns, seed=chance.SEED)
    quantiles = call(frames.degrees, edges, rows, columns)
    note = "Hover for 95% bootstrap intervals (500 resamples of the row's cells)."
    drawn = [
        Plot("targets", "Targets of each row", call(drawing.targets, shares, colours), note=note),
        Plot("out", "Targets of a cell", call(drawing.degrees, quantiles, "out")),
        Plot("in", "Sources of a cell", call(drawing.degrees, quantiles, "in")),
    ]
    return [*drawn, _of_depths(population, pre, colours)] if release.volume.has_depth else drawn


def _of_depths(population: Population, pre: Grouping, colours: Mapping[str, str]) -> Plot:
    read = _synapses(population)
    of = call(of_presynaptic, read, _ids(population)[0], grouping_call(pre))
    depths = call(frames.depths_of, read, of, pre.names)
    figure = call(drawing.depths, depths, colours, population.pair.release.volume.layers)
    return Plot("depths", "Depth of the synapses of each row", figure)
