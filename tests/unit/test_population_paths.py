"""Likeness and paths of populations against scipy and networkx, on random wirings."""

from __future__ import annotations

from itertools import pairwise

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from scipy.spatial import distance

from services.core.directions import Side
from services.core.errors import BadInput, NotFound, TooLarge
from services.populations import networks, paths, similar_cells
from services.populations.edges import Edges, edges_of
from services.populations.groupings import Grouping, of_values

IDS = np.arange(864691136000000001, 864691136000000031, dtype=np.int64)
PRE, POST = IDS[:22], IDS[8:]


def wiring(seed: int, share: float = 0.12) -> tuple[pd.DataFrame, Edges]:
    """Random synapses from PRE onto POST, and their edges; the first cell makes none."""
    rng = np.random.default_rng(seed)
    pairs = [(one, other) for one in PRE[1:] for other in POST if one != other and rng.random() < share]
    rows = [pair for pair in pairs for _ in range(int(rng.integers(1, 6)))]
    frame = pd.DataFrame(rows, columns=["pre_root_id", "post_root_id"]).assign(size=100.0)
    return frame, edges_of(frame, PRE, POST)


@pytest.mark.parametrize("measure", ["cosine", "jaccard"])
@pytest.mark.parametrize("direction", ["out", "in", "both"])
def test_likeness_is_that_of_scipy(direction: Side, measure: str) -> None:
    rows, edges = wiring(3)
    types = pd.Series([f"t{root % 5}" for root in IDS], index=IDS)
    groups = of_values("type", types[PRE]), of_values("type", types[POST])
    outputs = pd.crosstab(rows["pre_root_id"], rows["post_root_id"].map(types))
    inputs = pd.crosstab(rows["post_root_id"], rows["pre_root_id"].map(types))
    tables = {"out": outputs.reindex(PRE, fill_value=0), "in": inputs.reindex(POST, fill_value=0)}
    both = np.intersect1d(PRE, POST)
    tables["both"] = pd.concat([tables["out"].loc[both], tables["in"].loc[both].add_prefix("from ")], axis=1)
    table = tables[direction]
    cell = int(both[3])
    own = table.loc[cell].to_numpy(float)
    expected = {}
    for root, row in table.drop(cell).iterrows():
        other = row.to_numpy(float)
        if other.any():
            pairs = (own > 0, other > 0) if measure == "jaccard" else (own, other)
            expected[root] = 1 - getattr(distance, measure)(*pairs)
    result = similar_cells.like(similar_cells.profiles(edges, *groups, direction), cell, measure)
    assert dict(zip(result["root_id"], result["similarity"], strict=True)) == pytest.approx(expected)
    assert result["similarity"].is_monotonic_decreasing
    assert (result.set_index("root_id")["num_syn"] == table.sum(axis=1)[result["root_id"]]).all()


def test_clusters_find_the_planted_ones() -> None:
    counts = np.array([[9, 1, 0], [8, 1, 0], [9, 0, 0], [0, 1, 7], [0, 0, 9], [0, 0, 0]], dtype=float)
    result = similar_cells.clusters(similar_cells.Profiles(IDS[:6], counts), 2).set_index("root_id")
    assert result["cluster"].to_dict() == {**dict.fromkeys(IDS[:3], 1), **dict.fromkeys(IDS[3:5], 2)}
    assert result["num_syn"].to_dict() == dict(zip(IDS[:5], [10, 9, 9, 8, 9], strict=True))
    one = similar_cells.clusters(similar_cells.Profiles(IDS[:1], counts[:1]))
    assert one["cluster"].tolist() == [1]
    with pytest.raises(BadInput):
        similar_cells.clusters(similar_cells.Profiles(IDS[:6], counts), 0)


def test_what_has_no_synapses_cannot_be_compared() -> None:
    _, edges = wiring(3)
    groups = of_values("type", pd.Series("t", index=PRE)), of_values("type", pd.Series("t", index=POST))
    profiles = similar_cells.profiles(edges, *groups, "out")
    with pytest.raises(BadInput):
        similar_cells.like(profiles, int(PRE[0]))
    with pytest.raises(NotFound):
        similar_cells.like(profiles, 5)
    with pytest.raises(NotFound):
        similar_cells.partners(edges, (int(PRE[1]), 5), "out")


def test_common_and_exclusive_partners() -> None:
    rows, edges = wiring(4, 0.3)
    one, other = map(int, np.intersect1d(PRE, POST)[:2])
    result = similar_cells.partners(edges, (one, other), "both")
    for way, own, partner in (("out", "pre_root_id", "post_root_id"), ("in", "post_root_id", "pre_root_id")):
        counts = [rows.loc[rows[own] == cell, partner].value_counts() for cell in (one, other)]
        sets = [set(count.index) for count in counts]
        part = result[result["direction"] == way].set_index("root_id")
        assert set(part.index[part["of"] == "both"]) == sets[0] & sets[1]
        assert set(part.index[part["of"] == "first"]) == sets[0] - sets[1]
        assert set(part.index[part["of"] == "second"]) == sets[1] - sets[0]
        assert part["num_syn_first"][lambda values: values > 0].to_dict() == counts[0].to_dict()
        assert part["num_syn_second"][lambda values: values > 0].to_dict() == counts[1].to_dict()


