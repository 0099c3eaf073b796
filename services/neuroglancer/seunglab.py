"""States in the dialect of the Seung lab's fork of Neuroglancer, which FlyWire and others still use.

It is the state of Neuroglancer before 2019 (no `dimensions`, one source for each layer, a `navigation` in voxels) with
layers of type `segmentation_with_graph`; the fork logs in by itself and does not know `middleauth+`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from services.neuroglancer.layers import State

KIND = "seunglab"
SITES = ("neuromancer-seung-import.appspot.com", "ngl.flywire.ai", "ngl.microns-explorer.org")
"""Hosts of the fork, as info records name them in `viewer_site`."""
_DISPLAY_FIELDS = ("selectedAlpha", "notSelectedAlpha", "objectAlpha", "segmentColors")


def is_site(address: str) -> bool:
    """Whether a viewer's address is one of the fork's."""
    return (urlsplit(address).hostname or "") in SITES


def translated(state: State) -> State:
    """A state of current Neuroglancer in the dialect of the fork.

    Kept are sources, segments with colours, points with their ids, descriptions and segments, the position and its
    zoom. The fork has neither annotation properties nor shaders for them, so points have the colour of their layer.
    """
    voxel_nm = [round(state["dimensions"][axis][0] * 1e9, 6) for axis in "xyz"]
    position: State = {"voxelSize": voxel_nm}
    if "position" in state:
        position["voxelCoordinates"] = state["position"]
    result: State = {
        "layers": [_LAYERS[layer["type"]](layer, voxel_nm) for layer in state["layers"]],
        "navigation": {"pose": {"position": position}},
        "layout": state.get("layout", "xy-3d"),
        "showSlices": state.get("showSlices", True),
    }
    if "crossSectionScale" in state:
        result["navigation"]["zoomFactor"] = state["crossSectionScale"] * min(voxel_nm)  # nm of a pixel
    return result | {key: state[key] for key in ("selectedLayer",) if key in state}


def _source(layer: Mapping[str, Any]) -> str:
    """The first source of a layer without `middleauth+`, since the fork logs in by itself."""
    source = layer["source"][0] if isinstance(layer["source"], list) else layer["source"]
    address: str = source["url"] if isinstance(source, Mapping) else source
    return address.replace("middleauth+", "")


def _image(layer: Mapping[str, Any], _voxel_nm: list[float]) -> State:
    return {"type": "image", "name": layer["name"], "source": _source(layer)}


def _segmentation(layer: Mapping[str, Any], _voxel_nm: list[float]) -> State:
    source, listed = _source(layer), layer.get("segments", [])
    kind = "segmentation_with_graph" if source.startswith("graphene://") else "segmentation"
    result: State = {"type": kind, "name": layer["name"], "source": source}
    result["segments"] = [segment for segment in listed if not segment.startswith("!")]
    if hidden := [segment.removeprefix("!") for segment in listed if segment.startswith("!")]:
        result["hiddenSegments"] = hidden
    return result | {key: layer[key] for key in _DISPLAY_FIELDS if key in layer}


def _annotation(layer: Mapping[str, Any], voxel_nm: list[float]) -> State:
    result: State = {
        "type": "annotation",
        "name": layer["name"],
        "voxelSize": voxel_nm,
        "annotations": [_point(point) for point in layer.get("annotations", [])],
        "annotationTags": [],
    }
    if "annotationColor" in layer:
        result["annotationColor"] = layer["annotationColor"]
    if linked := layer.get("linkedSegmentationLayer"):
        result["linkedSegmentationLayer"] = linked if isinstance(linked, str) else next(iter(linked.values()))
    return result


def _point(point: Mapping[str, Any]) -> State:
    attributes = {key: value for key, value in point.items() if key not in ("props", "segments")}
    segments = [segment for group in point.get("segments", []) for segment in group]
    return attributes | ({"segments": segments} if segments else {})


_LAYERS: Mapping[str, Callable[[Mapping[str, Any], list[float]], State]] = {
    "image": _image,
    "segmentation": _segmentation,
    "annotation": _annotation,
}
