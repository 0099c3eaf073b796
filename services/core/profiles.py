"""How a datastack is shown: TOML of the datastack over TOML of its aligned volume, over defaults."""

from __future__ import annotations

import difflib
import logging
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

from services.core.errors import BadInput
from services.core.roles import RULES, StatedRole

log = logging.getLogger("karst.profiles")


@dataclass(frozen=True)
class Viewer:
    """A Neuroglancer that links can open: `kind` is "spelunker", "mainline", "bundled" or
    "seunglab"."""

    name: str
    url: str
    kind: str


@dataclass(frozen=True)
class LayerSet:
    """Layer boundaries as one `source` gives them, by `name`; `layers` are as those of a volume."""

    name: str
    source: str
    layers: tuple[tuple[str, float], ...]

    @property
    def key(self) -> str:
        """What addresses and columns call it."""
        return re.sub(r"[^a-z0-9]+", "_", self.name.lower()).strip("_")

    @property
    def sentence(self) -> str:
        """A sentence for below a plot; "" where nobody is named."""
        return f"Layers: {self.name} ({self.source})." if self.name else ""


@dataclass(frozen=True)
class Axis:
    """An axis of a volume by `name`, and how it lies in the animal, as a plot says it: "to posterior" where values
    grow, "left-right" where it is not known which way; "" = not known."""

    name: str
    direction: str = ""


@dataclass(frozen=True)
class Volume:
    """An aligned volume: its axes and layers.

    `transform` names a `standard_transform` dataset ("minnie65", "v1dd") or is "identity". `layers` are
    (name, top in um below the pia), from the top down; empty = no layers known. Where several sources differ,
    `layer_sets` are theirs, and `layers` those of the first. `depth_range_um` is what
    depth axes show. `directions` are its axes; with a transform the second is the depth.
    `voxel_resolution_nm` is the size of a voxel of the volume in x, y, z.
    """

    name: str
    transform: str = "identity"
    layers: tuple[tuple[str, float], ...] = ()
    layer_sets: tuple[LayerSet, ...] = ()
    directions: tuple[Axis, ...] = (Axis("x"), Axis("y"), Axis("z"))
    depth_range_um: tuple[float, float] | None = None
    voxel_resolution_nm: tuple[float, float, float] = (4.0, 4.0, 40.0)

    @property
    def has_depth(self) -> bool:
        """Whether depths below the pia are known: raw axes have none."""
        return self.transform != "identity"

    @property
    def axes(self) -> tuple[str, str, str]:
        """Names of its axes in um; the second is the depth below the pia where that is known."""
        x, y, z = (f"{axis.name}_um" for axis in self.directions)
        return x, "depth_um" if self.has_depth else y, z

    @property
    def down(self) -> str:
        """What the axis that plots draw downwards is called."""
        return "depth" if self.has_depth else self.directions[1].name

    @property
    def titles(self) -> dict[str, str]:
        """What stands at each of its `axes` in plots."""
        titles = {name: name.removesuffix("_um").replace("_", " ") + " (µm)" for name in self.axes}
        return {
            name: f"{title}, {axis.direction}" if axis.direction and name != "depth_um" else title
            for (name, title), axis in zip(titles.items(), self.directions, strict=True)
        }

    def layer_set(self, key: str = "") -> LayerSet:
        """The boundaries that `key` names; "" is the first. Raises BadInput for a key that the volume does not have."""
        layer_sets = self.layer_sets or (LayerSet("", "", self.layers),)
        matches = [layer_set for layer_set in layer_sets if key in ("", layer_set.key)]
        if not matches:
            keys = ", ".join(layer_set.key for layer_set in layer_sets if layer_set.key) or "none"
            raise BadInput(f"There are no layer boundaries {key!r} here.", f"There are: {keys}.")
        return matches[0]

    @property
    def layer_columns(self) -> dict[str, LayerSet]:
        """The columns that say a layer, one for each source: `layer` for the first, `layer_<key>` for others."""
        if not self.layers:
            return {}
        return {"layer": self.layer_set()} | {f"layer_{layer_set.key}": layer_set for layer_set in self.layer_sets[1:]}


