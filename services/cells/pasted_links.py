"""Pasted Neuroglancer links: which segments they show, and at which position.

A link holds its state or the address of one. States are fetched from the state service of the configured CAVE only,
through `services.cave.client`: a pasted address itself is never opened.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import parse_qs, unquote, urlsplit

from neuroglancer.url_state import url_safe_to_json

from services.cave.context import outside, outside_address
from services.core.errors import BadInput
from services.core.id_text import LARGEST_ID

if TYPE_CHECKING:
    from services.cave.client import Cave

LONGEST_LINK = 3_000_000
"""Characters. Browsers open no more than 2 MiB."""
LONGEST_OLD_LINK = 100_000
"""Characters of the older notation, which takes time quadratic in its length to read."""
MOST_SEGMENTS = 20_000
"""Most ids taken from one link, of selected and of hidden segments each."""

METRES = {"m": 1.0, "mm": 1e-3, "um": 1e-6, "µm": 1e-6, "nm": 1e-9}
SEGMENTATIONS = ("segmentation", "segmentation_with_graph")
"""Layer types with segments; the second is that of the older viewers for proofreading."""

ROOT_BITS = 57
"""The chunkedgraph keeps the layer of a node in the upper 8 bits of its id, and supervoxels are layer 1: only ids of
higher layers, such as root ids, have a bit from this one on."""

_STATE_PATH = re.compile(r"/nglstate(?:/api/v[0-9]+)?(?:/raw)?/([0-9]{1,19})/?")
_LINK = re.compile(r"^\s*(?:\{|[a-z][a-z0-9+.-]*://|/neuroglancer/)|#!|[?&]json_url=", re.IGNORECASE)


Point: TypeAlias = tuple[float, float, float]


@dataclass(frozen=True)
class PastedLink:
    """What a pasted link shows of a datastack.

    `selected` are the root ids that its viewer draws and `hidden` those that it only lists, in the link's order, each
    once; `layer` is the segmentation layer that they are from. `linked` are the segments that annotations are linked
    to, `points_nm` the positions of annotations. `position_nm` is the centre of the view, None if the link has none in
    physical units. `warnings` are sentences about what was taken from the link and what was left out.
    """

    selected: tuple[int, ...]
    hidden: tuple[int, ...]
    layer: str
    position_nm: Point | None = None
    warnings: tuple[str, ...] = ()
    linked: tuple[int, ...] = ()
    points_nm: tuple[Point, ...] = ()


def is_link(text: str) -> bool:
    """Whether a pasted text is a link or a state as JSON, rather than ids or a position."""
    return bool(_LINK.search(text))


def read(cave: Cave, datastack: str, text: str) -> PastedLink:
    """The segments and positions of a pasted link (or of a state as JSON), from any Neuroglancer.

    Of several segmentation layers the datastack's own is read, else the first with segments; a warning says which.
    Raises BadInput when the text is not a link, when its state cannot be read or is kept on another server, and when it
    has neither a segmentation layer nor annotations; NotFound when CAVE does not have the state.
    """
    return from_state(_state_of(cave, datastack, text), own_sources(cave, datastack))


def own_sources(cave: Cave, datastack: str) -> tuple[str, ...]:
    """The sources of a datastack's segmentation in CAVE's info service and in the profile, each also with the address
    by which browsers reach the server."""
    cave = cave.at(datastack)
    template = cave.profile(datastack).neuroglancer.get("segmentation_source") or ""
    sources = (cave.info(datastack)["segmentation_source"], template.replace("{server}", cave.settings.server_address))
    stated = [source for source in sources if source]
    return tuple(dict.fromkeys([*stated, *(outside(cave, source) for source in stated)]))


def from_state(state: Mapping[str, Any], sources: Iterable[str] = ()) -> PastedLink:
    """As :func:`read`, from a decoded state; `sources` are those of the datastack's own segmentation."""
    all_layers = _layers(state)
    layers = [layer for layer in all_layers if layer.get("type") in SEGMENTATIONS or _untyped(layer)]
    annotated = [layer for layer in all_layers if _annotations(layer)]
    linked = [entry for layer in annotated for note in _annotations(layer) for entry in _flat(note.get("segments"))]
    named, _, _ = _segments(linked)
    points = [point for layer in annotated for point in _points_nm(layer, state)]
    if not layers and (named or any(map(_coordinates, annotated))):
        messages = tuple(_about_annotations(annotated, named, points))
        return PastedLink((), (), "", _position_nm(state), messages, tuple(named[:MOST_SEGMENTS]), tuple(points))
    if not layers:
        raise BadInput("This link shows no segmentation.", "Paste a link with cells selected in it.")
    own_addresses = {_bare(source) for source in sources}
    ours = [layer for layer in layers if own_addresses & set(map(_bare, _sources(layer)))]
    with_segments = [layer for layer in ours or layers if _listed_segments(layer)]
    # where no source is the datastack's own, a layer whose segments look like root ids is the best guess
    chosen = next(iter([*filter(_of_roots, with_segments), *with_segments, *(ours or layers)]))
    warnings = []
    if own_addresses and not ours:
        warnings.append(
            f"Layer {_name(chosen)!r} is not of this datastack's segmentation; its ids may be unknown here."
        )
    others = [_name(layer) for layer in layers if layer is not chosen and _listed_segments(layer)]
    if others:
        listed = ", ".join(map(repr, others[:3])) + (f" and {len(others) - 3} more" if len(others) > 3 else "")
        warnings.append(f"Segments were taken from layer {_name(chosen)!r} only, not from {listed}.")
    selected, hidden, odd = _segments(_listed_segments(chosen))
    if odd:
        warnings.append(f"{odd:,} of the link's segments {'is' if odd == 1 else 'are'} not whole ids; left out.")
    for visibility, ids in (("selected", selected), ("hidden", hidden)):
        if len(ids) > MOST_SEGMENTS:
            warnings.append(f"The link has {len(ids):,} {visibility} segments; the first {MOST_SEGMENTS:,} were taken.")
    if set(named) - {*selected, *hidden} or not (selected or hidden):
        warnings.extend(_about_annotations(annotated, named, points))
    if not selected and not hidden:
        warnings.append("No segment is selected in this link.")
    return PastedLink(
        tuple(selected[:MOST_SEGMENTS]),
        tuple(hidden[:MOST_SEGMENTS]),
        _name(chosen),
        _position_nm(state),
        tuple(warnings),
        tuple(named[:MOST_SEGMENTS]),
        tuple(points),
    )


