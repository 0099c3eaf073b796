"""What is looked at of a population beside its matrix: distributions, motifs, similar cells, paths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
from dash import html

from components import cell_figures
from components.attributes import aria
from components.cell_card import counted
from components.cell_figures import Plot
from components.long_table import Cell, folded, hint, link, long_table
from components.populations_page import MOST_LISTED, file
from services.core.columns import decimals
from services.core.type_columns import NO_TYPE
from services.views.addresses import CellAddress, PopulationAddress

WAYS = {"out": "target", "in": "source", "both": "target and source"}
OF = {"both": "both", "first": "the first only", "second": "the second only"}
MOTIFS = {
    "reciprocal": "A ↔ B",
    "021D": "A ← B → C",
    "021U": "A → B ← C",
    "021C": "A → B → C",
    "111D": "A ↔ B ← C",
    "111U": "A ↔ B → C",
    "030T": "A → B → C, A → C",
    "030C": "A → B → C → A",
    "201": "A ↔ B ↔ C",
    "120D": "A ← B → C, A ↔ C",
    "120U": "A → B ← C, A ↔ C",
    "120C": "A → B → C, A ↔ C",
    "210": "A → B ↔ C, A ↔ C",
    "300": "A ↔ B ↔ C, A ↔ C",
}
FORMS = {"share": ".1%", "synapses_per_cell": ",.2f", "connected_fraction": ".1%"}
"""How what is compared of two sets is written."""
MOST_IDS = 50
"""Cells of a cluster that are listed."""


def distributions(plots: Sequence[Plot]) -> html.Section:
    """Plots of a population."""
    drawn = [cell_figures.plot(one, "population") for one in plots]
    return html.Section(html.Div(drawn, className="k-population-figures"), **aria(label="Distributions"))


def motifs(view: PopulationAddress, counts: pd.DataFrame, notes: Sequence[str]) -> html.Section:
    """Motifs against chance: `counts` and `notes` are of `motifs`."""
    rows: list[list[Cell]] = [
        [
            row["motif"],
            MOTIFS[row["motif"]],
            f"{row['observed']:,}",
            f"{row['expected']:,.1f}",
            f"{row['low']:,.1f} to {row['high']:,.1f}",
            *(_known(row[name], ".2f") for name in ("ratio", "z")),
            *(_known(row[name], f".{decimals(counts['p'])}f") for name in ("p", "q")),
        ]
        for row in counts.to_dict("records")
    ]
    titles = ("motif", "connections", "observed", "expected", "95% interval", "observed / expected", "z", "p", "q")
    files = file(view, "motifs", "Motifs:", permutations=view.permutations, seed=view.seed)
    listed = long_table("Motifs", titles, rows, titles[:2])
    words = "Reciprocal pairs, and the 13 ways to connect three cells."
    return _section("Motifs", " ".join([words, *notes]), listed, files)


def clusters(view: PopulationAddress, cells: pd.DataFrame) -> html.Section:
    """Clusters of cells: `cells` have root_id, cluster and group, in the order of the tree."""
    rows: list[list[Cell]] = [
        [
            str(number),
            f"{len(some):,}",
            _types(some["group"]),
            folded("Root ids", _cells(view, some["root_id"])),
        ]
        for number, some in cells.groupby("cluster")
    ]
    ways = f"By the synapses with each type of {WAYS[view.direction]}; average linkage."
    note = f"{ways} Choose a cell to list those similar to it."
    listed = long_table("Clusters", ("cluster", "cells", "types", "root ids"), rows, ("cluster", "types", "root ids"))
    return _section("Clusters", note, listed, _alike_files(view, number=view.clusters))


def alike(view: PopulationAddress, cells: pd.DataFrame) -> html.Section:
    """Cells like that of the view: `cells` have root_id, similarity, num_syn and group, the likest first."""
    rows: list[list[Cell]] = [
        [
            _cell(view, row["root_id"]),
            _name(row["group"]),
            f"{row['similarity']:.3f}",
            f"{row['num_syn']:,}",
            link("in common", replace(view, other=str(row["root_id"])).href()),
        ]
        for row in cells.head(MOST_LISTED).to_dict("records")
    ]
    note = f"{view.measure.capitalize()} of the synapses with each type of {WAYS[view.direction]}.{_first(cells)}"
    titles = ("cell", "type", "similarity", "synapses", "partners")
    listed = long_table("Similar cells", titles, rows, ("cell", "type", "partners"))
    return _section(f"Cells similar to {view.cell}", note, listed, _alike_files(view, cell=view.cell))


def partners(view: PopulationAddress, shared: pd.DataFrame) -> html.Section:
    """The partners of the two cells of the view: `shared` are of `similar_cells.partners`."""
    counts = shared["of"].value_counts()
    sums = ", ".join(f"{counts.get(of, 0):,} of {words}" for of, words in OF.items())
    rows: list[list[Cell]] = [
        [
            _cell(view, row["root_id"]),
            "target" if row["direction"] == "out" else "source",
            OF[row["of"]],
            f"{row['num_syn_first']:,}",
            f"{row['num_syn_second']:,}",
        ]
        for row in shared.head(MOST_LISTED).to_dict("records")
    ]
    titles = ("partner", "is", "of", "synapses with the first", "with the second")
    files = file(view, "partners", "Partners:", cell=view.cell, other=view.other, direction=view.direction)
    listed = long_table("Partners", titles, rows, titles[:3])
    title = f"Partners of {view.cell} and {view.other}"
    return _section(title, f"Among the sets: {sums}.{_first(shared)}", listed, files)


def paths(view: PopulationAddress, best: pd.DataFrame, reached: pd.Series, pairs: int, words: str) -> html.Section:
    """The paths of a population: `best` and `reached` are of `paths.between`, of so many `pairs` of cells."""
    counts = [f"{count:,} in {counted(steps, 'step')}" for steps, count in enumerate(reached, start=1) if count]
    left = pairs - int(reached.sum())
    unreached = f"; {left:,} not within 3 steps" if left else ""
    sums = f"Pairs of cells: {'; '.join(counts) or 'none is reached'}{unreached}."
    first = f" The first {len(best)} of {reached.sum():,} are listed." if len(best) < reached.sum() else ""
    rows: list[list[Cell]] = [
        [
            _cell(view, row["pre_root_id"]),
            *(_step(view, row, step) for step in (1, 2)),
            [*_weight(row[f"num_syn_{row['steps']}"]), _cell(view, row["post_root_id"])],
            f"{row['steps']}",
            f"{row['weakest']:,}",
        ]
        for row in best.to_dict("records")
    ]
    titles = ("from", "via", "via", "to", "steps", "weakest step")
    files = file(view, "paths", "Paths:", through=view.through, order=view.best)
    return _section("Paths", f"{words} {sums}{first}", long_table("Paths", titles, rows, titles[:4]), files)


def changes(view: PopulationAddress, pairs: pd.DataFrame, notes: Sequence[str]) -> html.Section:
    """What became of the pairs of the view since the version `against`: `pairs` are of `comparisons.changes`,
    `notes` about the sets at that version."""
    changed = pairs[pairs["change"] != "same"]
    sums = ", ".join(f"{count:,} {change}" for change, count in pairs["change"].value_counts().items())
    rows: list[list[Cell]] = [
        [
            _then(view, row, "pre"),
            _then(view, row, "post"),
            f"{row['num_syn_before']:,}",
            f"{row['num_syn']:,}",
            row["change"],
        ]
        for row in changed.head(MOST_LISTED).to_dict("records")
    ]
    titles = ("from", "to", f"synapses at {view.against}", f"at {view.version}", "change")
    note = f"Pairs that are connected at either version: {sums or 'none'}. Cells are followed by their nucleus."
    listed = long_table("Changes", titles, rows, ("from", "to", "change"))
    files = file(view, "changes", "Pairs:", against=view.against)
    words = " ".join([note + _first(changed), *notes])
    return _section(f"Version {view.against} to {view.version}", words, listed, files)


def beside(view: PopulationAddress, plot: Plot, groups: pd.DataFrame, by: str, notes: Sequence[str]) -> html.Section:
    """Two sets of cells beside each other: `groups`, by a column, are of `comparisons.difference`,
    `notes` say what they are."""
    form = FORMS[view.compared]
    rows: list[list[Cell]] = [
        [
            _name(row["group"]),
            *(_known(row[name], form) for name in ("first", "second", "difference")),
            f"{_known(row['low'], form)} to {_known(row['high'], form)}" if pd.notna(row["low"]) else "",
        ]
        for row in groups.to_dict("records")
    ]
    titles = (by, "first", "second", "difference", "95% interval")
    graph = cell_figures.plot(plot, "population")
    more = {"direction": view.direction, "value": view.compared, "beside": view.beside, "seed": view.seed}
    files = file(view, "difference", "Differences:", pre_by=view.pre_by, post_by=view.post_by, **more)
    return _section("Side by side", " ".join(notes), graph, long_table("Differences", titles, rows, (by,)), files)


def only(view: PopulationAddress, missing: str) -> html.P:
    """Says that what follows is of one entry of the matrix, or is `missing`."""
    every = html.A("Show all", href=replace(view, row="", column="").href())
    words = f"Only {view.row} onto {view.column}. {missing} ".replace("  ", " ")
    return html.P([words, every], className="k-hint")


def nothing(words: str) -> html.P:
    """Stands where a panel would be, and says what it needs."""
    return html.P(words, className="k-hint")


def _section(title: str, note: str, *children: Any) -> html.Section:
    return html.Section(
        [html.H2(title), html.P(note, className="k-hint"), *children], className="k-listed", **aria(label=title)
    )


def _alike_files(view: PopulationAddress, **more: str) -> html.Div:
    groups = {"pre_by": view.pre_by, "post_by": view.post_by}
    return file(view, "alike", "Cells:", **groups, direction=view.direction, measure=view.measure, **more)


def _step(view: PopulationAddress, row: Mapping[Any, Any], step: int) -> list[Cell]:
    if row["steps"] <= step:
        return []
    return [*_weight(row[f"num_syn_{step}"]), _cell(view, row[f"via_{step}_root_id"])]


def _weight(num_syn: int) -> list[Cell]:
    return [hint(f"{num_syn:,} → ")]


def _cells(view: PopulationAddress, roots: pd.Series) -> list[Cell]:
    hrefs = {str(root): replace(view, cell=str(root)).href() for root in roots[:MOST_IDS]}
    links: list[Cell] = [link(root, href, "k-id") for root, href in hrefs.items()]
    more: list[Cell] = [f"and {len(roots) - MOST_IDS:,} more"] if len(roots) > MOST_IDS else []
    return [part for one in [*links, *more] for part in (one, " ")]


def _cell(view: PopulationAddress, root: int) -> Cell:
    return link(str(root), CellAddress(view.datastack, view.version, cell=str(root)).href(), "k-id")


def _then(view: PopulationAddress, row: Mapping[Any, Any], end: str) -> Cell:
    """A cell at this version, else as it was at the earlier one."""
    if not pd.isna(row[f"{end}_root_id"]):
        return _cell(view, row[f"{end}_root_id"])
    return _cell(replace(view, version=view.against), row[f"{end}_root_id_before"])


def _known(value: Any, form: str) -> str:
    return "not known" if pd.isna(value) else format(value, form)


def _types(groups: pd.Series) -> str:
    counts = groups.fillna(NO_TYPE).value_counts()
    listed = ", ".join(f"{name} {count:,}" for name, count in counts.head(3).items())
    return listed + (f" and {len(counts) - 3} more" if len(counts) > 3 else "")


def _name(group: Any) -> str:
    return NO_TYPE if pd.isna(group) else str(group)


def _first(frame: pd.DataFrame) -> str:
    return f" The first {MOST_LISTED} of {len(frame):,} are listed." if len(frame) > MOST_LISTED else ""
