"""Where a root touches others. Synapses are the only contacts that tables tell of."""
# ruff: noqa: S608  names come from manifests through `identifier`, values are bound

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from localcave.engine.store import Datastack, Store, identifier, voxel_size_nm
from localcave.segmentation.chunkedgraph import Ids

CLEFT_NM = 20.0
"""Width of a synaptic cleft (Peters, Palay and Webster, The Fine Structure of the Nervous System, 1991), by which a
volume of clefts becomes an area."""
GRAPH_VOXEL_NM = (8.0, 8.0, 40.0)
FACE_NM2 = 64.0
"""Areas of a chunkedgraph are counts of the faces of its voxels; this is that of 8 x 8 nm."""
SIDES = ("pre_pt", "post_pt")


@dataclass(frozen=True)
class Contacts:
    """One row for each contact: the supervoxel on the other side, and the area in faces of 8 x 8 nm."""

    supervoxel_id: Ids
    area: npt.NDArray[np.int64]


def contacts(store: Store, stack: Datastack, supervoxels: Ids, bounds_vx: Ids | None) -> Contacts | None:
    """The contacts of a root's supervoxels with those of others, by the newest version, those in a box only
    (voxels of 8 x 8 x 40 nm, first and past the last of each axis, by the point on the root's side).

    None where the synapses of the datastack have no supervoxels or no size. One whose size is not known is left out.
    """
    name = str(stack.info.get("synapse_table") or "")
    version = stack.newest_version() if stack.versions else 0
    source = stack.table(version, name)
    needed = {f"{side}_{part}" for side in SIDES for part in ("position", "supervoxel_id")} | {"size"}
    if source is None or not needed <= set(source.columns):
        return None
    voxel_nm = voxel_size_nm(stack.tables(version)[name]["metadata"])
    area = float(np.prod(voxel_nm)) / CLEFT_NM / FACE_NM2
    own_ids = {"own_supervoxels": pa.table({"id": supervoxels})}
    parts, inside = [], "(FROM own_supervoxels)"
    for side, other in (SIDES, SIDES[::-1]):
        own_column, partner_column = identifier(f"{side}_supervoxel_id"), identifier(f"{other}_supervoxel_id")
        conditions = [
            f"{own_column} IN {inside}",
            f"{partner_column} NOT IN {inside}",
            f"{partner_column} > 0",
            "size IS NOT NULL",
        ]
        if bounds_vx is not None:
            edges = bounds_vx * (np.array(GRAPH_VOXEL_NM) / np.array(voxel_nm))[:, None]
            for axis, column in enumerate(source.columns[f"{side}_position"].parts):
                low, high = edges[axis].tolist()
                conditions.append(f"{identifier(column)} >= {low!r} AND {identifier(column)} < {high!r}")
        parts.append(
            f"SELECT {partner_column} AS supervoxel_id, greatest(1, round(size * {area!r}))::BIGINT AS area "
            f"FROM {source.sql()} WHERE {' AND '.join(conditions)}"
        )
    rows = store.arrow(f"{' UNION ALL '.join(parts)} ORDER BY ALL", relations=own_ids)
    return Contacts(rows["supervoxel_id"].to_numpy(), rows["area"].to_numpy())
