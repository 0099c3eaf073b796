"""Links to Neuroglancer: what a page shows, opened in a viewer.

nglui builds the viewer's state with its image and segmentation layers; points, segments and colours are written
straight into that state (:mod:`layers`). Building a link sends no request to a viewer, so no token can reach one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pandas as pd
from nglui.statebuilder import ViewerState

from services.cave.context import outside
from services.cave.release import Release
from services.cells import cells, connectivity, partner_groups, partner_sets, representative
from services.core.directions import Direction, Side
from services.core.errors import BadInput, KarstError, TooLarge
from services.core.profiles import Viewer
from services.core.records import Version
from services.core.type_columns import type_column as type_column_of
from services.neuroglancer import population_state, seunglab
from services.neuroglancer import wording as words
from services.neuroglancer.cell_state import Partners, cell_state
from services.neuroglancer.layers import State
from services.neuroglancer.scene import Scene, make_scene, properties_source, with_login
from services.neuroglancer.state_parts import IMAGERY, SEGMENTATION, Built
from services.neuroglancer.table_state import DEFAULT_LIMITS, table_state
from services.neuroglancer.viewers import (
    BUNDLED,
    INLINE_CHARACTERS,
    MAINLINE,
    PAGE_CHARACTERS,
    PANEL,
    SPELUNKER,
    choose_viewer,
    in_dialect,
    inline_url,
    short_url,
    state_json,
    viewers_of,
)
from services.tables import groups
from services.tables.large_tables import LargeTable

if TYPE_CHECKING:
    from services.cave.client import Cave
    from services.cells.connectivity import Connectivity
    from services.populations.population import Pair
    from services.tables.tables import TableFrame

__all__ = [
    "BUNDLED",
    "INLINE_CHARACTERS",
    "MAINLINE",
    "PAGE_CHARACTERS",
    "PANEL",
    "SPELUNKER",
    "Link",
    "Scene",
    "cell_link",
    "choose_viewer",
    "empty_state",
    "inline_url",
    "make_scene",
    "population_link",
    "short_url",
    "state_json",
    "table_link",
    "viewers",
    "viewers_of",
    "with_login",
]

DEFAULTS = {"segmentColors": {}, "notSelectedAlpha": 0, "meshSilhouetteRendering": 0, "pick": True}
"""Fields of a layer that nglui writes although they are the viewer's defaults."""


@dataclass(frozen=True)
class Link:
    """A link that can be opened, copied and shared.

    `url` is absolute, or a path of this application for the bundled viewer; `panel_url` shows the same cells and points
    inside a page, in the bundled viewer, whichever `viewer` was chosen. `state` is the state that the link opens, as
    JSON in the dialect of `viewer`; empty where only the addresses are kept. `state_ids` are the ids, in CAVE's state
    service, of the states that the addresses refer to. `num_points` and `num_segments` count the state's annotations
    and listed segments. `description` describes the link in sentences, among them `notes`, which name what could not be
    shown; `left_out` names what a limit excluded ("" = nothing). `legend` has the colour "#rrggbb" of each group."""

    url: str
    panel_url: str
    state: State
    description: str
    num_points: int
    num_segments: int
    left_out: str
    notes: str
    viewer: Viewer
    legend: Mapping[str, str] = field(default_factory=dict)
    state_ids: tuple[int, ...] = ()


@dataclass(frozen=True)
class _Frame:
    """What a link needs besides its contents. `types` is the table by whose values segments can be searched ("" =
    none)."""

    cave: Cave
    scene: Scene
    viewer: Viewer
    version: Version
    types: str

    @classmethod
    def of(cls, release: Release, viewer: str | None, types: str | None) -> _Frame:
        info, profile, server = release.info, release.profile, release.cave.settings.server_address
        chosen = choose_viewer(viewers_of(info, profile, server), viewer)
        scene = make_scene(release.datastack, info, profile, server)
        if types and scene.segmentation and release.version.materialized:
            scene = replace(scene, properties=properties_source(release, types))
        return cls(release.cave, scene, chosen, release.version, types or "")


def viewers(cave: Cave, datastack: str) -> tuple[Viewer, ...]:
    """The viewers in which links of a datastack can be opened, the default first."""
    return viewers_of(cave.info(datastack), cave.profile(datastack), cave.at(datastack).settings.server_address)


