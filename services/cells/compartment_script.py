"""Lines of Python that count the compartments which partners touch, as :mod:`compartments` does."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from services.cave.client import Cave
from services.cave.queries import Filters
from services.cave.release import Release
from services.cells import compartments
from services.cells.connectivity import Connectivity
from services.core.directions import Direction
from services.core.errors import BadInput
from services.tables.scripts import written_arguments

COLUMNS = (*compartments.COUNTS, compartments.NOT_PREDICTED, "pct_on_spine")
"""The columns of a partner frame that these lines make."""


def lines(cave: Cave, connectivity: Connectivity, direction: Direction, needed: Collection[str]) -> Iterator[str]:
    """Lines for a frame `frame` of partners of one direction; none where none of COLUMNS is `needed`. Raises BadInput
    where a script cannot count them."""
    if not set(COLUMNS) & set(needed):
        return
    release = Release(cave, connectivity.datastack, connectivity.version)
    info = compartments.table_of(release)
    if info is None:
        raise BadInput("This version has no table of predicted compartments.", "Hide the compartments.")
    if connectivity.only:
        raise BadInput("A script cannot count the compartments of some synapses only.", "Hide the compartments.")
    other = direction.partner
    own = Filters(equal={direction.own: connectivity.cell.root_id})
    method, arguments = release.query_call(info.name, own)
    yield f"tags = client.materialize.{method}(\n{written_arguments(arguments.items())})"
    yield f"counts = pd.crosstab(tags[{other!r}], tags[{compartments.names(release)[1]!r}])"
    yield f"counts = counts.reindex(index=frame['root_id'], columns={list(compartments.TAGS)}, fill_value=0)"
    yield f"frame[{list(compartments.COUNTS)}] = counts.to_numpy()"
    yield "frame['not_predicted'] = frame['num_syn'] - counts.to_numpy().sum(axis=1)"
    yield "frame['pct_on_spine'] = frame['on_spine'] * 100 / (frame['num_syn'] - frame['not_predicted'])"
