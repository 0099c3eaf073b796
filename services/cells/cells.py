"""From whatever a person calls a cell (root, nucleus or supervoxel id) to one root id of a version."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import pandas as pd

from services.cave.release import Release
from services.core import space
from services.core.errors import BadInput, NotFound
from services.core.id_text import looks_rounded
from services.core.parallel import gather
from services.core.roles import RULES

IdType = Literal["auto", "root_id", "nucleus_id", "supervoxel_id"]
ID_TYPES: tuple[IdType, ...] = ("auto", "root_id", "nucleus_id", "supervoxel_id")

LAYER_BITS = 56
"""The top 8 of the 64 bits of a chunkedgraph id are its layer: 1 = supervoxel, the highest = root."""
MOST_LISTED = 10
EVEN = 0.9
"""A stale root was split evenly if another heir has this share, or more, of what the first has."""
ROUNDING, MOST_MEANT = 1_000, 3
"""How far a spreadsheet moves an id, and how many ids as near as that are named."""


@dataclass(frozen=True)
class Cell:
    """One cell at one version.

    `requested` is the id that was asked for, `id_type` what it is. `repaired_from` is the root id, outdated or not yet
    created, that `root_id` replaces, `overlap` the share (0 to 1) of it that `root_id` holds, and `valid_at` the newest
    version that has not expired and has that id; None when nothing was repaired, or there is no such version.
    `nucleus_ids` are None where the version has no table of nuclei: then nobody knows how many it has. The soma's
    position and depth are None unless the cell has exactly one nucleus, the depth also in a volume without depths.
    `warnings` are sentences for whoever asked.
    """

    root_id: int
    nucleus_ids: tuple[int, ...] | None
    id_type: IdType
    requested: int
    repaired_from: int | None = None
    overlap: float | None = None
    valid_at: int | None = None
    soma_position_nm: tuple[float, float, float] | None = None
    soma_depth_um: float | None = None
    warnings: tuple[str, ...] = ()


def somas(release: Release) -> pd.DataFrame:
    """Every nucleus of the datastack's soma table that lies in a segment, sorted by `root_id`.

    Columns: root_id, nucleus_id (int64), x_nm, y_nm, z_nm, depth_um (float64; blank in a volume without depths).
    Empty without a soma table.
    """
    return release.derived.of("somas").get(lambda: _load_somas(release))


def find(release: Release, cell_id: int, id_type: str = "auto") -> Cell:
    """The cell that an id means at a version.

    With "auto" it is what the soma table or its bits say that it is. A root id that is not valid at the
    version is replaced by the most overlapping one that is. Raises BadInput or NotFound.
    """
    if id_type not in ID_TYPES:
        raise BadInput(f"{id_type[:40]!r} is not a type of id.", f"Choose one of {', '.join(ID_TYPES)}.")
    nuclei = somas(release)
    kind = _detect(nuclei, cell_id) if id_type == "auto" else id_type
    ways: dict[str, Callable[[Release, int, pd.DataFrame], _Match]] = {
        "nucleus_id": _by_nucleus,
        "supervoxel_id": _by_supervoxel,
        "root_id": _by_root,
    }
    result = ways[kind](release, cell_id, nuclei)
    return _describe(result, kind, cell_id, nuclei if nucleus_table(release) else None)


@dataclass(frozen=True)
class _Match:
    root_id: int
    repaired_from: int | None = None
    overlap: float | None = None
    valid_at: int | None = None
    warnings: tuple[str, ...] = ()


def nucleus_table(release: Release) -> str | None:
    """The table of somata at a version; None where it has none, one without rows or with more than are held, or one
    that is :func:`lacking` something."""
    table = release.roles.somata.table
    if table is None or release.is_large(table) or release.is_empty(table) or lacking(release, table):
        return None
    return table


def lacking(release: Release, table: str) -> str:
    """A sentence where a table has no cells with positions, so that it can have no somata; "" where it has. Costs a
    request for a table of another schema type than those of nuclei."""
    if release.table_info(table).schema_type in RULES["somata"].schemas:
        return ""
    columns = release.sample(table).columns
    names = [name for name in PLACED if name not in columns]
    return f"{table}, named for somata, has no column {' and no '.join(names)}." if names else ""


def no_nuclei(release: Release) -> str:
    """A sentence where somata are not known, for there is no table of them that can be used; "" where there is one."""
    if nucleus_table(release):
        return ""
    if table := release.roles.somata.table:
        empty = f"{table} is empty" if release.is_empty(table) else ""
        why = lacking(release, table).removesuffix(".") or empty or release.not_held(table)
        return f"{why}, so somata are not known."
    return f"Version {release.number} of {release.datastack} has no nucleus table, so somata are not known."


def _load_somas(release: Release) -> pd.DataFrame:
    table = nucleus_table(release)
    if table is None:
        return pd.DataFrame({name: [] for name in _SOMA_COLUMNS}).astype(_SOMA_COLUMNS)
    rows = release.table(table)
    voxel_nm = release.table_info(table).voxel_resolution_nm
    points_nm = space.voxels_to_nm(space.points(rows), voxel_nm)
    nuclei = pd.DataFrame(
        {
            "root_id": rows["pt_root_id"].fillna(0).to_numpy(np.int64),
            "nucleus_id": rows["id"].to_numpy(np.int64),
            "x_nm": points_nm[:, 0],
            "y_nm": points_nm[:, 1],
            "z_nm": points_nm[:, 2],
            "depth_um": space.depths_of(points_nm, release.volume),
        }
    )
    return nuclei.sort_values(["root_id", "nucleus_id"], ignore_index=True)


PLACED = ("pt_root_id", "pt_position_x")
"""Columns without which rows place no cell."""
_SOMA_COLUMNS = {
    "root_id": "int64",
    "nucleus_id": "int64",
    "x_nm": "float64",
    "y_nm": "float64",
    "z_nm": "float64",
    "depth_um": "float64",
}


def _detect(nuclei: pd.DataFrame, requested: int) -> IdType:
    nucleus, root = bool((nuclei["nucleus_id"] == requested).any()), bool((nuclei["root_id"] == requested).any())
    if nucleus and root:
        raise BadInput(f"{requested} is both a nucleus id and a root id here.", "Choose the type of the id.")
    if nucleus:
        return "nucleus_id"
    return "supervoxel_id" if requested >> LAYER_BITS == 1 and not root else "root_id"


def _by_nucleus(release: Release, requested: int, nuclei: pd.DataFrame) -> _Match:
    rows = nuclei[nuclei["nucleus_id"] == requested]
    if rows.empty:
        table = nucleus_table(release)
        where = f"in {table} at" if table else "known, for there is no table of nuclei at"
        raise NotFound(
            f"Nucleus id {requested} is not {where} version {release.number} of {release.datastack}.",
            "Check the id and the version.",
        )
    root_id = int(rows["root_id"].iloc[0])
    if root_id == 0:
        raise NotFound(
            f"Nucleus {requested} lies in no segment at version {release.number} of {release.datastack} "
            "(its root id is 0).",
            "It has no synapses to show; another version may have segmented it.",
        )
    return _Match(root_id)


def _by_supervoxel(release: Release, requested: int, nuclei: pd.DataFrame) -> _Match:
    root_id = release.root_of_supervoxel(requested)
    if not root_id:
        raise NotFound(
            f"Supervoxel {requested} belongs to no cell at version {release.number} of {release.datastack}.",
            "Check the id.",
        )
    return _Match(root_id)


def _by_root(release: Release, requested: int, nuclei: pd.DataFrame) -> _Match:
    # the root ids of a version's tables are valid at that version: no need to ask
    if (nuclei["root_id"] == requested).any() or release.latest_roots([requested])[0]:
        return _Match(requested)
    try:
        successors, valid_at = gather(partial(release.suggest_roots, requested), partial(_valid_at, release, requested))
    except NotFound:
        kinds = "not a root id" if (nuclei["nucleus_id"] == requested).any() else "neither a root id nor a nucleus id"
        message = f"{requested} is {kinds} of {release.datastack} at version {release.number}"
        if looks_rounded(requested):
            raise NotFound(
                f"{message}; it looks rounded by a spreadsheet or a browser.", _meant(nuclei, requested)
            ) from None
        raise NotFound(f"{message}.", "Check the id, its type and the datastack.") from None
    root_id, overlap = successors[0]
    state, parted, kin = (
        (f"is newer than {release.version.title}", "its pieces were then evenly in", "predecessor")
        if _is_newer(release, requested, valid_at)
        else (f"outdated at {release.version.title}", "split evenly into", "successor")
    )
    if even := evenly(successors):
        warning = f"Root id {requested} {state}: {parted} {even}; showing {root_id}."
    else:
        warning = f"Root id {requested} {state}; showing its {kin} {root_id} ({overlap:.0%} overlap)."
    return _Match(root_id, requested, overlap, valid_at, (warning,))


def evenly(successors: Sequence[tuple[int, float]]) -> str:
    """The successors of an outdated root id that hold about as much of it as the first, in words with their shares; ""
    where the first holds clearly more than any other. `successors` are root ids and shares (0 to 1), largest first."""
    most = successors[0][1]
    equal = [(root, share) for root, share in successors if share >= most * EVEN]
    shares = [f"{root} ({share:.0%} of its pieces)" for root, share in equal[:MOST_LISTED]]
    return f"{', '.join(shares[:-1])} and {shares[-1]}" if len(shares) > 1 else ""


def _meant(nuclei: pd.DataFrame, rounded: int) -> str:
    """What to do about a rounded id: cells with a nucleus whose ids it may have been."""
    roots = nuclei["root_id"].to_numpy()
    low, high = np.searchsorted(roots, [rounded - ROUNDING, rounded + ROUNDING + 1])
    near = np.unique(roots[low:high]).tolist()
    message = f" {' or '.join(map(str, near))} may be meant." if 0 < len(near) <= MOST_MEANT else ""
    return f"Copy the id again as text.{message}"


def _valid_at(release: Release, root_id: int) -> int | None:
    """The newest version but `version` at which a root id is valid; all are asked at once."""
    others = [
        version.number
        for version in release.cave.versions(release.datastack)
        if version.valid and version.number != release.number
    ]
    valid = gather(
        *(partial(Release.of(release.cave, release.datastack, number).latest_roots, [root_id]) for number in others)
    )
    return next((number for number, (was,) in zip(others, valid, strict=True) if was), None)


def _is_newer(release: Release, root_id: int, valid_at: int | None) -> bool:
    """Whether a root id was created after the version's time; CAVE is asked where no kept version has it."""
    if valid_at is None:
        return release.came_after([root_id])[0]
    return release.cave.version(release.datastack, valid_at).timestamp > release.version.timestamp