def table_link(
    cave: Cave,
    table: TableFrame | LargeTable,
    rows: pd.DataFrame,
    *,
    viewer: str | None = None,
    group_by: str | None = None,
    colour_by: str | None = None,
    visible: Collection[int] | None = None,
    most: int | None = None,
) -> Link:
    """A link to `rows` of a table: their root ids as segments, and points where rows have a position.

    `viewer` is the name or kind of one of the datastack's viewers (None = the first). `group_by` is a column whose
    values become layers of their own colours, `colour_by` one whose values become colours within one layer; give at
    most one of the two. `visible` are the root ids to draw (None = the first few), `most` the largest number of rows to
    include (None = as many as a viewer opens within seconds).

    Raises BadInput for an unknown viewer or column and when there is nothing to show, TooLarge when the link is too
    long to be shared and the state service, which would make it short, fails.
    """
    column = _one_of(group_by, colour_by)
    held_table = None if isinstance(table, LargeTable) else table  # colours are assigned over all values of a column
    if column is not None and (held_table is None or column not in held_table.frame):
        raise BadInput(f"This table has no column {column[:80]!r}.", "Group by one of its columns.")
    frame = _Frame.of(Release(cave, table.datastack, table.version), viewer, table.info.name)
    built = table_state(
        empty_state(frame.scene, frame.viewer, frame.version, table.info.name),
        rows,
        name=table.info.name,
        row_voxel_nm=table.info.voxel_resolution_nm,
        voxel_nm=frame.scene.voxel_nm,
        groups=groups.of_table(cave, held_table, column) if column and held_table else None,
        layered=group_by is not None,
        visible=visible,
        limits=replace(DEFAULT_LIMITS, points=most or DEFAULT_LIMITS.points),
    )
    return _link(frame, built, f"Table {table.info.name}", column)


def cell_link(
    cave: Cave,
    connections: Connectivity | Sequence[Connectivity],
    *,
    direction: Side = "both",
    partners: Collection[int] | None = None,
    viewer: str | None = None,
    group_by: str | None = None,
    colour_by: str | None = None,
    visible: Collection[int] | None = None,
    more: pd.DataFrame | None = None,
) -> Link:
    """A link to a cell, or to several cells of one version, with their partners as segments and synapses as points.

    `direction` selects inputs, outputs or both, `partners` some partners by root id (None = all). `visible` are the
    root ids of partners to draw (None = the selected ones; none where all are linked). `group_by` is a column of the
    partner frames whose values become layers of synapses, `colour_by` one whose values become colours of synapses
    within one layer; give at most one of the two. Without either, partners have the colour of their cell type, and the
    synapses of several cells the colour of their cell. `more` is a frame of further such columns, one row for each
    `root_id`. The partners of several cells are those of :func:`partner_sets.combined`. `viewer` and errors are as of
    :func:`table_link`.
    """
    connectivities = list(connections) if isinstance(connections, Sequence) else [connections]
    first = connectivities[0]
    release = Release(cave, first.datastack, first.version)
    frame = _Frame.of(release, viewer, None if first.typed_synapses else first.type_table)
    roots = [connection.cell.root_id for connection in connectivities]
    without_soma = [
        connection.cell.root_id for connection in connectivities if connection.cell.soma_position_nm is None
    ]
    sides = _sides(cave, connectivities, direction)
    chosen_column = _one_of(group_by, colour_by)
    column = chosen_column or type_column_of(sides[0].partners)
    if column is not None and more is not None:
        sides = [_with_column(side, column, more) for side in sides]
    if any(column is not None and column not in side.partners for side in sides):
        raise BadInput(f"The partners have no column {str(column)[:80]!r}.", "Group by one of their columns.")
    subject = f"cell {roots[0]}" if len(roots) == 1 else f"{len(roots)} cells"
    built = cell_state(
        empty_state(frame.scene, frame.viewer, frame.version, subject),
        {connection.cell.root_id: connection.cell.soma_position_nm for connection in connectivities},
        sides,
        voxel_nm=frame.scene.voxel_nm,
        points_nm={root: point for root in without_soma if (point := representative.point_nm(release, root))},
        somas=None if first.cell.nucleus_ids is None else cells.somas(release),
        groups=partner_groups.of_partners(cave, connectivities, column, more) if column else None,
        layered=group_by is not None,
        painted=colour_by is not None,
        selected=partners,
        visible=visible,
    )
    truncated = [
        _truncated(connection, side.direction, alone=len(roots) == 1) for side in sides for connection in connectivities
    ]
    excluded = [_excluded(connectivities, side) for side in sides] if partners is None else []
    built = replace(
        built,
        left_out=(*built.left_out, *filter(None, truncated)),
        notes=(*built.notes, *filter(None, [cells.no_nuclei(release), *excluded])),
    )
    coloured_by = column if chosen_column or len(roots) == 1 else "cell" + (f", partners by {column}" if column else "")
    listed = ", ".join(map(str, roots[:3])) + (f" and {len(roots) - 3} more" if len(roots) > 3 else "")
    return _link(frame, built, f"Cell{'' if len(roots) == 1 else 's'} {listed}", coloured_by)


