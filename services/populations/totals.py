"""The numbers of all synapses of the cells of a set, with any partner: the denominators of shares."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial

import numpy as np

from services.cave.queries import Filters
from services.cells import synapse_filter, synapse_weights
from services.core.errors import BadInput
from services.core.parallel import gather
from services.core.roles import N_INPUT, N_OUTPUT
from services.populations.edges import End, Floats
from services.populations.groupings import Grouping
from services.populations.matrices import Value
from services.populations.population import Pair
from services.tables.filter_units import changed, to_unit
from services.tables.push_down import push_down

MOST_COUNTED = 60
"""Most groups whose synapses CAVE is asked to count, with a request for each."""
_COLUMNS = {"pre": N_OUTPUT, "post": N_INPUT}


def of_groups(pair: Pair, end: End, groups: Grouping) -> Floats | None:
    """The number of counted synapses that the cells of each group make (`end` "pre") or receive ("post"), orphans and
    autapses included (float64, one for each group). Without a synapse filter they are from the version's degree view
    (one request), else CAVE counts them (one request for each group). None where that would be more than MOST_COUNTED
    requests, or CAVE cannot apply the filter."""
    ids = (pair.pre if end == "pre" else pair.post).ids
    counts = None if pair.synapses else synapse_weights.degrees(pair.release, ids.tolist())
    if counts is not None:
        totals = counts[_COLUMNS[end]].reindex(ids).fillna(0).to_numpy(np.float64)
        return np.bincount(groups.of, weights=totals, minlength=len(groups.names)).astype(np.float64)
    table = pair.release.roles.synapses.table
    if table is None or len(groups.names) > MOST_COUNTED:
        return None
    column, filters = f"{end}_pt_root_id", _filters(pair, table)
    if filters is None or column in filters.columns():
        return None
    calls = [
        partial(
            pair.release.count, table, replace(filters, isin={**filters.isin, column: ids[groups.of == at].tolist()})
        )
        for at in range(len(groups.names))
    ]
    return np.array(gather(*calls), dtype=np.float64)


def _filters(pair: Pair, table: str) -> Filters | None:
    """The synapse filter of a pair as a query of CAVE; None where CAVE cannot apply it."""
    node = changed(synapse_filter.parse_among(pair.release, pair.synapses), to_unit("vx"))
    with suppress(BadInput):
        return push_down(node, table, 0)
    return None


def of_shares(pair: Pair, pre: Grouping, post: Grouping, value: Value) -> dict[str, Floats | None]:
    """The denominators of shares, as keyword arguments of :func:`matrices.matrix`; {} for another value. Raises
    BadInput for a value of sizes where synapses have none."""
    if value in ("net_size", "mean_size") and not pair.release.synapse_shape().sized:
        raise BadInput("The synapse table has no sizes.", "Choose another value.")
    outputs = {"outputs": of_groups(pair, "pre", pre)} if value == "output_share" else {}
    return outputs | ({"inputs": of_groups(pair, "post", post)} if value == "input_share" else {})
