"""Links to Neuroglancer: what a page shows, opened in a viewer.

nglui makes the viewer and its image and segmentation layers; points, segments and colours are written straight
into the state (`neuroglancer_layers`). Building a link asks no viewer for anything, so no token can reach one.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote, urlsplit

import pandas as pd
from nglui.statebuilder import ViewerState

from services import cells, colours
from services import viewer as viewer_page
from services.errors import BadInput, KarstError, TooLarge
from services.neuroglancer_cell import Side, cell_state
from services.neuroglancer_layers import BLANK_LABEL, State, texts
from services.neuroglancer_parts import IMAGERY, SEGMENTATION, Built
from services.neuroglancer_table import table_state
from services.profiles import Profile, Viewer
from services.records import Version
from services.summaries import type_column as type_column_of

if TYPE_CHECKING:
    from services.cave import Cave
    from services.connectivity import Connectivity, Totals
    from services.tables import TableFrame

INLINE_CHARACTERS = 2_000
"""Longer links are broken by chat and mail programs."""
BROWSER_CHARACTERS = 1_750_000
"""Chromium opens no address above 2 MiB; this is the limit at which nglui shortens."""

DEFAULTS = {"segmentColors": {}, "notSelectedAlpha": 0, "meshSilhouetteRendering": 0, "pick": True}
"""What nglui writes of a layer although the viewer would do the same without."""

SPELUNKER = Viewer("Spelunker", "https://spelunker.cave-explorer.org/", "spelunker")
MAINLINE = Viewer("Neuroglancer", "https://neuroglancer-demo.appspot.com/", "mainline")
BUNDLED = Viewer("Bundled", viewer_page.PATH, "bundled")

SAID_LAYERS = 6
"""Layers that a description names."""

Direction = Literal["in", "out", "both"]


@dataclass(frozen=True)
class Link:
    """A link that can be opened, copied and shared.

    `url` is absolute, or a path of this application for the bundled viewer. `state` is what it opens, as JSON.
    `description` says in words what is in it, `left_out` what is not ("" = nothing). `legend` gives the groups'
    colours "#rrggbb".
    """

    url: str
    state: State
    description: str
    num_points: int
    num_segments: int
    left_out: str
    viewer: Viewer
    legend: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Scene:
    """What all links of a datastack share. `voxel_nm` is the viewer's voxel; `image` may be empty."""

    datastack: str
    voxel_nm: tuple[float, float, float]
    image: str
    segmentation: tuple[str, ...]

    @property
    def follows_edits(self) -> bool:
        """Whether the segmentation changes with time, so that ids of a version may be gone from it."""
        return any(source.startswith("graphene://") for source in self.segmentation)


@dataclass(frozen=True)
class _Frame:
    """What is known of a link before its contents."""

    cave: Cave
    scene: Scene
    viewer: Viewer
    version: Version

    @classmethod
    def of(cls, cave: Cave, datastack: str, version: Version, viewer: str | None) -> _Frame:
        info, profile, server = cave.info(datastack), cave.profile(datastack), cave.settings.server_address
        chosen = choose_viewer(viewers_of(info, profile, server), viewer)
        return cls(cave, make_scene(datastack, info, profile, server), chosen, version)

    def empty(self, subject: str) -> State:
        return empty_state(self.scene, self.viewer, self.version, subject)

    def colours(self, values: pd.Series) -> dict[str, str]:
        palette = self.cave.profile(self.scene.datastack).palette
        return colours.assign(texts(values), {**palette, BLANK_LABEL: colours.BLANK})


def table_link(
    cave: Cave,
    table: TableFrame,
    rows: pd.DataFrame,
    *,
    viewer: str | None = None,
    group_by: str | None = None,
    visible: Collection[int] | None = None,
) -> Link:
    """Link to `rows` of a table (the selected, else the filtered ones): segments, and points where rows have a place.

    `viewer` is a name or kind among those of the datastack (None = its first); `group_by` a column that makes layers
    and colours; `visible` the root ids to draw (None = the first few). Raises BadInput for an unknown viewer or
    column and when there is nothing to show, TooLarge when the state service fails and no browser takes the link.
    """
    if group_by is not None and group_by not in table.frame:
        raise BadInput(f"This table has no column {group_by[:80]!r}.", "Group by one of its columns.")
    frame = _Frame.of(cave, table.datastack, table.version, viewer)
    built = table_state(
        frame.empty(table.info.name),
        rows,
        name=table.info.name,
        row_voxel_nm=table.info.voxel_resolution_nm,
        voxel_nm=frame.scene.voxel_nm,
        group_by=group_by,
        colours=frame.colours(table.frame[group_by]) if group_by else {},
        visible=visible,
    )
    return _link(frame, built, f"Table {table.info.name}", group_by)