@pytest.mark.parametrize("order", paths.ORDERS)
@pytest.mark.parametrize("steps", [1, 2, 3])
@pytest.mark.parametrize("seed", [1, 2])
def test_paths_are_the_best_of_all_simple_ones(seed: int, steps: int, order: paths.Order) -> None:
    _, edges = wiring(seed, 0.08)
    graph = nx.DiGraph()
    for edge in edges.frame().itertuples():
        graph.add_edge(edge.pre_root_id, edge.post_root_id, num_syn=edge.num_syn)
    result, reached = paths.between(edges, PRE[:12], POST[4:], steps=steps, order=order)
    assert reached.to_dict() == result["steps"].value_counts().reindex(range(1, steps + 1), fill_value=0).to_dict()
    few, same = paths.between(edges, PRE[:12], POST[4:], steps=steps, order=order, most=7)
    pd.testing.assert_frame_equal(few, result.head(7))
    assert same.equals(reached)
    matches = {(row["pre_root_id"], row["post_root_id"]): row for row in result.to_dict("records")}
    expected = {}
    for source in PRE[:12]:
        for target in POST[4:]:
            if source == target or source not in graph or target not in graph:
                continue
            every = list(nx.all_simple_paths(graph, source, target, cutoff=steps))
            weak = [(len(p) - 1, min(graph.edges[step]["num_syn"] for step in pairwise(p))) for p in every]
            rank = {"shortest": lambda one: (one[0], -one[1]), "strongest": lambda one: (-one[1], one[0])}[order]
            if weak:
                expected[source, target] = min(weak, key=rank)
    assert {pair: (row["steps"], row["weakest"]) for pair, row in matches.items()} == expected
    for (source, target), row in matches.items():
        between = [row[f"via_{step}_root_id"] for step in (1, 2)][: row["steps"] - 1]
        walk = [source, *between, target]
        along = [graph.edges[step]["num_syn"] for step in pairwise(walk)]
        assert along == [row[f"num_syn_{step}"] for step in (1, 2, 3)][: row["steps"]] and min(along) == row["weakest"]
        assert pd.isna(row["via_2_root_id"]) == (row["steps"] < 3)


def test_the_first_paths_are_given_of_any_number_of_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    _, edges = wiring(1, 0.08)
    monkeypatch.setattr(paths, "MOST_PAIRS", 10)
    monkeypatch.setattr(paths, "_BATCH", 1)  # one source at once
    first, reached = paths.between(edges, PRE, POST, most=20)
    assert len(first) == 20 and reached.sum() > 20 and first["steps"].is_monotonic_increasing
    with pytest.raises(TooLarge, match="Ask for the first"):
        paths.between(edges, PRE, POST)
    monkeypatch.setattr(paths, "MOST_WALKED", 10)
    with pytest.raises(TooLarge, match="too many to follow"):
        paths.between(edges, PRE, POST, most=20)


def test_paths_where_nothing_leads() -> None:
    _, edges = wiring(1)
    assert paths.between(edges, PRE[:1], POST)[0].empty
    assert paths.between(edges, PRE[:0], POST)[0].empty
    none = edges_of(pd.DataFrame({"pre_root_id": [], "post_root_id": [], "size": []}), PRE, POST)
    assert paths.between(none, PRE, POST)[0].empty
    with pytest.raises(BadInput):
        paths.between(edges, PRE, POST, steps=4)


def somata_um(depths_um: pd.Series[float]) -> np.ndarray:
    return np.column_stack([np.zeros(len(depths_um)), depths_um, np.zeros(len(depths_um))])


def test_a_network_is_that_of_pandas() -> None:
    rows, edges = wiring(5)
    types = pd.Series([f"t{root % 4}" for root in IDS], index=IDS)
    depths = pd.Series(np.arange(30) * 10.0, index=IDS).mask(types == "t1")
    groups = of_values("type", types[PRE]), of_values("type", types[POST])
    shown = networks.network(edges, *groups, (somata_um(depths[PRE]), somata_um(depths[POST])))
    nodes = shown.nodes.set_index("name")
    every = pd.Series(IDS, index=IDS).groupby(types)
    assert nodes["cells"].to_dict() == every.size().to_dict() and set(nodes["side"]) == {"both"}
    expected = depths.groupby(types).mean()
    assert nodes["down_um"].dropna().to_dict() == pytest.approx(expected.dropna().to_dict())
    assert pd.isna(nodes.loc["t1", "down_um"])
    ends = [rows[name].map(types).rename(name) for name in ("pre_root_id", "post_root_id")]
    counts = rows.groupby(ends).size()
    links = shown.links.assign(**{end: shown.links[end].str.removeprefix("type=") for end in ("pre", "post")})
    assert links.set_index(["pre", "post"])["num_syn"].to_dict() == counts.to_dict()
    assert links["connections"].sum() == len(edges) and shown.left_out == 0
    other = networks.network(edges, groups[0], of_values("else", types[POST]), (np.zeros((22, 3)), np.zeros((22, 3))))
    assert len(other.nodes) == 8 and set(other.nodes["side"]) == {"pre", "post"}


def test_a_network_of_too_many_is_refused() -> None:
    ids = np.arange(1, 400, dtype=np.int64)
    none = edges_of(pd.DataFrame({"pre_root_id": [], "post_root_id": [], "size": []}), ids, ids)
    every = Grouping("cell", tuple(map(str, ids)), np.arange(399))
    with pytest.raises(TooLarge, match="399 nodes"):
        networks.network(none, every, every, (np.zeros((399, 3)), np.zeros((399, 3))))
