"""A table of localcave as an annotation source, opened in the real Neuroglancer client."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from caveclient import CAVEclient
from playwright.sync_api import Browser

from services.neuroglancer.bundled_viewer import PATH
from tests.e2e.neuroglancer_client import Client, client, viewer_site

pytestmark = pytest.mark.browser

SYNAPSES = "synapses_pni_2"
IDS_HELD = """() => {
  const layer = viewer.layerManager.getLayerByName("synapses").layer;
  const source = layer.annotationStates.states[0].source;
  const held = (chunks) => Array.from(chunks.values()).flatMap(
    (chunk) => chunk.data?.serializedAnnotations?.typeToIds?.flat() ?? []);
  return {
    properties: source.properties.map((property) => property.identifier),
    filtered: source.segmentFilteredSources.flatMap((part) => held(part.chunks)),
    spatial: Array.from(source.spatiallyIndexedSources).flatMap((part) => held(part.chunks)),
  };
}"""
"""Ids of the annotations that the client holds: those of the shown segments, and those of places."""


@pytest.fixture(scope="module")
def viewer(browser: Browser) -> Iterator[Client]:
    with viewer_site() as site, client(browser, site) as opened:
        yield opened


@pytest.fixture(scope="module")
def cave(localcave_url: str) -> CAVEclient:
    return CAVEclient("karst_demo", server_address=localcave_url, auth_token="x", write_server_cache=False)


def link(cave: CAVEclient, cell: int, **layer: Any) -> str:
    """A cell and the synapse table as its annotation source. Plain http knows no login."""
    source = cave.materialize.neuroglancer_annotation_path(SYNAPSES).replace("middleauth+", "")
    synapses = {"type": "annotation", "name": "synapses", "source": source, **layer}
    segmentation = {"type": "segmentation", "name": "segmentation", "source": [], "segments": [str(cell)]}
    state = {"layers": [segmentation, synapses], "layout": "3d"}
    return f"{PATH}#!{quote(json.dumps(state))}"


def test_the_synapses_of_a_shown_cell_are_those_of_the_table(viewer: Client, cave: CAVEclient) -> None:
    cell = int(cave.materialize.query_table("proofreading_status_and_strategy", limit=2)["pt_root_id"].iloc[0])
    related = {
        "linkedSegmentationLayer": {"post_pt_root_id": "segmentation"},
        "filterBySegmentation": ["post_pt_root_id"],
    }
    verdict = viewer.open(link(cave, cell, **related))
    assert verdict["errors"] == []
    held = viewer.page.evaluate(IDS_HELD)
    synapses = cave.materialize.synapse_query(post_ids=cell, remove_autapses=False)
    assert sorted(map(int, held["filtered"])) == sorted(synapses["id"])
    assert held["properties"] == ["valid", "size"]


def test_the_whole_table_is_shown_by_place(viewer: Client, cave: CAVEclient) -> None:
    shader = "void main() { setColor(defaultColor()); setPointMarkerSize(1.0 + prop_size() / 1000.0); }"
    verdict = viewer.open(link(cave, 1, shader=shader))
    assert verdict["errors"] == []
    held = viewer.page.evaluate(IDS_HELD)["spatial"]
    assert len(held) > 1000
    assert len(set(held)) == len(held)
    assert viewer.faults == []
