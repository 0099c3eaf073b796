"""A cell's arbor measured: its SWC file, how long it is and how many synapses lie on it in each compartment, how often
spheres around the soma meet it, and where in depth it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.spatial import KDTree

from services.cave.client import Cave
from services.cells import connectivity
from services.cells.connectivity import Connectivity
from services.cells.morphology import COMPARTMENTS, SOMA
from services.cells.synapse_rows import CENTRE_NM
from services.core.directions import Direction

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
NM_PER_UM = 1000.0
NEAR_UM = 10.0
"""A synapse farther than this from every point of the skeleton is on none of its compartments."""
SHOLL_STEP_UM, DEPTH_STEP_UM = 10.0, 25.0
SHOWN_STEPS = 10
"""Into so many parts an edge is cut to tell at which depths it runs."""


def swc(skeleton: Mapping[str, Any]) -> str:
    """A skeleton of :meth:`Cave.skeleton` as SWC: id, compartment, x, y, z and radius in um, and parent, which comes
    before its children; ids from 1, -1 for a root."""
    vertices = np.asarray(skeleton["vertices"], np.float64) / NM_PER_UM
    radius = np.asarray(skeleton["radius"], np.float64) / NM_PER_UM
    order, parents = _from_root(np.asarray(skeleton["edges"]).reshape(-1, 2), skeleton["compartment"])
    place = {vertex: number for number, vertex in enumerate(order, 1)}
    place[-1] = -1
    lines = ["# id compartment x_um y_um z_um radius_um parent; 1 soma, 2 axon, 3 dendrite, 4 apical dendrite"]
    for vertex in order:
        x, y, z = vertices[vertex]
        above = place[parents[vertex]]
        kind = skeleton["compartment"][vertex]
        lines.append(f"{place[vertex]} {kind} {x:.4f} {y:.4f} {z:.4f} {radius[vertex]:.4f} {above}")
    return "\n".join(lines) + "\n"


def _from_root(edges: Ints, compartment: Sequence[int]) -> tuple[list[int], dict[int, int]]:
    """Vertices, each after its parent, and the parent of each (-1 = none); trees begin at their soma."""
    around: dict[int, list[int]] = {vertex: [] for vertex in range(len(compartment))}
    for tail, head in edges.tolist():
        around[tail].append(head)
        around[head].append(tail)
    order: list[int] = []
    parents: dict[int, int] = {}
    for start in sorted(around, key=lambda vertex: compartment[vertex] != SOMA):
        if start in parents:
            continue
        parents[start], waiting = -1, [start]
        while waiting:
            vertex = waiting.pop()
            order.append(vertex)
            for other in around[vertex]:
                if other not in parents:
                    parents[other] = vertex
                    waiting.append(other)
    return order, parents


def compartments(cave: Cave, connections: Connectivity) -> pd.DataFrame:
    """One row for each compartment: `compartment`, `cable_um` (float64), `num_in` and `num_out` (Int64), the synapses
    whose nearest point of the skeleton is in it, and `in_per_um`, `out_per_um` (float64, missing where there is no
    cable). Synapses farther away than `NEAR_UM` are in the row "elsewhere". Raises NotFound where CAVE has no
    skeleton."""
    skeleton = cave.skeleton(connections.datastack, connections.cell.root_id)
    vertices_um = np.asarray(skeleton["vertices"], np.float64) / NM_PER_UM
    kinds = np.array([COMPARTMENTS.get(code, "neurite") for code in skeleton["compartment"]])
    edge_kind, length = _edges(skeleton, vertices_um)
    names = [*dict.fromkeys([*COMPARTMENTS.values(), *kinds.tolist()])]
    rows = {name: {"cable_um": float(length[edge_kind == name].sum())} for name in names if name in kinds}
    rows["elsewhere"] = {"cable_um": 0.0}
    tree = KDTree(vertices_um)
    for way in Direction:
        synapses = connectivity.synapses(cave, connections, way)
        positions = np.column_stack([synapses[name].to_numpy(np.float64, na_value=np.nan) for name in CENTRE_NM])
        positions = positions[np.isfinite(positions).all(axis=1)] / NM_PER_UM
        away, nearest = tree.query(positions) if len(positions) else (np.zeros(0), np.zeros(0, int))
        of = np.where(away <= NEAR_UM, kinds[nearest], "elsewhere")
        for name, row in rows.items():
            row[f"num_{way}"] = int((of == name).sum())
    frame = pd.DataFrame.from_dict(rows, orient="index").rename_axis("compartment").reset_index()
    cable = frame["cable_um"].where(frame["cable_um"] > 0)
    counts = {f"num_{way}": frame[f"num_{way}"].astype("Int64") for way in Direction}
    return frame.assign(**counts, **{f"{way}_per_um": frame[f"num_{way}"] / cable for way in Direction})


def _edges(skeleton: Mapping[str, Any], vertices_um: Floats) -> tuple[npt.NDArray[Any], Floats]:
    """The compartment and length of each edge; one at the soma is of what leaves it."""
    edges, codes = np.asarray(skeleton["edges"]).reshape(-1, 2), np.asarray(skeleton["compartment"])
    first, last = codes[edges].T
    code = np.where(first == SOMA, last, first)
    kind = np.array([COMPARTMENTS.get(label, "neurite") for label in code.tolist()], dtype=object)
    return kind, np.linalg.norm(vertices_um[edges[:, 0]] - vertices_um[edges[:, 1]], axis=1)


def sholl(skeleton: Mapping[str, Any]) -> pd.DataFrame:
    """How often spheres around the soma meet the arbor of a skeleton: `radius_um`, steps of `SHOLL_STEP_UM`, and for
    each compartment the number of edges that one end of is inside, Int64. The middle is the soma, else the first
    vertex."""
    vertices_um = np.asarray(skeleton["vertices"], np.float64) / NM_PER_UM
    kind, _ = _edges(skeleton, vertices_um)
    somata = np.flatnonzero(np.asarray(skeleton["compartment"]) == SOMA)
    middle = vertices_um[somata[0] if len(somata) else 0]
    ends = np.sort(np.linalg.norm(vertices_um - middle, axis=1)[np.asarray(skeleton["edges"]).reshape(-1, 2)], axis=1)
    radii = np.arange(SHOLL_STEP_UM, float(ends.max(initial=0)) + SHOLL_STEP_UM, SHOLL_STEP_UM)
    met = (ends[:, :1] < radii) & (radii <= ends[:, 1:])
    columns = {name: met[kind == name].sum(axis=0) for name in sorted(set(kind.tolist()))}
    return pd.DataFrame({"radius_um": radii} | {name: pd.array(count, "Int64") for name, count in columns.items()})


def depth_profile(skeleton: Mapping[str, Any], *, deep: bool = True) -> pd.DataFrame:
    """How much cable of a skeleton of :func:`morphology.placed` runs at each depth: `depth_um`, the upper edge of a bin
    of `DEPTH_STEP_UM`, and for each compartment its length there in um, float64. Empty unless the volume is `deep`."""
    kind, length = _edges(skeleton, np.asarray(skeleton["vertices"], np.float64) / NM_PER_UM)
    ends = np.asarray(skeleton["vertices_um"])[:, 1][np.asarray(skeleton["edges"]).reshape(-1, 2)]
    parts = (np.arange(SHOWN_STEPS) + 0.5) / SHOWN_STEPS
    depths = (ends[:, :1] * (1 - parts) + ends[:, 1:] * parts).ravel()
    if not (deep and len(depths)):
        return pd.DataFrame({"depth_um": pd.Series(dtype="float64")})
    bins = np.floor(depths / DEPTH_STEP_UM).astype(int)
    low, high = int(bins.min()), int(bins.max())
    rows: dict[str, Floats] = {"depth_um": DEPTH_STEP_UM * np.arange(low, high + 1, dtype=np.float64)}
    share = np.repeat(length / SHOWN_STEPS, SHOWN_STEPS)
    of = np.repeat(kind, SHOWN_STEPS)
    for name in sorted(set(kind.tolist())):
        rows[name] = np.bincount(bins[of == name] - low, share[of == name], high - low + 1).astype(float)
    return pd.DataFrame(rows)