def stored_state(cave: Cave, datastack: str, href: str) -> Mapping[str, Any]:
    """The state at the address `href`, which must lie in the state service of the datastack's CAVE.

    Raises BadInput for any other address and for one that holds no state, NotFound when CAVE does not have the state.
    """
    try:
        address = urlsplit(href.removeprefix("middleauth+"))
        server = (address.hostname, address.port)
    except ValueError as error:
        raise BadInput("This link cannot be read.", "Copy the whole address of the viewer again.") from error
    match, cave = _STATE_PATH.fullmatch(address.path), cave.at(datastack)
    ours = urlsplit(outside_address(cave))
    servers = [(url.hostname, url.port) for url in (ours, urlsplit(cave.settings.server_address))]
    if address.scheme not in ("http", "https") or not match or server not in servers:
        host = address.hostname or "an unknown place"
        raise BadInput(
            f"The state of this link is kept at {host[:80]}; only those that CAVE at {ours.netloc} keeps are read.",
            "Open the link, and paste the address that the viewer then has.",
        )
    state = cave.state(datastack, int(match[1]))
    if not isinstance(state, dict):
        raise BadInput("This link does not open a Neuroglancer state.", "Copy the link again.")
    return state


# --- from the text to the state


def _state_of(cave: Cave, datastack: str, text: str) -> Mapping[str, Any]:
    if len(text) > LONGEST_LINK:
        raise BadInput(
            f"This link has {len(text):,} characters, more than a browser opens.", "Share it as a short link."
        )
    link = text.strip().strip("<>\"'")
    if link.startswith("{"):
        return parsed(link)
    fragment = _fragment(link)
    if fragment.removeprefix("+").startswith("{"):
        return parsed(fragment.removeprefix("+"))
    return stored_state(cave, datastack, fragment)


