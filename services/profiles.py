"""How a datastack is shown: TOML of the datastack over TOML of its aligned volume, over defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Viewer:
    """A Neuroglancer that links can open: `kind` is "spelunker", "mainline" or "bundled"."""

    name: str
    url: str
    kind: str


@dataclass(frozen=True)
class Volume:
    """An aligned volume: its axes and layers.

    `transform` names a `standard_transform` dataset ("minnie65", "v1dd") or is "identity". `layers` are
    (name, top in um below the pia), from the top down; empty = no layers known. `depth_range_um` is what
    depth axes show. `voxel_resolution_nm` is the size of a voxel of the volume in x, y, z.
    """

    name: str
    transform: str = "identity"
    layers: tuple[tuple[str, float], ...] = ()
    depth_range_um: tuple[float, float] | None = None
    voxel_resolution_nm: tuple[float, float, float] = (4.0, 4.0, 40.0)


@dataclass(frozen=True)
class Profile:
    """A datastack's own ways.

    `type_tables` are pinned first in every choice of cell-type tables; `hidden_tables` are not listed.
    `palette` gives types their colour, "#rrggbb". `neuroglancer` overrides what links are made of
    (`image_source`, `segmentation_source`, `skeleton_source`, ...). The first viewer is the default.
    """

    datastack: str
    title: str
    description: str = ""
    default_table: str | None = None
    type_tables: tuple[str, ...] = ()
    hidden_tables: tuple[str, ...] = ()
    allow_live: bool = False
    viewers: tuple[Viewer, ...] = ()
    neuroglancer: Mapping[str, Any] = field(default_factory=dict)
    palette: Mapping[str, str] = field(default_factory=dict)
