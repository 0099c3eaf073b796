"""A cell of the demo and its segmentation, by caveclient and cloud-volume: fixtures for modules that import them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from caveclient import CAVEclient
from cloudvolume import CloudVolume

TOKEN = {"token": "any"}


@pytest.fixture(scope="module")
def client(localcave_url: str) -> CAVEclient:
    return CAVEclient("karst_demo", server_address=localcave_url, auth_token="any", write_server_cache=False)


@pytest.fixture(scope="module")
def proofread(client: CAVEclient) -> pd.DataFrame:
    return client.materialize.query_table("proofreading_status_and_strategy", split_positions=True)


@pytest.fixture(scope="module")
def cell(client: CAVEclient, proofread: pd.DataFrame) -> int:
    """A proofread cell of now."""
    return int(client.chunkedgraph.get_root_id(int(proofread.pt_supervoxel_id.iloc[3])))


@pytest.fixture(scope="module")
def skeleton(client: CAVEclient, cell: int) -> dict:
    result = client.skeleton.fetch_skeletons([cell], output_format="dict")[str(cell)]
    return {name: np.array(result[name]) for name in ("vertices", "edges", "radius", "compartment", "lvl2_ids")}


@pytest.fixture(scope="module")
def volume(client: CAVEclient) -> CloudVolume:
    source = client.info.segmentation_source()
    return CloudVolume(source, secrets=TOKEN, use_https=True, progress=False, fill_missing=True)


def edited(client: CAVEclient) -> list[int]:
    proofread = client.materialize.query_table("proofreading_status_and_strategy")
    now = client.chunkedgraph.get_roots(proofread.pt_supervoxel_id.to_numpy())
    return [int(root) for root in now]