@dataclass(frozen=True)
class Profile:
    """A datastack's own ways.

    `type_tables` are pinned first in every choice of cell-type tables; `hidden_tables` are not listed.
    `type_order` says for type tables which of several rows of a cell comes first: the name of a column, and its values
    from the first on. `roles` say which table has which role (see :mod:`roles`), and `synapse_filter` is the line that
    synapses have to pass unless another is asked for. `palette` gives types their colour, "#rrggbb". `neuroglancer`
    overrides what links are made of (`image_source`, `segmentation_source`, `skeleton_source`, ...). The first viewer
    is the default.
    """

    datastack: str
    title: str
    description: str = ""
    default_table: str | None = None
    type_tables: tuple[str, ...] = ()
    hidden_tables: tuple[str, ...] = ()
    type_order: Mapping[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    allow_live: bool = False
    viewers: tuple[Viewer, ...] = ()
    neuroglancer: Mapping[str, Any] = field(default_factory=dict)
    palette: Mapping[str, str] = field(default_factory=dict)
    roles: Mapping[str, StatedRole] = field(default_factory=dict)
    synapse_filter: str = ""


def file_of(config_dir: Path, kind: str, name: str, server: str = "") -> Path:
    """The file of a datastack (`kind` is "datastacks") or an aligned volume ("volumes"): `config_dir`/kind/name.toml,
    but of a `server`, where there are several, kind/server/name.toml if that is there."""
    own = config_dir / kind / server / f"{name}.toml"
    return own if server and own.is_file() else config_dir / kind / f"{name}.toml"


def load_volume(config_dir: Path, name: str, server: str = "") -> Volume:
    """The volume of :func:`file_of`; raw axes and no layers where there is no such file."""
    read = _read(config_dir, "volumes", name, server).values
    values = {key: value for key, value in read.items() if key in VOLUME_KEYS}
    volume = Volume(name, **{"directions" if key == "axes" else key: value for key, value in values.items()})
    if not volume.has_depth and (volume.layers or volume.layer_sets or volume.depth_range_um):
        log.warning("%s: without a transform there are no depths, so its layers are left out", name)
    if not volume.has_depth:
        return replace(volume, layers=(), layer_sets=(), depth_range_um=None)
    return replace(volume, layers=volume.layer_sets[0].layers) if volume.layer_sets else volume


def load_profile(config_dir: Path, datastack: str, volume: str, server: str = "") -> Profile:
    """The profile of :func:`file_of`, its palette over that of the volume's file. The title of `named:datastack` has
    the name of the server."""
    named, _, name = datastack.rpartition(":")
    files = (("datastacks", name), ("volumes", volume))
    values, defaults = (_read(config_dir, kind, file, server).values for kind, file in files)
    title = f"{values['title']} ({named})" if named and "title" in values else values.get("title", datastack)
    palette = {**defaults.get("palette", {}), **values.get("palette", {})}
    return Profile(datastack, **{**values, "title": title, "palette": palette})


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("it must be text")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError("it must be a list of texts")
    return tuple(map(_text, value))


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("it must be true or false")
    return value


def _numbers(count: int) -> Callable[[Any], tuple[float, ...]]:
    def read(value: Any) -> tuple[float, ...]:
        if not isinstance(value, list) or len(value) != count or any(isinstance(part, bool) for part in value):
            raise ValueError(f"it must be a list of {count} numbers")
        return tuple(map(float, value))

    return read


def _layers(value: Any) -> tuple[tuple[str, float], ...]:
    layers = tuple((_text(layer["name"]), float(layer["top_um"])) for layer in value)
    if [top for _, top in layers] != sorted(top for _, top in layers):
        raise ValueError("layers must be given from the top down")
    return layers


def _axes(value: Any) -> tuple[Axis, ...]:
    """Three axes, each a name or {name, direction}."""
    entries = [{"name": entry} if isinstance(entry, str) else entry for entry in value]
    axes = tuple(Axis(**{key: _text(text) for key, text in entry.items()}) for entry in entries)
    names = [axis.name for axis in axes]
    if len(axes) != 3 or len(set(names)) != 3 or not all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in names):
        raise ValueError("it must be a list of three axes that differ, each with a name in small letters")
    if "depth" in names:
        raise ValueError("an axis is called depth by a transform only")
    return axes


def _layer_sets(value: Any) -> tuple[LayerSet, ...]:
    return tuple(LayerSet(_text(entry["name"]), _text(entry["source"]), _layers(entry["layers"])) for entry in value)


