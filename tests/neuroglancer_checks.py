"""What every Neuroglancer state must satisfy: the viewer drops what does not, mostly without a word."""

from __future__ import annotations

import json
import re
from typing import Any

DIGITS = re.compile(r"\d+")
COLOUR = re.compile(r"#[0-9a-f]{6}")
IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*")


def layer_of(state: dict[str, Any], name: str) -> dict[str, Any]:
    """The layer called `name`."""
    (result,) = [layer for layer in state["layers"] if layer["name"] == name]
    return result


def assert_sound(state: dict[str, Any]) -> None:
    """Fail when the real client would drop, round or rename anything of `state`."""
    text = json.dumps(state, allow_nan=False)
    assert json.loads(text) == state, "the state is not plain JSON"
    assert not re.search(r"[\[:,] ?\d{16,}", text), "a bare integer that JavaScript would round"
    assert list(state["dimensions"]) == ["x", "y", "z"]
    names = [layer["name"] for layer in state["layers"]]
    assert len(set(names)) == len(names), "two layers of one name"
    for layer in state["layers"]:
        _CHECKS[layer["type"]](layer, names)
    if any(layer.get("annotations") for layer in state["layers"]):
        assert len(state["position"]) == 3


def _check_image(layer: dict[str, Any], names: list[str]) -> None:
    assert layer["source"]


def _check_segmentation(layer: dict[str, Any], names: list[str]) -> None:
    roots = [segment.removeprefix("!") for segment in layer["segments"]]
    assert len(set(roots)) == len(roots)
    assert all(DIGITS.fullmatch(root) and root != "0" for root in roots)
    for root, colour in layer.get("segmentColors", {}).items():
        assert DIGITS.fullmatch(root)
        assert COLOUR.fullmatch(colour)


def _check_annotation(layer: dict[str, Any], names: list[str]) -> None:
    relationships, properties = layer["annotationRelationships"], layer["annotationProperties"]
    assert set(layer.get("linkedSegmentationLayer", {}).values()) <= set(names)
    assert set(layer.get("linkedSegmentationLayer", {})) <= set(relationships)
    assert COLOUR.fullmatch(layer["annotationColor"])
    assert len({entry["id"] for entry in properties}) == len(properties)
    assert all(IDENTIFIER.fullmatch(entry["id"]) for entry in properties)
    ids = [annotation["id"] for annotation in layer["annotations"]]
    assert all(isinstance(id_, str) for id_ in ids)
    assert len(set(ids)) == len(ids)
    for annotation in layer["annotations"]:
        assert annotation["type"] == "point"
        assert len(annotation["point"]) == 3
        assert len(annotation.get("segments", [])) == len(relationships)
        assert all(DIGITS.fullmatch(root) for linked in annotation.get("segments", []) for root in linked)
        assert len(annotation.get("props", [])) == len(properties)
        for entry, value in zip(properties, annotation.get("props", []), strict=True):
            assert value in entry["enum_values"] if "enum_values" in entry else value is not None


_CHECKS = {"image": _check_image, "segmentation": _check_segmentation, "annotation": _check_annotation}
