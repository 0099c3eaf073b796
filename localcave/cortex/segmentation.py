"""The segmentation as the writer wants it: supervoxels, their former roots, and the operations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from localcave.cortex.catalogue import INFO
from localcave.cortex.history import NOW
from localcave.cortex.ids import CHUNK_NM
from localcave.cortex.model import Cortex, table
from localcave.cortex.recipe import TAGS
from localcave.cortex.space import to_voxels

CHUNK_VX = [CHUNK_NM // size_nm for size_nm in (8, 8, 40)]
"""Size of a chunk of the graph, in the voxels of the segmentation."""
SHOWN_OUTPUTS = 20


def supervoxel_table(cortex: Cortex) -> pa.Table:
    """Every supervoxel with its level 2 id and its root of now."""
    return table(
        {
            "supervoxel_id": pa.array(cortex.supervoxels.id),
            "level2_id": pa.array(cortex.level2),
            "root_id": pa.array(cortex.roots_now),
        }
    )


def history_table(cortex: Cortex) -> pa.Table:
    """For every root of an edited cell, former ones and that of now, its supervoxels."""
    order = np.argsort(cortex.atom, kind="stable")
    atom = cortex.atom[order]
    members, root, created, expired = [], [], [], []
    for entry in cortex.history.roots:
        atoms = np.array(sorted(entry.atoms))
        first, last = np.searchsorted(atom, atoms), np.searchsorted(atom, atoms, side="right")
        rows = np.concatenate([order[a:b] for a, b in zip(first, last, strict=True)])
        members.append(cortex.supervoxels.id[rows])
        root.append(np.full(len(rows), entry.root_id))
        created.append(np.full(len(rows), entry.created))
        expired.append(np.full(len(rows), entry.expired))
    ends = np.concatenate(expired)
    moment = pa.timestamp("us", "UTC")
    return table(
        {
            "supervoxel_id": pa.array(np.concatenate(members)),
            "root_id": pa.array(np.concatenate(root)),
            "created": pa.array(np.concatenate(created).astype(np.int64)).cast(moment),
            "expired": pa.array(ends.astype(np.int64), mask=ends == NOW).cast(moment),
        }
    )


def skeleton_table(cortex: Cortex) -> pa.Table:
    """One skeleton for each proofread cell, under its root id of now."""
    arbors, slots = cortex.arbors, len(cortex.population.proofread)
    first = np.searchsorted(arbors.slot, np.arange(slots + 1))
    begin = first[arbors.slot]
    child = np.flatnonzero(arbors.parent >= 0)
    edges = np.column_stack([child - begin[child], arbors.parent[child] - begin[child]]).astype(np.int32)
    edge_ends = 2 * (first - np.arange(slots + 1))  # one edge less than nodes in every cell

    def lists(values: pa.Array, ends: np.ndarray) -> pa.Array:
        return pa.ListArray.from_arrays(pa.array(ends.astype(np.int32)), values)

    return table(
        {
            "root_id": pa.array(cortex.history.owner_root[cortex.population.proofread]),
            "vertices_nm": lists(pa.array(np.rint(arbors.position_nm).astype(np.float32).ravel()), 3 * first),
            "edges": lists(pa.array(edges.ravel()), edge_ends),
            "radius_nm": lists(pa.array(np.rint(arbors.radius_nm).astype(np.float32)), first),
            "compartment": lists(pa.array(arbors.compartment), first),
            "supervoxel_id": lists(pa.array(cortex.supervoxels.id[: len(arbors.slot)]), first),
            "level2_id": lists(pa.array(cortex.level2[: len(arbors.slot)]), first),
        }
    )


def example_state(cortex: Cortex) -> dict[str, Any]:
    """A Neuroglancer state with the first proofread cell, its soma as a point, and some of its output synapses, tagged
    by what they are on."""
    root = str(cortex.history.owner_root[cortex.population.proofread[0]])
    soma = to_voxels(cortex.population.soma_nm[cortex.population.proofread[:1]])[0].tolist()
    space = {axis: [size, "m"] for axis, size in zip("xyz", (4e-9, 4e-9, 4e-8), strict=True)}
    point = {"type": "point", "id": "soma", "point": soma, "segments": [[root]]}
    sites = np.flatnonzero(cortex.wiring.pre == cortex.population.proofread[0])[:SHOWN_OUTPUTS]
    outputs = [
        {"type": "point", "id": f"synapse {row}", "point": to_voxels(place[None])[0].tolist(), "segments": [[root]]}
        | {"props": [int(kind == cortex.synapses.tag[site]) for kind in range(len(TAGS))]}
        for row, (site, place) in enumerate(zip(sites, cortex.synapses.ctr_nm[sites], strict=True))
    ]
    tags = [{"id": f"tag{number}", "type": "uint8", "tag": name} for number, name in enumerate(TAGS)]
    return {
        "dimensions": space,
        "position": soma,
        "crossSectionScale": 1,
        "projectionScale": 30_000,
        "layers": [
            {"type": "image", "name": "imagery", "source": INFO["aligned_volume"]["image_source"]},
            {"type": "segmentation", "name": "cells", "source": INFO["segmentation_source"], "segments": [root]},
            {
                "type": "annotation",
                "name": "somata",
                "source": {"url": "local://annotations", "transform": {"outputDimensions": space}},
                "annotations": [point],
            },
            {
                "type": "annotation",
                "name": "syns_out",
                "source": {"url": "local://annotations", "transform": {"outputDimensions": space}},
                "annotationProperties": tags,
                "annotations": outputs,
            },
        ],
        "layout": "xy-3d",
    }