def population_link(pair: Pair, *, viewer: str | None = None) -> Link:
    """A link to the cells of two sets, with a colour for each set and points at the somata. `viewer` and errors are as
    of :func:`table_link`."""
    frame = _Frame.of(pair.release, viewer, None)
    built = table_state(
        empty_state(frame.scene, frame.viewer, frame.version, "populations"),
        population_state.cell_rows(pair),
        name="somata",
        row_voxel_nm=population_state.VOXEL_NM,
        voxel_nm=frame.scene.voxel_nm,
        groups=population_state.SETS,
    )
    return _link(frame, built, f"{len(pair.pre):,} presynaptic and {len(pair.post):,} postsynaptic cells", "set")


def _with_column(side: Partners, column: str, more: pd.DataFrame) -> Partners:
    """The side with a column of `more`, if its partners do not have that column."""
    if column in side.partners or column not in more:
        return side
    return replace(side, partners=side.partners.merge(more[["root_id", column]], on="root_id", how="left"))


def _one_of(group_by: str | None, colour_by: str | None) -> str | None:
    """The column of either parameter, None for neither. Raises BadInput for two different ones."""
    if group_by and colour_by and group_by != colour_by:
        raise BadInput("A link is grouped or coloured by one column.", "Leave out group_by or colour_by.")
    return group_by or colour_by or None


def _truncated(connections: Connectivity, way: Direction, *, alone: bool) -> str:
    """A sentence when CAVE did not send all synapses of a cell, else ""; it names the cell unless that is `alone`."""
    cut = connections.truncated[way]
    if not cut:
        return ""
    total = f"{cut['total']:,}" if cut["total"] else "an unknown number of"
    whose = "" if alone else f" of cell {connections.cell.root_id}"
    return f"CAVE sent only {cut['shown']:,} of {total} {way.noun} synapses{whose}."


def _excluded(connectivities: Sequence[Connectivity], side: Partners) -> str:
    """A sentence that counts the synapses without a partner, which are not in the link; "" if there are none."""
    autapses, root_zero = (
        sum(connection.totals[side.direction][kind] or 0 for connection in connectivities)
        for kind in ("autapses", "root_zero")
    )
    kinds = [
        words.count(autapses, "autapse") if autapses else "",
        f"{words.count(root_zero, 'synapse')} whose other end lies in no segment" if root_zero else "",
    ]
    message = " and ".join(filter(None, kinds))
    return f"The {side.name} are those with partners; counted apart: {message}." if message else ""


def _sides(cave: Cave, connectivities: Sequence[Connectivity], direction: Side) -> list[Partners]:
    return [_side(cave, connectivities, way) for way in (Direction if direction == "both" else [Direction(direction)])]


def _side(cave: Cave, connectivities: Sequence[Connectivity], way: Direction) -> Partners:
    synapses = [connectivity.synapses(cave, connection, way) for connection in connectivities]
    if len(connectivities) == 1:
        return Partners(way, connectivities[0].side(way), synapses[0])
    partners = partner_sets.combined({connection.cell.root_id: connection.side(way) for connection in connectivities})
    return Partners(way, partners, pd.concat(synapses, ignore_index=True))


