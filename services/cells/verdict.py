"""How far a cell's partners can be trusted: one plain sentence, and the shares that support it.

The rules are those of the authors of the MICrONS dataset: the outputs of an axon that was not proofread are not
analysable, those of a cleaned or partially extended axon are a lower bound, those of a fully extended one are nearly
complete; the dendrite of a cell with one soma can be used without proofreading (Bae et al. 2025,
https://doi.org/10.1038/s41586-025-08790-w, and the MICrONS tutorials)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pandas as pd

from services.cave.client import Cave
from services.cave.release import Release
from services.cells import proofreading
from services.cells.connectivity import Connectivity
from services.cells.proofreading import NO_TABLE, NONE
from services.core.directions import Direction
from services.core.type_columns import are_several, type_column

Level = Literal["complete", "usable", "lower bound", "not analysable", "unknown"]

LEVELS: dict[Level, str] = {
    "complete": "nearly complete",
    "usable": "usable",
    "lower bound": "incomplete",
    "not analysable": "not analysable",
    "unknown": "of unknown quality",
}
"""The words for each level in a sentence."""
MOSTLY = 0.5
"""The sentence mentions fragments where their share of the input partners is above this."""
AXONS: dict[str, tuple[Level, str]] = {
    "axon_fully_extended": ("complete", "axon fully extended"),
    "axon_extended": ("complete", "axon proofread and extended"),
    "axon_interareal": ("lower bound", "axon extended mainly between areas"),
    "axon_partially_extended": ("lower bound", "axon partially extended"),
    "axon_column_truncated": ("lower bound", "axon cut off outside the column"),
    "axon_clean": ("lower bound", "axon cleaned, not extended"),
    proofreading.WHOLE_CELL: ("usable", "cell proofread"),
    proofreading.BACKBONE: ("lower bound", "only the backbone proofread"),
}
"""What each axon strategy means for the outputs."""
OF_CELLS = (proofreading.WHOLE_CELL, proofreading.BACKBONE)


@dataclass(frozen=True)
class Share:
    """A number of synapses, `part`, out of those with partners in one direction, `whole`; `part` is None where it is
    not known."""

    part: int | None
    whole: int

    @property
    def fraction(self) -> float | None:
        """The share from 0 to 1; None where `whole` is 0 or `part` is not known."""
        return self.part / self.whole if self.whole and self.part is not None else None


@dataclass(frozen=True)
class Verdict:
    """How far the inputs and outputs of a cell can be trusted.

    `sentence` is the whole verdict, outputs first; `inputs` and `outputs` are its levels. `strategy_axon` and
    `strategy_dendrite` are those of the proofreading table, None where it does not list the cell. `identified` is, for
    each direction, the share of synapses whose partner has exactly one soma (where a nucleus table exists) and exactly
    one type (where a type table is chosen); `criterion` says which of these apply. `notes` are further sentences.
    """

    sentence: str
    inputs: Level
    outputs: Level
    strategy_axon: str | None
    strategy_dendrite: str | None
    identified: dict[Direction, Share]
    criterion: str
    notes: tuple[str, ...] = ()


def verdict(cave: Cave, connectivity: Connectivity) -> Verdict:
    """The verdict on a cell's partners. No request once the proofreading table is held."""
    release = Release(cave, connectivity.datastack, connectivity.version)
    return judge(connectivity, proofreading.rows(release), proofreading.unknown(release) or NO_TABLE)


