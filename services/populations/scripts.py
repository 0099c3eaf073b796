"""Copy as Python: a caveclient script that yields exactly the edges among two sets, and their matrix by cells."""

from __future__ import annotations

import json
from collections.abc import Collection

from services.cave.queries import Filters
from services.cave.release import Release
from services.cells import cells, compartments, synapse_filter, synapse_script, tuning_script
from services.cells.partner_script import turn
from services.core.errors import BadInput, TooLarge
from services.filters.nodes import Everything
from services.populations.population import Pair, with_new
from services.tables.script_filters import expression
from services.tables.scripts import MATCHES, written_arguments, written_client

MOST_IDS = 20_000
"""Root ids of both sets that are written into a script."""
READ = "synapses"
"""The variable of a script that holds the synapses among the sets."""

_ABOUT = '''"""Synapses among {num_pre:,} presynaptic and {num_post:,} postsynaptic cells.

{datastack}, version {version}
{about}
"""

'''

_READ = '''import pandas as pd
from caveclient import CAVEclient

{client}

pre = [
{pre}
]
post = {post}


def among(pre, post):
    """All synapses; where the server truncates an answer, each half is requested."""
    rows = client.materialize.query_table(
        "{table}",
        filter_in_dict={{"{pre_end}": pre, "{post_end}": post}},
        select_columns={columns},
        split_positions=True,
    )
    total = client.materialize.query_table(
        "{table}", filter_in_dict={{"{pre_end}": pre, "{post_end}": post}}, get_counts=True
    )["count"].iloc[0]
    if len(rows) == total:
        return rows
    half = len(pre) // 2
    if not half:
        return pd.concat([among(pre, post[: len(post) // 2]), among(pre, post[len(post) // 2 :])])
    return pd.concat([among(pre[:half], post), among(pre[half:], post)])


{kept}{renamed}
'''

_EDGES = """synapses = synapses[synapses["pre_pt_root_id"] != synapses["post_pt_root_id"]]
edges = (
    synapses.groupby(["pre_pt_root_id", "post_pt_root_id"])
    .agg(num_syn=("id", "size"){net_size})
    .reset_index()
    .rename(columns={{"pre_pt_root_id": "pre_root_id", "post_pt_root_id": "post_root_id"}})
)
{sized}matrix = edges.pivot(index="pre_root_id", columns="post_root_id", values="num_syn")
matrix = matrix.reindex(index=sorted(pre), columns=sorted(post)).fillna(0).astype("int64")
print(edges)
"""
_SIZED = """edges["net_size"] = edges["net_size"].where(edges.pop("sized") == edges["num_syn"])  # unless each is known
"""
PRE, POST = 1, 2
"""Placeholders for the ids of the sets in a generated call."""
_PLACED = """
synapses = synapses.rename(columns=lambda name: name.replace('_pt_root_id', '_root_id')).sort_values('id')
synapses = synapses[synapses['pre_root_id'] != synapses['post_root_id']].reset_index(drop=True)
nm = {places} * {voxel_nm}
synapses['depth_um'] = ({turn})[:, 1]
if 'size' not in synapses:
    synapses['size'] = float('nan')
"""
_SOMATA = """
nuclei = client.materialize.query_table({table!r}, split_positions=True, desired_resolution=[1, 1, 1])
somata = nuclei.drop_duplicates('pt_root_id', keep=False).set_index('pt_root_id')
somata = somata[[f'pt_position_{{axis}}' for axis in 'xyz']]
nm = somata.reindex(sorted(pre)).to_numpy('float64')
pre_um = {turn}
nm = somata.reindex(sorted(post)).to_numpy('float64')
post_um = {turn}
"""
_NO_SOMATA = """
pre_um, post_um = (np.full((len(ids), 3), np.nan) for ids in (pre, post))  # there is no nucleus table
"""
_TAGS = """
rows = {call}
tags = rows.dropna(subset=[{column!r}]).drop_duplicates('target_id').set_index('target_id')[{column!r}]
tags = tags.reindex(synapses['id']).astype('string').reset_index(drop=True)
"""
_TUNED = """angles = units['pref_ori'].astype('float64'){scale} % 180
pre_ori, post_ori = (angles.reindex(sorted(ids)).to_numpy('float64') for ids in (pre, post))
"""


