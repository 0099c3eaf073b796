"""Meshes drawn around skeletons: a tube along every edge and a ball at the soma."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from localcave.segmentation.skeletons import Skeleton

SIDES = 5
SOMA = 1
BALL_RINGS, BALL_SIDES = 12, 18

Points = npt.NDArray[np.float32]
Faces = npt.NDArray[np.uint32]


def tubes(skeleton: Skeleton) -> tuple[Points, Faces]:
    """Points in nm (n, 3) and triangles (m, 3) of a cell."""
    points, faces = _tubes(skeleton)
    somata = np.flatnonzero(skeleton.compartment == SOMA)
    if len(somata):
        centre = somata[np.argmax(skeleton.radius_nm[somata])]
        ball, ball_faces = _ball(skeleton.vertices_nm[centre], float(skeleton.radius_nm[centre]))
        faces = np.vstack([faces, ball_faces + np.uint32(len(points))])
        points = np.vstack([points, ball])
    return points, faces


def legacy_fragment(points: Points, faces: Faces) -> bytes:
    """Neuroglancer's legacy mesh fragment: number of points, points in nm, triangles."""
    return np.uint32(len(points)).tobytes() + points.astype("<f4").tobytes() + faces.astype("<u4").tobytes()


def _tubes(skeleton: Skeleton) -> tuple[Points, Faces]:
    start, end = skeleton.edges[:, 0], skeleton.edges[:, 1]
    axis = skeleton.vertices_nm[end] - skeleton.vertices_nm[start]
    # A child of the soma starts at its own width, not at the soma's: the ball is drawn apart.
    radius = np.where(skeleton.compartment == SOMA, 0, skeleton.radius_nm)
    start_radius = np.where(radius[start] > 0, radius[start], radius[end])
    end_radius = np.where(radius[end] > 0, radius[end], start_radius)
    across, along = _frame(axis)
    angle = np.arange(SIDES) * (2 * np.pi / SIDES)
    ring = np.cos(angle)[None, :, None] * across[:, None, :] + np.sin(angle)[None, :, None] * along[:, None, :]
    first = skeleton.vertices_nm[start][:, None, :] + ring * start_radius[:, None, None]
    last = skeleton.vertices_nm[end][:, None, :] + ring * end_radius[:, None, None]
    points = np.concatenate([first, last], axis=1).reshape(-1, 3).astype(np.float32)
    here = np.arange(SIDES)
    after = (here + 1) % SIDES
    low = np.stack([here, after, here + SIDES], axis=1)
    high = np.stack([after, after + SIDES, here + SIDES], axis=1)
    one = np.concatenate([low, high])
    faces = (np.arange(len(start))[:, None, None] * (2 * SIDES) + one[None]).reshape(-1, 3).astype(np.uint32)
    return points, faces


def _frame(axis: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Two unit vectors at right angles to each axis and to each other."""
    length = np.linalg.norm(axis, axis=1, keepdims=True)
    unit = np.where(length > 0, axis / np.maximum(length, 1e-9), [0.0, 0.0, 1.0])
    helper = np.where(np.abs(unit[:, :1]) < 0.9, [1.0, 0.0, 0.0], [0.0, 1.0, 0.0])
    across = np.cross(unit, helper)
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    return across, np.cross(unit, across)


def _ball(centre_nm: npt.NDArray[np.float32], radius_nm: float) -> tuple[Points, Faces]:
    polar = np.linspace(0, np.pi, BALL_RINGS)
    around = np.arange(BALL_SIDES) * (2 * np.pi / BALL_SIDES)
    p, a = np.meshgrid(polar, around, indexing="ij")
    unit = np.stack([np.sin(p) * np.cos(a), np.sin(p) * np.sin(a), np.cos(p)], axis=-1).reshape(-1, 3)
    ring, side = np.meshgrid(np.arange(BALL_RINGS - 1), np.arange(BALL_SIDES), indexing="ij")
    here = ring * BALL_SIDES + side
    right = ring * BALL_SIDES + (side + 1) % BALL_SIDES
    low = np.stack([here, right, here + BALL_SIDES], axis=-1).reshape(-1, 3)
    high = np.stack([right, right + BALL_SIDES, here + BALL_SIDES], axis=-1).reshape(-1, 3)
    points = (centre_nm + unit * radius_nm).astype(np.float32)
    return points, np.vstack([low, high]).astype(np.uint32)
