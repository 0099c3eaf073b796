"""What a table of synapses has: the columns of its two ends, where a synapse is, and what else is known of each."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from services.core.errors import BadInput
from services.core.records import TableInfo

ENDS = ("pre_pt", "post_pt")
CONTACTS: Mapping[tuple[str, str], str] = {
    ("sidea_pt", "sideb_pt"): "the cell of side a",
    ("glia_pt", "object_pt"): "the glial cell",
}
"""The ends of contacts, which have no direction, and in words the one that counts as presynaptic."""
CENTRE = "ctr_pt_position"
WITHOUT_CENTRE = "without_centre"
SCORES = ("connection_score", "cleft_score", "score", "plasticity")
"""Columns that say how sure or how strong a synapse is, in the schema types of CAVE."""
TRANSMITTERS: Mapping[str, str] = {
    "gaba": "GABA",
    "ach": "acetylcholine",
    "glut": "glutamate",
    "oct": "octopamine",
    "ser": "serotonin",
    "da": "dopamine",
}
"""Columns of the probabilities of transmitters, with their names in words, in the schema type fly_nt_synapse."""
VALID_NT = "valid_nt"
"""The column that says whether a synapse has such probabilities."""
_ENDS_ALONE = ("pre_pt_position_x", "post_pt_position_x", "pre_pt_root_id", "post_pt_root_id")
COLUMNS_OF: Mapping[str, frozenset[str]] = {
    "synapse": frozenset({*_ENDS_ALONE, f"{CENTRE}_x", "size"}),
    "fly_synapse": frozenset({*_ENDS_ALONE, *SCORES[:2]}),
    "fly_nt_synapse": frozenset({*_ENDS_ALONE, *SCORES[:2], *TRANSMITTERS, VALID_NT}),
    "nocleft_synapse": frozenset({*_ENDS_ALONE, "score"}),
    "nocenter_synapse": frozenset({*_ENDS_ALONE, "size"}),
    "plastic_synapse": frozenset({*_ENDS_ALONE, f"{CENTRE}_x", "size", "plasticity"}),
}
"""The columns of CAVE's schema types of synapses (EMAnnotationSchemas 5.26.3): no table of these needs a look."""


@dataclass(frozen=True)
class SynapseShape:
    """What the synapses of a `table` have.

    `pre` and `post` are what the names of the columns of its two ends begin with. `positions` are the columns whose
    mean is the place of a synapse: its centre alone, else both ends, else one. `ends` are those whose mean it is in a
    row without a centre; none where a table has no centres at all. `sized` tells whether there are sizes;
    `scores` and `transmitters` are the columns of those. With `referring`, the table refers to the synapses, so an id
    of a synapse is its target_id. A `directed` one tells the presynaptic side from the other.
    """

    table: str
    pre: str = ENDS[0]
    post: str = ENDS[1]
    positions: tuple[str, ...] = (CENTRE,)
    ends: tuple[str, ...] = ()
    sized: bool = True
    scores: tuple[str, ...] = ()
    transmitters: tuple[str, ...] = ()
    says_validity: bool = False
    referring: bool = False

    @property
    def directed(self) -> bool:
        return not self.first

    @property
    def first(self) -> str:
        """Of contacts, which cell counts as presynaptic; else ""."""
        return CONTACTS.get((self.pre, self.post), "")

    @property
    def values(self) -> tuple[str, ...]:
        """The columns of what is known of each synapse beside its ends, place and size."""
        return (*self.scores, *self.transmitters, *([VALID_NT] if self.says_validity else []))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns to ask for, positions whole."""
        ids = ("id", *(["target_id"] if self.referring else []), f"{self.pre}_root_id", f"{self.post}_root_id")
        return (*ids, *(["size"] if self.sized else []), *self.values, *self.positions)

    def own(self, direction: str) -> str:
        """The column of the root ids of the cell itself: "in" are synapses onto it."""
        return f"{self.post if direction == 'in' else self.pre}_root_id"


def shape_of(info: TableInfo, columns: Collection[str]) -> SynapseShape:
    """What the rows of a table with these columns (positions split) have; those of CAVE's schema types need none.

    Raises BadInput for a table that has no two ends, or no place for a synapse.
    """
    available = COLUMNS_OF.get(info.schema_type) or frozenset(columns)
    pre, post = next(
        (ends for ends in (ENDS, *CONTACTS) if all(f"{end}_root_id" in available for end in ends)), ("", "")
    )
    placed = [name for name in (CENTRE, f"{pre}_position", f"{post}_position") if pre and f"{name}_x" in available]
    if not placed:
        raise BadInput(
            f"{info.name} has no presynaptic and postsynaptic root ids and positions, so its rows are no synapses.",
            "Name another table under roles in the profile.",
        )
    return SynapseShape(
        table=info.name,
        pre=pre,
        post=post,
        positions=(CENTRE,) if CENTRE in placed else tuple(placed),
        ends=tuple(placed[1:]) if CENTRE in placed else (),
        sized="size" in available,
        scores=tuple(name for name in SCORES if name in available),
        transmitters=tuple(name for name in TRANSMITTERS if name in available),
        says_validity=VALID_NT in available,
        referring=info.reference_table is not None,
    )


def as_synapses(frame: pd.DataFrame, shape: SynapseShape, more: Sequence[str] = ()) -> pd.DataFrame:
    """Rows of a table of a shape as synapses: id, pre_pt_root_id, post_pt_root_id, size (Float64, blank where the table
    has none), `shape.values`, ctr_pt_position_x_nm, _y_nm, _z_nm, and the columns of `more`. The positions of `frame`
    are in nm; of two ends of which one is not known, the other is the place. `attrs[WITHOUT_CENTRE]` are the ids of the
    rows that `shape.ends` place, where there are such."""
    placed = {axis: _mean(frame, shape.positions, axis) for axis in "xyz"}
    blank = placed["x"].isna() if shape.ends else pd.Series(False, frame.index)
    if blank.any():
        placed = {
            axis: values.astype("Float64").fillna(_mean(frame, shape.ends, axis)) for axis, values in placed.items()
        }
    ends = {"pre_pt_root_id": frame[f"{shape.pre}_root_id"], "post_pt_root_id": frame[f"{shape.post}_root_id"]}
    size = frame["size"] if shape.sized else pd.array([pd.NA] * len(frame), dtype="Float64")
    further = [
        name for name in (*shape.values, *_split(more, frame)) if name in frame and name not in ("id", "size", *ends)
    ]
    ids = frame["target_id" if shape.referring else "id"]
    places = {f"{CENTRE}_{axis}_nm": place for axis, place in placed.items()}
    result = pd.DataFrame({"id": ids, **ends, "size": size, **{name: frame[name] for name in further}, **places})
    result.attrs = dict(frame.attrs)
    if blank.any():
        result.attrs[WITHOUT_CENTRE] = ids[blank].astype(int).tolist()
    return result


def _split(names: Sequence[str], frame: pd.DataFrame) -> list[str]:
    """The columns of a frame with these names, positions by their axes."""
    return [
        str(name)
        for name in frame
        for requested in names
        if name in (requested, *(f"{requested}_{axis}" for axis in "xyz"))
    ]


def _mean(frame: pd.DataFrame, positions: Sequence[str], axis: str) -> pd.Series:
    """Along an axis, the mean of those positions that are known."""
    parts = [frame[f"{name}_{axis}"] for name in positions]
    return parts[0] if len(parts) == 1 else pd.concat(parts, axis=1).mean(axis=1)
