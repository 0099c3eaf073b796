"""Links that Karst and others made, pasted back, through a real state service."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

import pytest

from services.cave.client import Cave
from services.cave.release import Release
from services.cells import connectivity, pasted_links
from services.core.errors import BadInput, NotFound
from services.neuroglancer.links import cell_link, table_link
from services.tables import tables

DATASTACK = "karst_demo"
TYPES = "aibs_metamodel_celltypes_v661"


def test_a_short_link_gives_the_rows_that_it_was_made_of(cave: Cave) -> None:
    types = tables.open_table(Release(cave, DATASTACK, cave.versions(DATASTACK)[0]), TYPES)
    rows = types.frame[types.frame["pt_root_id"] > 0].head(300)
    link = table_link(cave, types, rows, group_by="cell_type")
    assert "/nglstate/" in link.url
    result = pasted_links.read(cave, DATASTACK, link.url)
    assert sorted(result.selected + result.hidden) == sorted(set(rows["pt_root_id"]))
    assert len(result.selected) < len(result.hidden)
    assert result.warnings == ()


def test_a_cell_s_link_selects_the_cell_and_looks_at_its_soma(cave: Cave) -> None:
    version = cave.versions(DATASTACK)[0].number
    root = Release.of(cave, DATASTACK, version).table("proofreading_status_and_strategy")["pt_root_id"].iloc[0]
    cell = connectivity.read(Release.of(cave, DATASTACK, version), int(root), type_table=TYPES)
    result = pasted_links.read(cave, DATASTACK, cell_link(cave, cell).url)
    assert result.selected == (root,)
    assert set(result.hidden) == {*cell.inputs["root_id"], *cell.outputs["root_id"]} - {root}
    assert result.position_nm == pytest.approx(cell.cell.soma_position_nm, abs=3)


SPELLINGS: dict[str, Callable[[str], str]] = {
    "spelunker": lambda address: f"https://spelunker.cave-explorer.org/#!{address}",
    "with a login": lambda address: f"https://spelunker.cave-explorer.org/#!middleauth+{address}",
    "the older viewer": lambda address: f"https://neuromancer-seung-import.appspot.com/?json_url={address}",
    "the older viewer, quoted": lambda address: f"https://neuromancer.org/?json_url={quote(address, safe='')}&x=1",
    "the state itself": lambda address: address,
}


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
def test_every_spelling_of_a_short_link(cave: Cave, spell: Callable[[str], str]) -> None:
    state = {"layers": [{"type": "segmentation", "name": "s", "source": "x://y", "segments": ["864691135000000101"]}]}
    address = cave.state_url(DATASTACK, cave.upload_state(DATASTACK, state))
    assert pasted_links.is_link(spell(address))
    assert pasted_links.read(cave, DATASTACK, spell(address)).selected == (864691135000000101,)


def test_a_state_that_cave_does_not_have_is_said(cave: Cave) -> None:
    with pytest.raises(NotFound, match="no Neuroglancer state 17"):
        pasted_links.read(cave, DATASTACK, f"https://a.org/#!{cave.state_url(DATASTACK, 17)}")


def test_what_is_in_the_state_service_need_not_be_a_state(cave: Cave) -> None:
    address = cave.state_url(DATASTACK, cave.upload_state(DATASTACK, ["no", "state"]))
    with pytest.raises(BadInput, match="Neuroglancer state"):
        pasted_links.read(cave, DATASTACK, address)
