"""Many filters of a large table stay within the memory that is allowed, and the folder can go while Karst answers."""

from __future__ import annotations

import json
import shutil
import urllib.request
from pathlib import Path

from services.cave.client import Cave
from services.cave.release import Release
from services.cells import cell_types, connectivity
from services.core.settings import Settings
from services.tables import facets, groups, tables
from services.tables.tables import TableQuery
from tests.servers import karst

DS = "karst_demo"
TYPES = "aibs_metamodel_celltypes_v661"
FILTERS = 64


def test_64_filters_of_a_large_table_stay_within_one_bound(localcave_url: str) -> None:
    """Results that are counted in bytes by what they are made of, not in number."""
    cave = Cave(Settings(server_address=localcave_url, cache=""))
    version, synapses = cave.versions(DS)[0].number, cave.info(DS)["synapse_table"]
    rows = len(Release.of(cave, DS, version).table(synapses))
    bound = 4 * cave.cache.memory.nbytes
    cave = Cave(Settings(server_address=localcave_url, cache="", memory_bytes=bound))
    created = 0
    for number in range(FILTERS):
        table = tables.open_table(Release.of(cave, DS, version), synapses)
        query = TableQuery(f"size > {number}", sort=(("size", "desc"),))
        kept = tables.row_numbers(table, query)
        assert len(kept) > rows / 2
        created += kept.nbytes
        facets.facets(table, query)
        facets.histograms(table, query)
        groups.of_table(cave, table, "size")
        assert cave.cache.memory.nbytes <= bound
    assert created > bound, "there was nothing to drop"
    assert cave.cache.memory.nbytes > bound / 2, "what there is room for is held"
    assert cave.cache.counts["loaded"] < 10, "what every filter uses stays"


def test_a_cell_does_not_hold_a_whole_type_table(localcave_url: str) -> None:
    cave = Cave(Settings(server_address=localcave_url, cache=""))
    release = Release.of(cave, DS, cave.versions(DS)[0].number)
    types = cell_types.type_rows(release, TYPES)
    root = int(types.frame.index[0])
    result = connectivity.read(release, int(root), type_table=TYPES)
    partners = {*result.inputs["root_id"], *result.outputs["root_id"]}
    assert {*result.types[0].frame.index} == partners & {*types.frame.index}
    assert 0 < len(result.types[0].frame) < len(types.frame) / 2
    assert result.types[0].frame.equals(types.frame.loc[result.types[0].frame.index])


def test_the_folder_can_be_deleted_while_karst_answers(localcave_url: str, tmp_path: Path) -> None:
    folder = tmp_path / "cache"

    def ask() -> tuple[int, bytes]:
        with urllib.request.urlopen(f"{url}/api/v1/{DS}/versions", timeout=30) as answer:
            return answer.status, answer.read()

    # so little memory that every answer comes from the folder, or from CAVE
    with karst(localcave_url, folder, KARST_MEMORY_MB="0.001") as url:
        first = ask()
        assert list((folder / "entries").iterdir())
        for _ in range(10):
            shutil.rmtree(folder)
            assert ask() == first
            assert list((folder / "entries").iterdir()), "what was asked for again is shared again"
        with urllib.request.urlopen(f"{url}/readyz", timeout=30) as answer:
            assert json.load(answer) == {"status": "ok"}
