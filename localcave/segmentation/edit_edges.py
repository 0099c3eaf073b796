"""Where an edit was made: the two supervoxels between which it joined or parted a cell with a skeleton."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from localcave.segmentation.chunkedgraph import Operation, Segmentation
from localcave.segmentation.skeletons import Skeletons

VOXEL_NM = (8, 8, 40)


@dataclass(frozen=True)
class EditEdge:
    """A pair of supervoxels, and their places in voxels of 8 x 8 x 40 nm."""

    supervoxels: list[int]
    places_vx: list[list[int]]


def edit_edge(segmentation: Segmentation, skeletons: Skeletons, operation: Operation) -> EditEdge | None:
    """The edge of the skeleton that an operation made or cut; None when the skeleton has none there."""
    if operation.kind == "merge":
        whole, parts = operation.after, operation.before
    else:
        whole, parts = operation.before, operation.after
    skeleton = skeletons.get(whole[0])
    if skeleton is None or len(parts) != 2 or not len(skeleton.supervoxel_id):
        return None
    side = np.isin(skeleton.supervoxel_id, segmentation.leaves(parts[0]))
    other = np.isin(skeleton.supervoxel_id, segmentation.leaves(parts[1]))
    child, parent = skeleton.edges.T
    cut = np.flatnonzero((side[child] & other[parent]) | (other[child] & side[parent]))
    if not len(cut):
        return None
    ends = skeleton.edges[cut[0]]
    places = np.rint(skeleton.vertices_nm[ends] / np.array(VOXEL_NM)).astype(int)
    return EditEdge(skeleton.supervoxel_id[ends].tolist(), places.tolist())