def judge(connectivity: Connectivity, proofread: pd.DataFrame | None, unknown: str = NO_TABLE) -> Verdict:
    """The verdict on a cell's partners from `proofread`, a frame of :func:`proofreading.rows`; None where it is not
    known which cells are proofread, and `unknown` says why in a few words."""
    cell = connectivity.cell
    row = proofread.loc[cell.root_id] if proofread is not None and cell.root_id in proofread.index else None
    axon = None if row is None else str(row["strategy_axon"])
    dendrite = None if row is None else str(row["strategy_dendrite"])
    nuclei = None if cell.nucleus_ids is None else len(cell.nucleus_ids)
    whole = proofread is not None and bool(proofread.attrs.get("whole"))
    outputs = _outputs(nuclei, axon, unknown="" if proofread is not None else unknown, whole=whole)
    inputs = _inputs_of_cell(nuclei, dendrite) if dendrite in OF_CELLS else _inputs(nuclei, dendrite)
    typed = type_column(connectivity.inputs) if connectivity.type_table else None
    table = None if proofread is None else str(proofread.attrs.get("table", "the proofreading table"))
    whole_cells = (f"{table} says of whole cells which are proofread.",) if whole else ()
    notes = whole_cells if row is None or not row["edited_since"] else (*whole_cells, _edited(table))
    return Verdict(
        sentence=_sentence(nuclei, outputs, inputs, _fragments(connectivity.inputs)),
        inputs=inputs[0],
        outputs=outputs[0],
        strategy_axon=axon,
        strategy_dendrite=dendrite,
        identified={way: identified(connectivity.side(way), typed) for way in Direction},
        criterion="partner has "
        + " and ".join([*(["one soma"] if nuclei is not None or not typed else []), *(["a type"] if typed else [])]),
        notes=notes,
    )


def identified(partners: pd.DataFrame, typed_by: str | None = None) -> Share:
    """The share of synapses whose partner has exactly one soma, where somata are known, and exactly one value in the
    column `typed_by`, where that is given. Its part is None where neither is known."""
    whole, somata = int(partners["num_syn"].sum()), partners["num_soma"]
    if typed_by is None and somata.isna().any():
        return Share(None, whole)
    accounted = somata.isna() | (somata == 1).fillna(False)
    if typed_by is not None:
        accounted &= partners[typed_by].notna() & ~are_several(partners[typed_by])
    return Share(int(partners.loc[accounted.to_numpy(bool), "num_syn"].sum()), whole)


def _outputs(nuclei: int | None, axon: str | None, *, unknown: str, whole: bool) -> tuple[Level, str]:
    """The level of the outputs and the reason for it, from the number of nuclei and the axon's strategy."""
    if nuclei is not None and nuclei > 1:
        return "not analysable", ""
    if axon in AXONS:
        return AXONS[axon]
    if axon not in (None, NONE):
        return "lower bound", f"axon proofread by the strategy {axon}"
    if unknown:
        return "unknown", unknown
    return "not analysable", f"{'cell' if whole else 'axon'} not proofread"


def _inputs(nuclei: int | None, dendrite: str | None) -> tuple[Level, str]:
    """The level of the inputs and the reason for it, from the number of nuclei and the dendrite's strategy."""
    if nuclei is None:
        return "unknown", "no nucleus table at this version"
    if nuclei > 1:
        return "not analysable", ""
    if nuclei == 0:
        return "lower bound", "segment without a soma"
    if dendrite in (None, NONE):
        return "usable", "one soma"
    extent = "proofread and extended" if str(dendrite).endswith("extended") else "proofread"
    return "usable", f"one soma, dendrite {extent}"


def _inputs_of_cell(nuclei: int | None, strategy: str | None) -> tuple[Level, str]:
    """The level and reason for the inputs of a cell that is proofread as a whole, which needs no detected soma."""
    if nuclei is not None and nuclei > 1:
        return "not analysable", ""
    part = "backbone" if strategy == proofreading.BACKBONE else "cell"
    return "usable", f"{part} proofread, {'one soma' if nuclei == 1 else 'soma not known'}"


def _sentence(
    nuclei: int | None, outputs: tuple[Level, str], inputs: tuple[Level, str], fragments: float | None
) -> str:
    if nuclei is not None and nuclei > 1:
        return f"Inputs and outputs not analysable: {nuclei:,} nuclei merged, partners of several cells mixed."
    many = fragments is not None and fragments > MOSTLY
    tail = f"; {fragments:.0%} of input partners are fragments without a soma" if many else ""
    judged = ((name, LEVELS[level], why) for name, (level, why) in (("Outputs", outputs), ("Inputs", inputs)))
    return " ".join(f"{name} {level}: {why}{tail if name == 'Inputs' else ''}." for name, level, why in judged)


def _fragments(inputs: pd.DataFrame) -> float | None:
    """The share of input partners without a soma, 0 to 1; None where somata are not known."""
    somata = inputs["num_soma"]
    return float((somata == 0).mean()) if len(inputs) and somata.notna().all() else None


def _edited(table: str | None) -> str:
    return f"The segment has been edited since it was last proofread (its valid_id in {table} is another)."
