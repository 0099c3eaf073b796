"""A report on how Karst reads a datastack: the table with each role and why, what each page can show, and faults.

`python app.py --check` prints it; `--scaffold` writes a profile to start from.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill

from services.cave.client import Cave
from services.cave.queries import Filters
from services.cave.release import Release
from services.cave.synapse_shape import CENTRE
from services.cells import (
    cell_types,
    cells,
    edge_view,
    proofreading,
    role_faults,
    role_tables,
    synapse_filter,
    synapse_values,
    tuning,
)
from services.cells.cells import PLACED
from services.core import profiles
from services.core.addresses import bare
from services.core.errors import BadInput, KarstError, NotFound
from services.core.profiles import Profile
from services.core.records import TableInfo
from services.core.roles import Role, Roles
from services.tables import tables

WIDTH = 110


@dataclass(frozen=True)
class Checked:
    """A report: `text` is all of it, `faults` are sentences about parts of the profile that do not fit the
    datastack."""

    text: str
    faults: tuple[str, ...]


def check(cave: Cave, datastack: str) -> Checked:
    """The report on the newest version of a datastack. Raises the errors of CAVE."""
    version = cave.newest(datastack)
    release = Release(cave, datastack, version)
    roles, profile, infos = release.roles, release.profile, release.tables()
    counts = release.row_counts()
    volume = cave.info(datastack)["aligned_volume"]["name"]
    faults = dict.fromkeys(
        [
            *profiles.faults(cave.settings.config_dir, bare(datastack), volume, release.cave.settings.server),
            *role_faults.missing(release),
            *_missing(profile, infos),
            *_unfit(release, roles),
        ]
    )
    server = release.cave.settings.server_address
    lines = [
        f"{datastack}, version {version.number} of {version.timestamp:%d %B %Y}, on {server}",
        *_profile(release, volume),
        "",
        *(line for name, role in roles for line in _role(name, role, infos, counts, cave.settings.max_table_rows)),
        "",
        *_pages(release, roles),
    ]
    return Checked("\n".join([*lines, *(["", "Faults"] if faults else []), *map(_bullet, faults)]), tuple(faults))


def scaffold(cave: Cave, datastack: str) -> str:
    """A profile of a datastack as TOML in which every line is commented out and shows the value that applies without
    it."""
    version = cave.newest(datastack)
    release = Release(cave, datastack, version)
    roles, info = release.roles, release.info
    role_lines = [f'# {name} = "{role.table or ""}"{" " * max(1, 44 - len(name) - len(role.table or ""))}# {role.why}'
          for name, role in roles]  # fmt: skip
    types = [info.name for info in tables.type_tables(release)]
    listed = ", ".join(f'"{name}"' for name in types)
    return "\n".join(
        [
            f"# How Karst shows {datastack}, guessed from version {version.number}: take the # from what you change.",
            "",
            f'title = "{datastack}"',
            f"# description = {quoted(info.get('description') or '')}",
            f'# default_table = "{types[0] if types else ""}"',
            f"# type_tables = [{listed}]            # offered first where cell types are asked for",
            "# hidden_tables = []                   # not listed",
            f"# synapse_filter = {quoted(synapse_filter.usual(release))} # such as cleft_score >= 50: which count",
            "# allow_live = false                   # whether people may ask for the present state",
            "",
            '# A role is a table, or { table = "", column = "", system = "", where = "" }; "" = there is none.',
            "# [roles]",
            *role_lines,
            "",
            "# [neuroglancer]",
            f"# segmentation_source = {quoted(info.get('segmentation_source') or '')}",
            f"# image_source = {quoted(info.get('image_source') or '')}",
            "",
        ]
    )


def write_scaffold(cave: Cave, datastack: str) -> Path:
    """Writes :func:`scaffold` to the file from which Karst reads the profile of a datastack, and returns its path. That
    of `server:datastack` is in the folder of the server. Raises BadInput where the file exists or cannot be written."""
    text, (server, _, name) = scaffold(cave, datastack), datastack.rpartition(":")
    path = cave.settings.config_dir / "datastacks" / server / f"{name}.toml"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise BadInput(f"{path} is there already.", "Change it, or move it away first.") from None
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}.", "Set KARST_CONFIG to another folder.") from None
    return path


def quoted(text: str) -> str:
    """Text on one line as a TOML string. It has the escapes of JSON, except for U+007F, which is replaced by a
    space."""
    return json.dumps(" ".join(text.replace("\x7f", " ").split()), ensure_ascii=False)


def _bullet(text: str) -> str:
    return fill(text, WIDTH, initial_indent="- ", subsequent_indent="  ", break_long_words=False)


def _profile(release: Release, volume: str) -> Iterator[str]:
    settings = release.cave.settings
    for kind, name in (("datastacks", bare(release.datastack)), ("volumes", volume)):
        path = profiles.file_of(settings.config_dir, kind, name, settings.server)
        yield f"Read: {path}" if path.is_file() else f"Not there, so guessed: {path}"


def _role(name: str, role: Role, infos: dict[str, TableInfo], counts: dict[str, int], most: int) -> Iterator[str]:
    yield f"{name.replace('_', ' '):<22}{role.table or '-':<42}{role.why}"
    details = [
        f"{key} {value}" for key in ("column", "system", "where") if (value := getattr(role, key)) and role.table
    ]
    rows = counts.get(role.table or "")
    if rows is not None:
        details.append("empty" if rows == 0 else f"{rows:,} rows")
        if rows > most and name not in ("synapses", "compartments", "neuropils", "neurotransmitters"):
            how = "it is not used" if name in ("somata", "proofreading") else "only rows of cells in hand are read"
            details.append(f"more than the {most:,} that are held, so {how}")
    if role.others:
        details.append(f"{', '.join(role.others[:5])} would fit as well: name one under roles in the profile")
    if details:
        yield f"{'':<22}{'; '.join(details)}"


def _missing(profile: Profile, infos: dict[str, TableInfo]) -> Iterator[str]:
    """A sentence for each table that the profile names and the newest version does not have."""
    named = {
        "default_table": [profile.default_table or ""],
        "type_tables": profile.type_tables,
        "hidden_tables": profile.hidden_tables,
        "type_order": [*profile.type_order],
    }
    for key, names in named.items():
        for name in names:
            if name and name not in infos:
                yield f"The profile's {key} names {name}, which this version does not have."


def _unfit(release: Release, roles: Roles) -> Iterator[str]:
    """A sentence for each table without the columns or rows that its role needs."""
    for name, role in roles:
        if name in role_tables.NEEDED:
            continue
        needed = NEEDED.get(name, ())
        if role.table and (role.column or role.system or needed):
            columns = role_tables.columns(release, role.table)
            lacking = [column for column in needed if columns and column not in columns]
            if lacking:
                yield f"{role.table}, named for {name}, has no column {' and no '.join(lacking)}."
            by_profile = name in release.profile.roles and release.profile.roles[name].column
            if role.column and not by_profile and columns and role.column not in columns:
                yield f"{role.table}, named for {name}, has no column {role.column}."
            if role.system and columns and not _has_system(release, role):
                yield f"{role.table}, named for {name}, has no row of the system {role.system}."
    yield from filter(None, (role_tables.fault(release, name) for name in role_tables.NEEDED))
    if message := proofreading.fault(release):
        yield message
    if message := synapse_values.fault(release):
        yield message
    if roles.synapses.table:
        try:
            release.synapse_shape()
        except (BadInput, NotFound) as error:
            yield f"synapses: {error}"


NEEDED = {
    "somata": PLACED,
    "cell_types": PLACED[:1],
    "coregistration": PLACED[:1],
}
"""Columns that a table with each of these roles has to have."""


def _has_system(release: Release, role: Role) -> bool:
    column = cell_types.system_column(release.sample(role.table or ""))
    if column is None:
        return False
    return len(release.query(role.table or "", Filters(equal={column: role.system}), limit=1)) > 0


def _pages(release: Release, roles: Roles) -> Iterator[str]:
    """Sentences about what each page can show."""
    infos = release.tables().values()
    views = sum(info.kind == "view" for info in infos)
    yield f"Table viewer: {len(infos) - views} tables and {views or 'no'} view{'' if views == 1 else 's'}."
    try:
        yield from (f"Connectivity viewer: {message}" for message in _connectivity(release, roles))
    except KarstError as error:
        yield f"Connectivity viewer: dead: {error}"
    volume = release.volume
    deep = f"depth along {volume.transform}" if volume.has_depth else "no depth, so none is shown"
    layers = f"layers by {volume.layer_sets[0].name}" if volume.layer_sets else "no layers"
    yield f"Plots: axes {'; '.join(volume.titles.values())}; {deep}; {layers}."


def _connectivity(release: Release, roles: Roles) -> Iterator[str]:
    shape = release.synapse_shape()
    where = "centres" if shape.positions == (CENTRE,) else f"the mean of {' and '.join(shape.positions)}"
    values = [*(["sizes"] if shape.sized else []), *shape.scores, *shape.transmitters]
    yield f"synapses at {where}, with {', '.join(values) or 'neither sizes nor scores'}."
    usual = synapse_filter.usual(release)
    yield f"counted where {usual}." if usual else "all synapses are counted."
    view = edge_view.fitting(release, usual)
    yield f"partners from the pairs of {view.name}." if view else f"partners from the synapses of {shape.table}."
    sources = {
        "somata": cells.nucleus_table(release),
        "representative points": role_tables.table_of(release, "representative_points"),
        "cell types": roles.cell_types.table,
        "proofreading": proofreading.table_of(release),
        "compartments": role_tables.table_of(release, "compartments"),
        "shares of the partners": role_tables.table_of(release, "degrees"),
        "transmitters": shape.transmitters or synapse_values.transmitter_table(release),
        "neuropils": role_tables.table_of(release, "neuropils"),
        "tuning": tuning.tables(release),
        "areas": role_tables.table_of(release, "areas"),
    }
    available, unknown = ([name for name, table in sources.items() if bool(table) is shown] for shown in (True, False))
    yield f"shows {', '.join(available) or 'nothing of partners but ids'}."
    if unknown:
        yield f"not known: {', '.join(unknown)}."
