"""Visual tuning of coregistered cells: their preferred orientation and direction, and the difference from a cell's
own."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from services.cache.derived import ready
from services.cave.release import Release
from services.core.errors import BadInput
from services.core.records import TableInfo
from services.core.roles import TUNING_SCHEMAS

DEGREES, RADIANS = TUNING_SCHEMAS
"""Schema types of tuning tables, by the unit of their angles."""
TUNING_COLUMNS = ("pref_ori_deg", "pref_dir_deg", "osi", "dsi", "cc_abs", "num_units")


def tables(release: Release) -> list[TableInfo]:
    """The tuning tables of a version: those of the digital twin (in degrees) first, then by name."""
    infos = [info for info in release.tables().values() if info.schema_type.startswith((DEGREES, RADIANS))]
    return sorted(infos, key=lambda info: (not info.schema_type.startswith(DEGREES), info.name))


def tuning(release: Release, table: str) -> pd.DataFrame:
    """The tuning of every coregistered cell, indexed by `root_id`.

    Columns: pref_ori_deg (0 to 180) and pref_dir_deg (0 to 360), osi and dsi (the table's OSI and DSI, else gOSI and
    gDSI), cc_abs (float64) and num_units (int64: recorded units of the cell). For a cell that was recorded several
    times, the values are those of the unit with the highest cc_abs. A root id with several coregistered nuclei merges
    several cells and is left out; `attrs["ambiguous"]` has those root ids (int64 array). Raises NotFound for a table
    that the version does not have, BadInput for one without preferred orientations.
    """
    info = release.table_info(table)
    return release.derived.of("tuning", table).get(lambda: best_units(release.table(table), info))


def best_units(rows: pd.DataFrame, info: TableInfo) -> pd.DataFrame:
    """As :func:`tuning`, from the rows of a tuning table; a schema type in radians is converted to degrees."""
    if "pref_ori" not in rows or "pt_root_id" not in rows:
        raise BadInput(f"{info.name} has no preferred orientations.", "Choose a table of functional properties.")
    per_unit = 180 / np.pi if info.schema_type.startswith(RADIANS) else 1.0
    frame = pd.DataFrame(
        {
            "root_id": rows["pt_root_id"].fillna(0).to_numpy(np.int64),
            "nucleus_id": rows["target_id"].fillna(0).to_numpy(np.int64),
            "pref_ori_deg": _numbers(rows, "pref_ori") * per_unit % 180,
            "pref_dir_deg": _numbers(rows, "pref_dir") * per_unit % 360,
            "osi": _numbers(rows, "OSI", "gOSI"),
            "dsi": _numbers(rows, "DSI", "gDSI"),
            "cc_abs": _numbers(rows, "cc_abs"),
            "id": rows["id"].to_numpy(np.int64),
        }
    )
    frame = frame[frame["root_id"] != 0]
    nuclei = frame.groupby("root_id")["nucleus_id"].nunique()
    several = nuclei.index[nuclei > 1]
    frame = frame[~frame["root_id"].isin(several)]
    frame["num_units"] = frame.groupby("root_id")["id"].transform("size").astype("int64")
    best = frame.sort_values(["cc_abs", "id"], ascending=[False, True], kind="stable", na_position="last")
    result = best.drop_duplicates("root_id").set_index("root_id").sort_index()[list(TUNING_COLUMNS)]
    result.attrs = {"ambiguous": several.to_numpy(np.int64)}
    return ready(result)


def with_tuning(partners: pd.DataFrame, root_id: int, tuned: pd.DataFrame) -> pd.DataFrame:
    """The partners that are coregistered, with their tuning and its difference from that of the cell `root_id`.

    `tuned` is a frame of :func:`tuning`. Its columns are added to those of `partners`, then delta_ori_deg (0 to 90) and
    delta_dir_deg (0 to 180; float64), NaN where the cell itself is not coregistered.
    """
    coregistered = partners[partners["root_id"].isin(tuned.index)].reset_index(drop=True)
    theirs = tuned.reindex(coregistered["root_id"]).reset_index(drop=True)
    of_cell = tuned.loc[root_id] if root_id in tuned.index else pd.Series(np.nan, index=list(TUNING_COLUMNS))
    return coregistered.assign(
        **{name: theirs[name] for name in TUNING_COLUMNS},
        delta_ori_deg=difference_deg(theirs["pref_ori_deg"], float(of_cell["pref_ori_deg"]), 180),
        delta_dir_deg=difference_deg(theirs["pref_dir_deg"], float(of_cell["pref_dir_deg"]), 360),
    )


def difference_deg(angles: npt.ArrayLike, reference: float, period: int) -> npt.NDArray[np.float64]:
    """The smaller angle between each of `angles` and `reference`, all periodic in `period` degrees: 0 to period / 2."""
    apart = np.abs(np.asarray(angles, dtype=np.float64) - reference) % period
    return np.minimum(apart, period - apart)


def coverage(partners: pd.DataFrame, tuned_partners: pd.DataFrame, table: str) -> str:
    """A sentence that counts the coregistered partners in `tuned_partners`, out of all `partners`, and their
    synapses."""
    shown, whole = (int(frame["num_syn"].sum()) for frame in (tuned_partners, partners))
    return (
        f"{len(tuned_partners):,} of {len(partners):,} partners, with {shown:,} of {whole:,} "
        f"synapses, have tuning in {table}; of a cell recorded several times, the best predicted unit is shown."
    )


def counted_in_words(partners: pd.DataFrame, points: pd.DataFrame) -> str:
    """A sentence that says which partners a tuning plot shows. `points` is a frame of `plot_frames.orientations`."""
    shown = f"{len(points):,} of {len(partners):,} partners are coregistered and have a preferred orientation"
    several = int((partners["num_units"].fillna(0) > 1).sum())
    recorded = f"; {several:,} were recorded several times, and their best predicted unit is shown" if several else ""
    untuned = (
        "" if points["delta_ori_deg"].notna().any() or points.empty else " This cell has no tuning to compare with."
    )
    return f"{shown}{recorded}.{untuned}"


def _numbers(rows: pd.DataFrame, *names: str) -> npt.NDArray[np.float64]:
    """The first of the columns `names` that the table has, as float64; NaN where it has none of them."""
    name = next((name for name in names if name in rows), None)
    if name is None:
        return np.full(len(rows), np.nan)
    numbers: npt.NDArray[np.float64] = rows[name].to_numpy(np.float64, na_value=np.nan)
    return numbers
