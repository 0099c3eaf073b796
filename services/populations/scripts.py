"""A script over caveclient that yields exactly the edges of two sets, and the matrix of cells by cells."""

from __future__ import annotations

from services.core.errors import TooLarge
from services.populations.population import Pair
from services.tables.scripts import written_client

MOST_IDS = 20_000

_SCRIPT = '''"""Synapses among {num_pre:,} presynaptic and {num_post:,} postsynaptic cells.

{datastack}, version {version}
{about}
"""

import pandas as pd
from caveclient import CAVEclient

{client}

pre = [
{pre}
]
post = {post}


def among(pre, post):
    """All synapses; what the server cuts is asked for in halves."""
    rows = client.materialize.query_table(
        "{table}",
        filter_in_dict={{"pre_pt_root_id": pre, "post_pt_root_id": post}},
        select_columns=["id", "pre_pt_root_id", "post_pt_root_id"{size}],
    )
    total = client.materialize.query_table(
        "{table}", filter_in_dict={{"pre_pt_root_id": pre, "post_pt_root_id": post}}, get_counts=True
    )["count"].iloc[0]
    if len(rows) == total:
        return rows
    half = len(pre) // 2
    if not half:
        return pd.concat([among(pre, post[: len(post) // 2]), among(pre, post[len(post) // 2 :])])
    return pd.concat([among(pre[:half], post), among(pre[half:], post)])


synapses = among(pre, post)
synapses = synapses[synapses["pre_pt_root_id"] != synapses["post_pt_root_id"]]
edges = (
    synapses.groupby(["pre_pt_root_id", "post_pt_root_id"])
    .agg(num_syn=("id", "size"){net_size})
    .reset_index()
    .rename(columns={{"pre_pt_root_id": "pre_root_id", "post_pt_root_id": "post_root_id"}})
)
matrix = edges.pivot(index="pre_root_id", columns="post_root_id", values="num_syn")
matrix = matrix.reindex(index=sorted(pre), columns=sorted(post)).fillna(0).astype("int64")
print(edges)
'''


def edges_script(pair: Pair) -> str:
    """The script of a pair of sets, their root ids written out. Its `edges` are those of :meth:`Edges.frame`, its
    `matrix` the synapses of each presynaptic cell (rows) onto each postsynaptic one. Raises TooLarge for more than
    20,000 ids."""
    if len(pair.pre) + len(pair.post) > MOST_IDS:
        raise TooLarge(f"A script would have more than {MOST_IDS:,} ids in it.", "Take the edges as a file.")
    release = pair.release
    sized = release.synapse_shape().sized
    about = "\n".join(
        [f"Presynaptic: {pair.pre.text[:200]}", f"Postsynaptic: {pair.post.text[:200]}", *pair.notes]
    ).replace('"""', "'''")
    same = pair.pre.ids.tolist() == pair.post.ids.tolist()
    return _SCRIPT.format(
        datastack=release.datastack,
        version=release.number,
        num_pre=len(pair.pre),
        num_post=len(pair.post),
        client=written_client(release),
        about=about.replace("\\", "/"),
        pre=_listed(pair.pre.ids.tolist()),
        post="pre" if same else f"[\n{_listed(pair.post.ids.tolist())}\n]",
        table=release.roles.synapses.table,
        size=', "size"' if sized else "",
        net_size=', net_size=("size", "sum")' if sized else "",
    )


def _listed(ids: list[int]) -> str:
    lines = [ids[start : start + 5] for start in range(0, len(ids), 5)]
    return "\n".join(f"    {', '.join(map(str, line))}," for line in lines)