def edges_script(pair: Pair) -> str:
    """The script of a pair of sets, with their root ids written out. Its `edges` have the columns of
    :meth:`Edges.frame`, its `matrix` the numbers of synapses from each presynaptic cell (rows) onto each postsynaptic
    cell (columns). Raises TooLarge for more than MOST_IDS ids, BadInput for a synapse table that refers to another
    table."""
    release = pair.release
    notes = with_new(pair.notes, release.notices(*release.roles.of_cells))
    sides = (f"Presynaptic: {pair.pre.text[:200]}", f"Postsynaptic: {pair.post.text[:200]}")
    about = "\n".join([*sides, *notes]).replace('"""', "'''")
    sized = release.synapse_shape().sized
    size = ', net_size=("size", "sum"), sized=("size", "count")' if sized else ""
    heading = _ABOUT.format(
        datastack=release.datastack,
        version=release.number,
        num_pre=len(pair.pre),
        num_post=len(pair.post),
        about=about.replace("\\", "/"),
    )
    return heading + _synapses(pair) + _EDGES.format(net_size=size, sized=_SIZED if sized else "")


def readings(pair: Pair, names: Collection[str]) -> list[str]:
    """Parts of a script that define the variables in `names` for a figure: READ, the synapses with pre_root_id,
    post_root_id, size and, in a volume with depths, depth_um; `pre` and `post`, the root ids; pre_um and post_um, the
    positions of somata (see :func:`chance.somata_um`); `tags`, the compartment of each synapse; pre_ori and post_ori,
    the preferred orientations in degrees. Raises as :func:`edges_script`."""
    release = pair.release
    turning = turn(release.volume)
    needed = ["numpy as np", *(["standard_transform"] if "standard_transform." in turning else [])]
    parts = [
        "\n".join(f"import {name}" for name in needed),
        _synapses(pair, placed=True),
        synapse_script.MEAN_OF,
        _PLACED.format(
            places=synapse_script.places(release.synapse_shape(), READ), voxel_nm=_voxel_nm(release), turn=turning
        ),
    ]
    if {"pre_um", "post_um"} & {*names}:
        table = cells.nucleus_table(release)
        parts += [_SOMATA.format(table=table, turn=turning)] if table else [_NO_SOMATA]
    if "tags" in names:
        ends = {"pre_pt_root_id": [PRE], "post_pt_root_id": [POST]}
        method, arguments = release.query_call(compartments.required_table(release).name, Filters(isin=ends))
        call = f"client.materialize.{method}(\n{written_arguments(arguments.items())})"
        call = call.replace(f"[{PRE}]", "sorted(pre)").replace(f"[{POST}]", "sorted(post)")
        parts.append(_TAGS.format(call=call, column=compartments.names(release)[1]))
    if "pre_ori" in names:
        parts += ["\n".join([*tuning_script.units(release), _TUNED.format(scale=tuning_script.scale(release))])]
    return parts


def second(pair: Pair) -> str:
    """The part of a script that defines second_synapses, second_pre and second_post, the synapses and root ids of a
    second pair of sets. Raises as :func:`edges_script`."""
    return "\n".join([*readings(pair, ()), f"second_{READ}, second_pre, second_post = {READ}, pre, post"])


def _voxel_nm(release: Release) -> list[float]:
    return list(release.table_info(release.roles.synapses.table or "").voxel_resolution_nm)


def _synapses(pair: Pair, *, placed: bool = False) -> str:
    """The lines that read the synapses, if `placed` with their positions."""
    if len(pair.pre) + len(pair.post) > MOST_IDS:
        raise TooLarge(f"A script would have more than {MOST_IDS:,} ids in it.", "Download the edges as a file.")
    release = pair.release
    shape = release.synapse_shape()
    if shape.referring:
        raise BadInput(
            f"{shape.table} refers to the synapses, which a script cannot join.", "Download the edges as a file."
        )
    ends = {f"{shape.pre}_root_id": "pre_pt_root_id", f"{shape.post}_root_id": "post_pt_root_id"}
    sized, position = ["size"] if shape.sized else [], [*shape.positions, *shape.ends] if placed else []
    same = pair.pre.ids.tolist() == pair.post.ids.tolist()
    only = synapse_filter.parse_among(release, pair.synapses)
    code = "synapses = among(pre, post)"
    if not isinstance(only, Everything):
        code = f"frame = among(pre, post)\nsynapses = frame[{expression(only, release.sample(shape.table))}]"
    if "matches(" in code:
        code = f"import pyarrow as pa\nimport pyarrow.compute as pc\n\n\n{MATCHES}\n\n{code}"
    return _READ.format(
        kept=code,
        client=written_client(release),
        pre=_written_ids(pair.pre.ids.tolist()),
        post="pre" if same else f"[\n{_written_ids(pair.post.ids.tolist())}\n]",
        table=shape.table,
        pre_end=f"{shape.pre}_root_id",
        post_end=f"{shape.post}_root_id",
        renamed="" if shape.directed else f".rename(columns={ends!r})",
        columns=json.dumps(list(dict.fromkeys(["id", *ends, *sized, *position, *synapse_filter.columns_needed(only)]))),
    )


def _written_ids(ids: list[int]) -> str:
    lines = [ids[start : start + 5] for start in range(0, len(ids), 5)]
    return "\n".join(f"    {', '.join(map(str, line))}," for line in lines)