def _fragment(link: str) -> str:
    """The part of a link that holds its state, or the address of one."""
    _, mark, fragment = link.partition("#!")
    if mark:
        return fragment if fragment.startswith(("{", "+{")) and "%" not in fragment else unquote(fragment)
    try:
        parts = urlsplit(link)
        address = parse_qs(parts.query, max_num_fields=50).get("json_url")
    except ValueError as error:
        raise BadInput("This link cannot be read.", "Copy the whole address of the viewer again.") from error
    if address:
        return address[0]
    if _STATE_PATH.fullmatch(parts.path):
        return link
    raise BadInput(
        "This Neuroglancer link holds no state.",
        "Copy the whole address of the viewer, with everything after '#!'.",
    )


def parsed(text: str) -> Mapping[str, Any]:
    """A state decoded from JSON or from the older URL-safe notation. Raises BadInput for any other text."""
    for read_json in (json.loads, _old_notation):
        try:
            state = read_json(text)
        except (ValueError, RecursionError):
            continue
        if isinstance(state, dict):
            return state
    raise BadInput("The state in this link is cut off or damaged.", "Copy the whole address again, or a short link.")


def _old_notation(text: str) -> Any:
    """Decodes JSON with `_` for commas and single quotes, as older viewers wrote it into links."""
    if len(text) > LONGEST_OLD_LINK:
        raise ValueError("too long")
    return json.loads(url_safe_to_json(text))


# --- from the state to its segments


