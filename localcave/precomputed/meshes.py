"""Meshes drawn around skeletons: a tube along every edge, a ball at the soma and at what has no edge."""

from __future__ import annotations

from dataclasses import dataclass

import DracoPy
import numpy as np
import numpy.typing as npt

from localcave.segmentation.skeletons import SOMA, Skeleton

SIDES = 5
LEVELS = ((8, 100.0), (6, 400.0), (4, 1600.0), (3, 6400.0))
"""Sides of the tubes, and how large in nm a screen pixel may be, at each level of detail."""
LEVEL_BITS = 16
ROOM = 1.001
"""A fragment is a little wider than its mesh: no point lies on the border to the next."""
FRAGMENT_BITS = 20
"""Of a coordinate; a cell is up to a millimetre wide, and an axon a tenth of a micrometre."""
SHARDING = {
    "@type": "neuroglancer_uint64_sharded_v1",
    "hash": "identity",
    "preshift_bits": 0,
    "minishard_bits": 0,
    "shard_bits": 0,
    "minishard_index_encoding": "gzip",
    "data_encoding": "gzip",
}
"""Clients want it; nothing is kept in shards, every mesh is one of those made after them."""
GRAPHENE_INFO = {
    "@type": "neuroglancer_legacy_mesh",
    "mip": 0,
    "sharding": {str(layer): SHARDING for layer in range(2, 13)},
}
FLAT_INFO = {
    "@type": "neuroglancer_multilod_draco",
    "vertex_quantization_bits": LEVEL_BITS,
    "transform": [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0],
    "lod_scale_multiplier": 1,
}
BALL, POINT = (12, 18), (3, 4)
"""Rings and sides of a soma, and of what is only a point."""

Points = npt.NDArray[np.float32]
Faces = npt.NDArray[np.uint32]


def tubes(skeleton: Skeleton, sides: int = SIDES, level2: int | None = None) -> tuple[Points, Faces]:
    """Points in nm (n, 3) and triangles (m, 3) of a cell, or of the part in one level 2 node."""
    edges, inside = skeleton.edges, np.ones(len(skeleton.vertices_nm), bool)
    if level2 is not None:
        edges = edges[skeleton.level2_id[edges[:, 0]] == level2]
        inside = skeleton.level2_id == level2
    parts = [_tubes(skeleton, edges, sides)]
    for centre in np.flatnonzero(_balls(skeleton) & inside).tolist():
        shape = BALL if skeleton.compartment[centre] == SOMA else POINT
        parts.append(_ball(skeleton.vertices_nm[centre], float(skeleton.radius_nm[centre]), *shape))
    first = np.cumsum([0, *(len(points) for points, _ in parts)]).astype(np.uint32)
    points = np.vstack([points for points, _ in parts])
    return points, np.vstack([faces + start for (_, faces), start in zip(parts, first[:-1], strict=True)])


def _balls(skeleton: Skeleton) -> npt.NDArray[np.bool_]:
    """The vertices that are drawn as balls: the largest of the soma, and those without an edge."""
    chosen = np.ones(len(skeleton.vertices_nm), bool)
    chosen[skeleton.edges.ravel()] = False
    somata = np.flatnonzero(skeleton.compartment == SOMA)
    if len(somata):
        chosen[somata[np.argmax(skeleton.radius_nm[somata])]] = True
    return chosen


def draco(points: Points, faces: Faces) -> bytes:
    """A mesh as Draco, points to a nanometre; nothing at all for one without triangles."""
    return DracoPy.encode(points, faces, quantization_bits=FRAGMENT_BITS) if len(faces) else b""


