"""Edits of the segmentation, as caveclient reads and previews them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import requests
from caveclient import CAVEclient
from cloudvolume import CloudVolume

from tests.contract.segmentation import cell, client, edited, proofread, skeleton, volume

__all__ = ["cell", "client", "proofread", "skeleton", "volume"]  # fixtures


def test_a_previewed_split_parts_source_from_sink_and_changes_nothing(
    client: CAVEclient, cell: int, skeleton: dict
) -> None:
    source, sink, legal = client.chunkedgraph.preview_split([skeleton["vertices"][0]], [skeleton["vertices"][-1]], cell)
    assert legal
    assert set(source) | set(sink) == set(client.chunkedgraph.get_leaves(cell))
    assert not set(source) & set(sink)
    assert client.chunkedgraph.is_latest_roots([cell]).all()
    with pytest.raises(requests.HTTPError, match="403"):
        client.chunkedgraph.execute_split([skeleton["vertices"][0]], [skeleton["vertices"][-1]], cell)


def test_a_split_is_previewed_on_the_root_that_the_points_have_now(client: CAVEclient) -> None:
    """What recorded splits parted is in two roots now, whichever node the points are named by; what merges joined and
    is one root still can be parted again."""
    graph = client.chunkedgraph
    logs = graph.get_tabular_change_log(edited(client)).values()
    log = pd.concat([edits for edits in logs if len(edits)]).drop_duplicates("operation_id")
    details = graph.get_operation_details(log.operation_id.tolist())
    previewed = {True: 0, False: 0}
    for edit in log.itertuples():
        record = details[str(edit.operation_id)]
        pair = record["added_edges" if edit.is_merge else "removed_edges"][0]
        source, sink = ([np.array(record[f"{side}_coords"][0]) * [8, 8, 40]] for side in ("source", "sink"))
        parted = len(set(graph.get_roots(pair).tolist())) == 2
        if previewed[parted] == 3:
            continue
        previewed[parted] += 1
        by_supervoxel = {"source_supervoxels": [pair[0]], "sink_supervoxels": [pair[1]]}
        if parted:
            for names in ({}, by_supervoxel):
                with pytest.raises(requests.HTTPError, match=r"400.*must belong to the same object"):
                    graph.preview_split(source, sink, int(edit.before_root_ids[0]), **names)
            continue
        kept, moved, legal = graph.preview_split(source, sink, int(graph.get_root_id(pair[0])), **by_supervoxel)
        assert legal and pair[0] in kept and pair[1] in moved
    assert min(previewed.values()) > 0, previewed


def test_operations_tell_what_they_joined_and_parted(client: CAVEclient, volume: CloudVolume) -> None:
    graph = client.chunkedgraph
    kinds = set()
    for user in (121, 160, 446, 2012, 3358):
        log = graph.get_user_operations(user, graph.get_oldest_timestamp())
        assert set(log.user_id) <= {str(user)}
        details = graph.get_operation_details(log.operation_id.tolist())
        for row in log.itertuples():
            message = details[str(row.operation_id)]
            assert pd.Timestamp(message["timestamp"]).round("ms") == pd.Timestamp(row.timestamp).round("ms")
            kind = "added_edges" if "added_edges" in message else "removed_edges"
            kinds.add(kind)
            pairs = np.array(message[kind])
            assert len(pairs) == max(1, len(message["roots"]) - 1)
            before, after = (
                graph.get_roots(pairs.ravel(), timestamp=row.timestamp + pd.Timedelta(ms, "ms")).reshape(-1, 2)
                for ms in (-1, 1)
            )
            whole, parts = (after, before) if kind == "added_edges" else (before, after)
            assert len(np.unique(whole)) == 1 and (parts[:, 0] != parts[:, 1]).all()
            assert set(after.ravel()) == set(message["roots"])
            for ends, side in ((message["source_coords"], pairs[:, 0]), (message["sink_coords"], pairs[:, 1])):
                chunks = np.array([volume.meta.decode_chunk_position(node) for node in side])
                low = chunks * [2560, 2560, 512]
                assert ((np.array(ends) >= low - 1) & (np.array(ends) <= low + np.array([2561, 2561, 513]))).all()
    assert kinds == {"added_edges", "removed_edges"}
    for root in edited(client):
        log = graph.get_merge_log(root)
        assert len(log["merge_edges"]) == len(log["merge_edge_coords"]) == graph.get_change_log(root)["n_merges"]
    with pytest.raises(requests.HTTPError, match="404"):
        graph.get_operation_details([17])


def test_edits_of_an_unknown_root_are_refused_and_not_made_up(client: CAVEclient) -> None:
    graph = client.chunkedgraph
    for call in (graph.get_past_ids, graph.get_lineage_graph, graph.get_tabular_change_log):
        with pytest.raises(requests.HTTPError, match="500"):
            call([5])