def empty_state(scene: Scene, viewer: Viewer, version: Version, subject: str) -> State:
    """A state with the datastack's image and segmentation layers, and no segment selected. `subject` begins its title.

    For Spelunker, a graphene segmentation gets the `timestamp` of the version (ms since 1970): the viewer shows the
    segmentation as of that time.
    """
    state = ViewerState(
        dimensions=list(scene.voxel_nm),
        title=f"{subject}, {scene.datastack} {version.title.replace('version ', 'v')}",
        scale_imagery=1,
        infer_coordinates=False,
        selected_layer=SEGMENTATION if scene.segmentation else None,
    )
    if scene.image:
        state.add_image_layer(source=scene.image, name=IMAGERY)
    state.add_segmentation_layer(source=list(scene.segmentation), name=SEGMENTATION, selected_alpha=0.3, alpha_3d=0.6)
    emitted: State = state.to_dict()
    sources = {IMAGERY: scene.image, SEGMENTATION: scene.sources}
    # A source's own transform is right at native voxels; the one that nglui copies from the viewer's dimensions, and
    # fields that are the viewer's defaults anyway, would double the length of a short link.
    layers = [
        {key: value for key, value in layer.items() if DEFAULTS.get(key, ...) != value}
        | {"source": sources[layer["name"]]}
        for layer in emitted["layers"]
    ]
    layers[-1]["tab"] = "segments"
    if viewer.kind == "spelunker" and scene.follows_edits:
        layers[-1]["timestamp"] = int(version.timestamp.timestamp() * 1000)
    return emitted | {"layers": layers}


# --- addresses and description


def _addresses(frame: _Frame, built: State, state: State) -> tuple[str, str, tuple[int, ...], str]:
    """The address in the chosen viewer, the address for the panel inside a page, the ids of the states that these refer
    to, and a sentence when no short address could be made.

    `built` is the state with CAVE's own addresses, which the state service stores; `state` is the same with the
    addresses that the user's browser can reach.
    """
    cave, datastack, both = frame.cave, frame.scene.datastack, (frame.viewer, PANEL)
    length = len(state_json(state))
    if length <= INLINE_CHARACTERS and len(inline_url(frame.viewer, state)) <= INLINE_CHARACTERS:
        url, panel = (inline_url(viewer, state) for viewer in both)
        return url, panel, (), ""
    try:
        translated = in_dialect(frame.viewer, built)
        ids = [cave.upload_state(datastack, translated)]
        if translated is not built:
            ids.append(cave.upload_state(datastack, built))
        addresses = [outside(cave, cave.state_url(datastack, id)) for id in ids]
        url, panel = short_url(frame.viewer, datastack, addresses[0]), short_url(PANEL, datastack, addresses[-1])
        return url, panel, tuple(ids), ""
    except KarstError as error:
        if length > PAGE_CHARACTERS or len(inline_url(frame.viewer, state)) > PAGE_CHARACTERS:
            raise TooLarge(
                f"This link would be more than {length:,} characters long, which is too long to open or share.",
                f"A short link could not be had: {error.message} Select fewer rows, or try again later.",
            ) from error
        url, panel = (inline_url(viewer, state) for viewer in both)
        return url, panel, (), f"A short link could not be had ({error.message.rstrip('.')}), so this one is long."


def _link(frame: _Frame, built: Built, subject: str, coloured_by: str | None) -> Link:
    """The link that opens a built state, with its description."""
    # sources by addresses that the user's browser can reach
    layers = [layer | {"source": outside(frame.cave, layer.get("source"))} for layer in built.state["layers"]]
    state = built.state | {"layers": layers}
    url, panel_url, state_ids, remark = _addresses(frame, built.state, state)
    scene = frame.scene
    notes = " ".join(built.notes)
    sentences = [
        f"{subject} at {frame.version.title} of {scene.datastack}:",
        words.contents(built, coloured_by),
        words.searched(frame.types, offered=bool(scene.properties) and frame.viewer.kind != seunglab.KIND),
        words.time(
            frame.version, frame.viewer, has_segmentation=bool(scene.segmentation), follows_edits=scene.follows_edits
        ),
        words.login(frame.viewer, required=scene.wants_login),
        f"The link has {len(url):,} characters.",
        remark,
        notes,
    ]
    return Link(
        url=url,
        panel_url=panel_url,
        state=in_dialect(frame.viewer, state),
        description=" ".join(filter(None, sentences)),
        num_points=built.num_points,
        num_segments=built.num_segments,
        left_out=" ".join(built.left_out),
        notes=notes,
        viewer=frame.viewer,
        legend=built.legend,
        state_ids=state_ids,
    )