@dataclass(frozen=True)
class LevelledMesh:
    """Neuroglancer's multi-resolution mesh: its index, and the fragments one after the other, one for each level."""

    index: bytes
    fragments: bytes

    @classmethod
    def of(cls, skeleton: Skeleton) -> LevelledMesh:
        """The mesh of a cell; that of a cell that is not drawn has one empty fragment."""
        meshes = [tubes(skeleton, sides) for sides, _ in LEVELS] if len(skeleton.vertices_nm) else []
        low = np.min([points.min(axis=0) for points, _ in meshes], axis=0) if meshes else np.zeros(3)
        high = np.max([points.max(axis=0) for points, _ in meshes], axis=0) if meshes else np.ones(3)
        shape = (high - low) * ROOM + 1.0
        parts = [
            _stored((points - low) / (shape * 2**level), faces) for level, (points, faces) in enumerate(meshes)
        ] or [b""]
        count = len(parts)
        head = (
            shape.astype("<f4"),
            low.astype("<f4"),
            np.uint32(count),
            np.array([scale for _, scale in LEVELS[:count]], "<f4"),
            np.zeros((count, 3), "<f4"),
            np.ones(count, "<u4"),
        )
        each = b"".join(np.array([0, 0, 0, len(part)], "<u4").tobytes() for part in parts)
        return cls(b"".join(part.tobytes() for part in head) + each, b"".join(parts))


def _stored(unit: npt.NDArray[np.float64], faces: Faces) -> bytes:
    """A fragment; its points lie in the unit cube, and are kept as whole numbers of `LEVEL_BITS`."""
    most = 2**LEVEL_BITS - 1
    points = np.rint(unit * most).astype(np.float32)
    return DracoPy.encode(
        points, faces, quantization_bits=LEVEL_BITS, quantization_range=most, quantization_origin=np.zeros(3)
    )


def _tubes(skeleton: Skeleton, edges: npt.NDArray[np.int32], sides: int) -> tuple[Points, Faces]:
    start, end = edges[:, 0], edges[:, 1]
    axis = skeleton.vertices_nm[end] - skeleton.vertices_nm[start]
    # A child of the soma starts at its own width, not at the soma's: the ball is drawn apart.
    radius = np.where(skeleton.compartment == SOMA, 0, skeleton.radius_nm)
    start_radius = np.where(radius[start] > 0, radius[start], radius[end])
    end_radius = np.where(radius[end] > 0, radius[end], start_radius)
    across, along = _frame(axis)
    angle = np.arange(sides) * (2 * np.pi / sides)
    ring = np.cos(angle)[None, :, None] * across[:, None, :] + np.sin(angle)[None, :, None] * along[:, None, :]
    first = skeleton.vertices_nm[start][:, None, :] + ring * start_radius[:, None, None]
    last = skeleton.vertices_nm[end][:, None, :] + ring * end_radius[:, None, None]
    points = np.concatenate([first, last], axis=1).reshape(-1, 3).astype(np.float32)
    corners = np.arange(sides)
    after = (corners + 1) % sides
    low = np.stack([corners, after, corners + sides], axis=1)
    high = np.stack([after, after + sides, corners + sides], axis=1)
    faces_of_edge = np.concatenate([low, high])
    faces = (np.arange(len(start))[:, None, None] * (2 * sides) + faces_of_edge[None]).reshape(-1, 3).astype(np.uint32)
    return points, faces


def _frame(axis: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Two unit vectors at right angles to each axis and to each other."""
    length = np.linalg.norm(axis, axis=1, keepdims=True)
    unit = np.where(length > 0, axis / np.maximum(length, 1e-9), [0.0, 0.0, 1.0])
    helper = np.where(np.abs(unit[:, :1]) < 0.9, [1.0, 0.0, 0.0], [0.0, 1.0, 0.0])
    across = np.cross(unit, helper)
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    return across, np.cross(unit, across)


def _ball(centre_nm: npt.NDArray[np.float32], radius_nm: float, rings: int, sides: int) -> tuple[Points, Faces]:
    polar = np.linspace(0, np.pi, rings)
    around = np.arange(sides) * (2 * np.pi / sides)
    p, a = np.meshgrid(polar, around, indexing="ij")
    unit = np.stack([np.sin(p) * np.cos(a), np.sin(p) * np.sin(a), np.cos(p)], axis=-1).reshape(-1, 3)
    ring, side = np.meshgrid(np.arange(rings - 1), np.arange(sides), indexing="ij")
    corners = ring * sides + side
    right = ring * sides + (side + 1) % sides
    low = np.stack([corners, right, corners + sides], axis=-1).reshape(-1, 3)
    high = np.stack([right, right + sides, corners + sides], axis=-1).reshape(-1, 3)
    points = (centre_nm + unit * radius_nm).astype(np.float32)
    return points, np.vstack([low, high]).astype(np.uint32)