def _palette(value: Any) -> dict[str, str]:
    for name, colour in value.items():
        if not re.fullmatch(r"#[0-9a-fA-F]{6}", _text(colour)):
            raise ValueError(f"the colour of {name} must be #rrggbb")
    return {name: colour.lower() for name, colour in value.items()}


def _orders(value: Any) -> dict[str, tuple[str, tuple[str, ...]]]:
    """{table: {column: values}} as {table: (column, values)}."""
    if any(len(by) != 1 for by in value.values()):
        raise ValueError("each table must have one column with a list of its values")
    return {_text(table): (column, _texts(values)) for table, by in value.items() for column, values in by.items()}


def _roles(value: Any) -> dict[str, StatedRole]:
    """{role: table} or {role: {table, column, system, where}}; "" for a role that no table has."""
    if unknown := value.keys() - RULES.keys():
        raise ValueError(f"{min(unknown)!r} is no role; roles are {', '.join(RULES)}")
    return {name: _role(name, {"table": role} if isinstance(role, str) else role) for name, role in value.items()}


def _role(name: str, entry: Any) -> StatedRole:
    keys = [stated.name for stated in fields(StatedRole)]
    if not isinstance(entry, dict) or "table" not in entry:
        raise ValueError(f'{name} must be the name of a table, or {{ table = "…" }}')
    if unknown := entry.keys() - set(keys):
        raise ValueError(f"{min(unknown)!r} is no key of a role; keys are {', '.join(keys)}")
    if entry.get("where") and name != "edges":
        raise ValueError(f"{name} has no where: only edges has; synapse_filter says which synapses count")
    return StatedRole(**{key: _text(text) for key, text in entry.items()})


def _viewers(value: Any) -> tuple[Viewer, ...]:
    viewers = tuple(Viewer(_text(viewer["name"]), _text(viewer["url"]), _text(viewer["kind"])) for viewer in value)
    if any(viewer.kind not in VIEWER_KINDS for viewer in viewers):
        raise ValueError(f"the kind of a viewer must be one of {', '.join(VIEWER_KINDS)}")
    return viewers


VIEWER_KINDS = ("spelunker", "mainline", "bundled", "seunglab")
PROFILE_KEYS: Mapping[str, Callable[[Any], Any]] = {
    "title": _text,
    "description": _text,
    "default_table": _text,
    "type_tables": _texts,
    "hidden_tables": _texts,
    "type_order": _orders,
    "allow_live": _truth,
    "viewers": _viewers,
    "neuroglancer": dict,
    "palette": _palette,
    "roles": _roles,
    "synapse_filter": _text,
}
VOLUME_KEYS: Mapping[str, Callable[[Any], Any]] = {
    "transform": _text,
    "layers": _layers,
    "layer_sets": _layer_sets,
    "axes": _axes,
    "depth_range_um": _numbers(2),
    "voxel_resolution_nm": _numbers(3),
}
READERS = {"volumes": {**VOLUME_KEYS, "palette": _palette}, "datastacks": PROFILE_KEYS}
"""The keys that a file of each folder may have, and what reads them."""


@dataclass(frozen=True)
class _File:
    values: Mapping[str, Any]
    faults: tuple[str, ...] = ()


def faults(config_dir: Path, datastack: str, volume: str, server: str = "") -> tuple[str, ...]:
    """A sentence for all in the two files of a datastack that cannot be used."""
    files = (("datastacks", datastack), ("volumes", volume))
    return tuple(fault for kind, name in files for fault in _read(config_dir, kind, name, server).faults)


@cache
def _read(config_dir: Path, kind: str, name: str, server: str) -> _File:
    """The values of a file. Read once: the operator restarts after a change.

    What cannot be used is logged and left out, for a slip in a file must not close the site.
    """
    path = file_of(config_dir, kind, name, server)
    if not re.fullmatch(r"[\w-][\w.-]*", name) or not path.is_file():
        return _File({})
    readers, result, faults = READERS[kind], dict[str, Any](), list[str]()
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        content = {}
        faults.append(f"{path} cannot be read and is left out: {error}")
    for key, value in content.items():
        try:
            if key in readers:
                result[key] = readers[key](value)
                continue
            near = difflib.get_close_matches(key, readers, n=1)
            faults.append(f"{path}: there is no key {key!r}{f'; did you mean {near[0]!r}?' if near else ''}")
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            faults.append(f"{path}: the value of {key!r} is left out: {error}")
    for fault in faults:
        log.warning("%s", fault)
    return _File(result, tuple(faults))