def _layers(state: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The layers of a state as a list; older viewers wrote an object of layers by name."""
    layers = state.get("layers")
    if isinstance(layers, dict):
        layers = [{"name": name, **layer} for name, layer in layers.items() if isinstance(layer, dict)]
    return [layer for layer in layers if isinstance(layer, dict)] if isinstance(layers, list) else []


def _name(layer: Mapping[str, Any]) -> str:
    return str(layer.get("name", ""))[:80]


def _sources(layer: Mapping[str, Any]) -> list[str]:
    sources = layer.get("source", [])
    listed = sources if isinstance(sources, list) else [sources]
    return [str(source.get("url", "")) if isinstance(source, dict) else str(source) for source in listed]


def _bare(source: str) -> str:
    """A source without its protocol prefixes, so that the same data compares equal in the notation of every viewer."""
    address = source.split("|", 1)[0].rstrip("/")
    return re.sub(r"^(?:[a-z0-9_-]+://)?(?:middleauth\+)?https?://", "", address)


def _listed_segments(layer: Mapping[str, Any]) -> list[Any]:
    """The segments as the layer lists them, hidden ones prefixed with "!"."""
    lists = [layer.get(key) for key in ("segments", "hiddenSegments")]
    shown, hidden = [ids if isinstance(ids, list) else [] for ids in lists]
    return [*shown, *(f"!{segment}" for segment in hidden)]


def _untyped(layer: Mapping[str, Any]) -> bool:
    return "type" not in layer and isinstance(layer.get("segments"), list)


def _of_roots(layer: Mapping[str, Any]) -> bool:
    shown, hidden, _ = _segments(_listed_segments(layer))
    return any(segment >> ROOT_BITS for segment in (*shown, *hidden))


def _segments(entries: Sequence[Any]) -> tuple[list[int], list[int], int]:
    """Selected and hidden ids, each once, and the number of entries that are not ids."""
    shown: dict[int, None] = {}
    hidden: dict[int, None] = {}
    odd = 0
    for entry in entries:
        text = str(entry) if isinstance(entry, str | int) and not isinstance(entry, bool) else ""
        digits = text.removeprefix("!")
        if not re.fullmatch(r"[0-9]{1,19}", digits) or not 0 < int(digits) <= LARGEST_ID:
            odd += 1
            continue
        (hidden if text.startswith("!") else shown)[int(digits)] = None
    return list(shown), [root for root in hidden if root not in shown], odd


# --- from the state to its places


def _annotations(layer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    listed = layer.get("annotations")
    return [note for note in listed if isinstance(note, dict)] if isinstance(listed, list) else []


def _flat(nested: Any) -> list[Any]:
    """The segments of an annotation as a flat list; the state has a list of them, or one list for each linked layer."""
    parts = nested if isinstance(nested, list) else []
    return [entry for part in parts for entry in (part if isinstance(part, list) else [part])]


def _about_annotations(layers: Sequence[Mapping[str, Any]], named: Sequence[int], points: Sequence[Point]) -> list[str]:
    if not layers:
        return []
    names = ", ".join(repr(_name(layer)) for layer in layers[:3])
    marked = sum(map(len, map(_coordinates, layers)))
    count = f"{_count(marked, 'point')} and {_count(len(named), 'linked segment')}"
    unsized = marked - len(points)
    unplaced = [f"The link gives no voxel size for {_count(unsized, 'point')}; left out."] if unsized else []
    return [f"Annotations ({names}) have {count}.", *unplaced]


def _count(number: int, noun: str) -> str:
    return f"1 {noun}" if number == 1 else f"{number:,} {noun}s"


def _points_nm(layer: Mapping[str, Any], state: Mapping[str, Any]) -> list[Point]:
    """The positions of a layer's annotations in nm: the centre of ellipsoids, the first end of lines and boxes."""
    sizes = _sizes_nm(layer, state)
    points_nm = [_product(point[:3], sizes) for point in _coordinates(layer)]
    return [point for point in points_nm if point is not None]


def _coordinates(layer: Mapping[str, Any]) -> list[list[Any]]:
    """The coordinates of a layer's annotations, in the layer's own unit."""
    keys = ("point", "center", "pointA")
    points = [next((note[key] for key in keys if key in note), None) for note in _annotations(layer)]
    return [point for point in points if isinstance(point, list)]


def _sizes_nm(layer: Mapping[str, Any], state: Mapping[str, Any]) -> list[Any]:
    """The size in nm of one unit of a layer's coordinates along x, y and z: the layer's own, else the state's."""
    source = layer.get("source")
    first = source[0] if isinstance(source, list) and source else source
    transform = first.get("transform") if isinstance(first, dict) else None
    of_layer = transform.get("outputDimensions") if isinstance(transform, dict) else None
    for dimensions in (of_layer, state.get("dimensions")):
        if isinstance(dimensions, dict):
            return [_size_nm(dimensions.get(axis)) for axis in "xyz"]
    sizes = layer.get("voxelSize") or _pose(state).get("voxelSize")
    return sizes if isinstance(sizes, list) else []


def _pose(state: Mapping[str, Any]) -> Mapping[str, Any]:
    """The `navigation.pose.position` of an older viewer's state; {} where there is none."""
    pose: Any = state
    for key in ("navigation", "pose", "position"):
        pose = pose.get(key) if isinstance(pose, dict) else None
    return pose if isinstance(pose, dict) else {}


def _position_nm(state: Mapping[str, Any]) -> Point | None:
    """The centre of the view in nm; None where the state does not give it in physical units."""
    dimensions, position = state.get("dimensions"), state.get("position")
    if isinstance(dimensions, dict) and isinstance(position, list):
        axes = dict(zip(dimensions, position, strict=False))
        return _product([axes.get(axis) for axis in "xyz"], [_size_nm(dimensions.get(axis)) for axis in "xyz"])
    voxels, sizes = _pose(state).get("voxelCoordinates"), _pose(state).get("voxelSize")
    return _product(voxels, sizes) if isinstance(voxels, list) and isinstance(sizes, list) else None


def _size_nm(dimension: Any) -> float | None:
    match dimension:
        case [int() | float() as size, str() as unit] if unit in METRES:
            return float(size) * METRES[unit] * 1e9
    return None


def _product(voxels: Sequence[Any], sizes: Sequence[Any]) -> Point | None:
    if len(voxels) != 3 or len(sizes) != 3:
        return None
    if not all(isinstance(number, int | float) and math.isfinite(number) for number in (*voxels, *sizes)):
        return None
    x, y, z = (float(voxel) * float(size) for voxel, size in zip(voxels, sizes, strict=True))
    return x, y, z