def _describe(result: _Match, id_type: str, requested: int, nuclei: pd.DataFrame | None) -> Cell:
    """The cell that was found; `nuclei` is None where nobody knows of any."""
    nuclei_of_cell = None if nuclei is None else nuclei[nuclei["root_id"] == result.root_id]
    ids = None if nuclei_of_cell is None else tuple(nuclei_of_cell["nucleus_id"].tolist())
    several = (
        (f"The segment has {len(ids)} nuclei ({_listed(ids)}), so it is more than one cell.",)
        if ids and len(ids) > 1
        else ()
    )
    soma = nuclei_of_cell.iloc[0] if nuclei_of_cell is not None and len(nuclei_of_cell) == 1 else None
    return Cell(
        root_id=result.root_id,
        nucleus_ids=ids,
        id_type=id_type,  # type: ignore[arg-type]
        requested=requested,
        repaired_from=result.repaired_from,
        overlap=result.overlap,
        valid_at=result.valid_at,
        soma_position_nm=None if soma is None else (float(soma["x_nm"]), float(soma["y_nm"]), float(soma["z_nm"])),
        soma_depth_um=None if soma is None or pd.isna(soma["depth_um"]) else float(soma["depth_um"]),
        warnings=(*result.warnings, *several),
    )


def _listed(ids: Sequence[int]) -> str:
    shown = ", ".join(map(str, ids[:MOST_LISTED]))
    return shown + (f" and {len(ids) - MOST_LISTED} more" if len(ids) > MOST_LISTED else "")
