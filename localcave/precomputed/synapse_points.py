"""Where the synapses of a root are: all that is known of the shape of one without an arbor."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from localcave.engine.store import Datastack, Store, voxel_size_nm
from localcave.segmentation.chunkedgraph import Segmentation, parse_time
from localcave.segmentation.chunks import Ids

Floats = npt.NDArray[np.float64]


def synapse_points(store: Store, stack: Datastack, graph: Segmentation, supervoxels: Ids) -> Floats:
    """Points in nm (n, 3) of the synapses on some supervoxels, by the newest version."""
    name = str(stack.info.get("synapse_table") or "")
    version = stack.newest_version() if stack.versions else 0
    source = stack.table(version, name)
    places = [np.zeros((0, 3))]
    if source is None:
        return places[0]
    at = parse_time(str(stack.versions[version]["time_stamp"]))
    roots = np.unique(graph.roots_at(supervoxels, at))
    for side in ("pre_pt", "post_pt"):
        root, supervoxel, position = f"{side}_root_id", f"{side}_supervoxel_id", f"{side}_position"
        if not {root, supervoxel, position} <= set(source.columns):
            continue
        rows = store.rows_with(source, root, roots[roots > 0].tolist())
        rows = rows.filter(np.isin(pc.fill_null(rows[supervoxel], 0).to_numpy(), supervoxels))
        axes = [rows[part].to_numpy() for part in source.columns[position].parts]
        places.append(np.column_stack(axes) * np.array(voxel_size_nm(stack.tables(version)[name]["metadata"])))
    return np.concatenate(places)
