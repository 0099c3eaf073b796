"""The predicted compartment of the postsynaptic cell for each synapse of a population."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from services.cave.queries import Filters
from services.cells import compartments
from services.core.errors import TooLarge
from services.populations.population import Population
from services.populations.synapse_reading import FILL, IDS_AT_ONCE

MOST_REQUESTS = 20


def of_synapses(population: Population) -> pd.Series:
    """The predicted compartment (string, null = not predicted) of each synapse in :attr:`Population.between`, in its
    order.

    Requests are divided by the presynaptic cells, so that one answer holds all synapses of a part, and the answers are
    cached by version. Raises NotFound where the version has no table of compartments, TooLarge for more than
    MOST_REQUESTS requests.
    """
    release, synapses = population.pair.release, population.between
    table = compartments.required_table(release).name
    shape, post = release.synapse_shape(), population.pair.post.ids
    counts = synapses["pre_root_id"].value_counts()
    number = max(math.ceil(len(synapses) / (release.row_limit * FILL)), math.ceil(len(counts) / IDS_AT_ONCE), 1)
    if number * math.ceil(len(post) / IDS_AT_ONCE) > MOST_REQUESTS:
        raise TooLarge(
            f"The compartments of {len(synapses):,} synapses are too many to ask for.", "Choose smaller sets."
        )
    cells = np.sort(counts.index.to_numpy(np.int64))
    parts = [pd.DataFrame({"id": np.empty(0, np.int64), "tag": pd.array([], dtype="string")})]
    for start in range(number):
        for at in range(0, len(post), IDS_AT_ONCE):
            ids = cells[start::number].tolist(), post[at : at + IDS_AT_ONCE].tolist()
            ends = dict(zip((f"{shape.pre}_root_id", f"{shape.post}_root_id"), ids, strict=True))
            rows = release.query(table, Filters(isin=ends), select_columns=compartments.names(release))
            if rows.attrs.get("truncated"):
                raise TooLarge("CAVE sent only a part of the compartments.", "Choose smaller sets.")
            parts.append(compartments.of_rows(release, rows))
    predicted = pd.concat(parts, ignore_index=True).drop_duplicates("id").set_index("id")["tag"]
    return predicted.reindex(synapses["id"]).reset_index(drop=True)