def cell_link(
    cave: Cave,
    connectivity: Connectivity,
    *,
    direction: Direction = "both",
    partners: Collection[int] | None = None,
    viewer: str | None = None,
    group_by: str | None = None,
) -> Link:
    """Link to a cell with its partners as segments and its synapses as points.

    `direction` chooses inputs or outputs, `partners` some root ids (None = all). `group_by` is a column of the
    partner tables that makes layers; without it, partners still have the colour of their cell type. Raises as
    `table_link` does.
    """
    frame = _Frame.of(cave, connectivity.datastack, connectivity.version, viewer)
    sides = _sides(cave, connectivity, direction)
    type_column = group_by or type_column_of(sides[0].partners)
    if any(type_column is not None and type_column not in side.partners for side in sides):
        raise BadInput(f"The partners have no column {str(group_by)[:80]!r}.", "Group by one of their columns.")
    both = [connectivity.inputs, connectivity.outputs]  # so that a colour does not depend on the direction
    built = cell_state(
        frame.empty(f"cell {connectivity.cell.root_id}"),
        connectivity.cell.root_id,
        sides,
        voxel_nm=frame.scene.voxel_nm,
        soma_nm=connectivity.cell.soma_position_nm,
        somas=cells.somas(cave, connectivity.datastack, connectivity.version.number),
        type_column=type_column,
        grouped=group_by is not None,
        colours=frame.colours(pd.concat([side[type_column] for side in both])) if type_column else {},
        selected=partners,
    )
    apart = [_cut(side) for side in sides]
    if partners is None:
        apart += [_apart(side, connectivity.totals[side.direction]) for side in sides]
    built = replace(built, left_out=(*built.left_out, *filter(None, apart)))
    return _link(frame, built, f"Cell {connectivity.cell.root_id}", type_column)


def _cut(side: Side) -> str:
    """A sentence when CAVE did not send all synapses, else ""."""
    cut = side.synapses.attrs.get("truncated")
    if not cut:
        return ""
    total = f"{cut['total']:,}" if cut["total"] else "an unknown number of"
    return f"CAVE sent only {cut['shown']:,} of {total} {side.name}."


def _apart(side: Side, totals: Totals) -> str:
    """A sentence for synapses that are none of a partner's, else ""."""
    if not totals["autapses"] and not totals["root_zero"]:
        return ""
    return (
        f"Not among the {side.name}: {totals['autapses']:,} of the cell with itself "
        f"and {totals['root_zero']:,} whose partner has no root id."
    )


def _sides(cave: Cave, connectivity: Connectivity, direction: Direction) -> list[Side]:
    asked: list[Literal["in", "out"]] = ["in", "out"] if direction == "both" else [direction]
    partners = {"in": connectivity.inputs, "out": connectivity.outputs}
    cell, version = connectivity.cell.root_id, connectivity.version.number
    return [Side(side, partners[side], cave.synapses(connectivity.datastack, version, cell, side)) for side in asked]


# --- what a datastack's links are made of


def make_scene(datastack: str, info: Mapping[str, Any], profile: Profile, server_address: str) -> Scene:
    """The scene of an info-service record, with what the profile says in its place.

    `{server}` in the profile's sources is the address of the CAVE server. Sources that want a login get the
    viewer's `middleauth+`, which exists for https only.
    """
    own = profile.neuroglancer
    hosts = {urlsplit(str(address)).hostname for address in (server_address, info.get("local_server"))}
    known = {**info.get("aligned_volume", {}), **info}

    def source(name: str) -> str:
        given = own.get(name, known.get(name)) or ""
        return with_login(str(given).replace("{server}", server_address), hosts)

    voxel_nm = own.get("resolution_nm") or [info.get(f"viewer_resolution_{axis}") for axis in "xyz"]
    if not all(voxel_nm):
        voxel_nm = (4.0, 4.0, 40.0)
    x, y, z = map(float, voxel_nm)
    segmentation = filter(None, (source("segmentation_source"), source("skeleton_source")))
    return Scene(datastack, (x, y, z), source("image_source"), tuple(segmentation))


def with_login(source: str, cave_hosts: Collection[str | None]) -> str:
    """`source` with `middleauth+` when it is a graphene source, or on a CAVE host, and served over https."""
    kind, _, address = source.partition("://")
    if not address.startswith("https://") or (kind != "graphene" and urlsplit(address).hostname not in cave_hosts):
        return source
    return f"{kind}://middleauth+{address}"


def viewers_of(info: Mapping[str, Any], profile: Profile, server_address: str) -> tuple[Viewer, ...]:
    """The viewers that links can open, the default first: the profile's, else all three.

    A CAVE over plain http is a local one, which viewers elsewhere may not reach: the bundled viewer goes first.
    """
    if profile.viewers:
        return profile.viewers
    spelunker = Viewer(SPELUNKER.name, info.get("viewer_site") or SPELUNKER.url, SPELUNKER.kind)
    if server_address.startswith("http://"):
        return (BUNDLED, spelunker, MAINLINE)
    return (spelunker, MAINLINE, BUNDLED)


def choose_viewer(viewers: Sequence[Viewer], wanted: str | None) -> Viewer:
    """The viewer called `wanted` or of that kind, whatever the case; the first for None. Raises BadInput."""
    if not wanted:
        return viewers[0]
    for viewer in viewers:
        if wanted.casefold() in (viewer.name.casefold(), viewer.kind):
            return viewer
    raise BadInput(f"There is no viewer {wanted[:80]!r}.", "Choose " + ", ".join(v.name for v in viewers) + ".")


def empty_state(scene: Scene, viewer: Viewer, version: Version, subject: str) -> State:
    """A state with the datastack's image and segmentation, and nothing selected.

    Spelunker reads `timestamp`, in milliseconds, on a graphene segmentation, and shows it as it was then.
    """
    state = ViewerState(
        dimensions=list(scene.voxel_nm),
        title=f"{subject}, {scene.datastack} v{version.number}",
        scale_imagery=1,
        infer_coordinates=False,
        selected_layer=SEGMENTATION if scene.segmentation else None,
    )
    if scene.image:
        state.add_image_layer(source=scene.image, name=IMAGERY)
    state.add_segmentation_layer(source=list(scene.segmentation), name=SEGMENTATION, selected_alpha=0.3, alpha_3d=0.6)
    emitted: State = state.to_dict()
    sources = {IMAGERY: scene.image, SEGMENTATION: list(scene.segmentation)}
    # A source's own transform is right at native voxels; nglui's copy of the viewer's, and what is the viewer's
    # default anyway, would double the length of a short link.
    layers = [
        {key: value for key, value in layer.items() if DEFAULTS.get(key, ...) != value}
        | {"source": sources[layer["name"]]}
        for layer in emitted["layers"]
    ]
    layers[-1]["tab"] = "segments"
    if viewer.kind == "spelunker" and scene.follows_edits:
        layers[-1]["timestamp"] = int(version.timestamp.timestamp() * 1000)
    return emitted | {"layers": layers}


# --- addresses


def state_json(state: State) -> str:
    """A state as compact JSON. Raises ValueError for NaN, which no viewer can read."""
    return json.dumps(state, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def inline_url(viewer: Viewer, state: State) -> str:
    """The address that holds the whole state."""
    return f"{_page(viewer)}#!" + quote(state_json(state), safe="~@#$&()*!+=:;,.?/'")


def short_url(viewer: Viewer, state_address: str) -> str:
    """The address that tells the viewer where the state is; a state on https wants the viewer's login."""
    return f"{_page(viewer)}#!{'middleauth+' if state_address.startswith('https://') else ''}{state_address}"


def _page(viewer: Viewer) -> str:
    return viewer.url if viewer.url.endswith("/") else f"{viewer.url}/"


def _address(frame: _Frame, state: State) -> tuple[str, str]:
    """The link's address, and a sentence when it is not as short as it should be."""
    inline, cave, datastack = inline_url(frame.viewer, state), frame.cave, frame.scene.datastack
    if len(inline) <= INLINE_CHARACTERS:
        return inline, ""
    try:
        return short_url(frame.viewer, cave.state_url(datastack, cave.upload_state(datastack, state))), ""
    except KarstError as error:
        if len(inline) > BROWSER_CHARACTERS:
            raise TooLarge(
                f"This link would be {len(inline):,} characters long, more than a browser opens.",
                f"A short link could not be had: {error.message} Select fewer rows, or try again later.",
            ) from error
        return inline, f"A short link could not be had ({error.message.rstrip('.')}), so this one is long."


# --- words


def _link(frame: _Frame, built: Built, subject: str, coloured_by: str | None) -> Link:
    url, remark = _address(frame, built.state)
    sentences = [
        f"{subject} at version {frame.version.number} of {frame.scene.datastack}:",
        _contents(built, coloured_by),
        _time(frame),
        f"The link has {len(url):,} characters.",
        remark,
    ]
    return Link(
        url=url,
        state=built.state,
        description=" ".join(filter(None, sentences)),
        num_points=built.num_points,
        num_segments=built.num_segments,
        left_out=" ".join(built.left_out),
        viewer=frame.viewer,
        legend=built.legend,
    )


def _contents(built: Built, coloured_by: str | None) -> str:
    layers = [layer["name"] for layer in built.state["layers"]]
    more = f" and {len(layers) - SAID_LAYERS} more" if len(layers) > SAID_LAYERS else ""
    hidden = built.num_segments - built.num_visible
    listed = f" ({built.num_visible:,} drawn, {hidden:,} listed to be ticked)" if hidden else ""
    coloured = f", coloured by {coloured_by}" if coloured_by and built.legend else ""
    return (
        f"{_count(built.num_segments, 'segment')}{listed} and {_count(built.num_points, 'point')}{coloured}, "
        f"in {_count(len(layers), 'layer')}: {', '.join(layers[:SAID_LAYERS])}{more}."
    )


def _time(frame: _Frame) -> str:
    if not frame.scene.segmentation:
        return "This datastack has no segmentation to draw: segments are listed, and only points are seen."
    if not frame.scene.follows_edits:
        return ""
    moment = f"{frame.version.timestamp:%Y-%m-%d %H:%M} UTC"
    if frame.viewer.kind == "spelunker":
        return f"The segmentation is shown as of {moment}."
    return f"The ids are of {moment}; this viewer shows the segmentation of today, where edited cells have new ids."


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
