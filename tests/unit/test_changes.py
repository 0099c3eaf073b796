"""Partners known again at another version: by nucleus, by root id, by the synapses they share."""

import pandas as pd

from services.cells import changes
from services.core.directions import Direction

A, B, C, D, E = (864691135771609595 + place for place in range(5))


def side(rows):
    """Partners from {root id: (number of synapses, nucleus id or None, type)}."""
    return pd.DataFrame(
        {
            "root_id": pd.array(list(rows), dtype="int64"),
            "num_syn": [row[0] for row in rows.values()],
            "nucleus_id": pd.array([row[1] for row in rows.values()], dtype="Int64"),
            "cell_type": pd.array([row[2] for row in rows.values()], dtype="string"),
        }
    )


def common(rows):
    names = ("root_id_old", "root_id_new", "num_syn")
    return pd.DataFrame({name: pd.array([row[at] for row in rows], dtype="int64") for at, name in enumerate(names)})


def summary(frame):
    names = ["root_id_old", "root_id_new", "num_syn_old", "num_syn_new", "delta", "status", "matched_by", "cell_type"]
    rows = frame[names].astype(object).where(frame[names].notna(), None)
    return {tuple(row) for row in rows.itertuples(index=False)}


def test_a_nucleus_is_the_same_partner_whatever_its_root_id():
    result = changes.match(side({A: (3, 7, "BC")}), side({B: (5, 7, "MC")}), common([]))
    assert summary(result) == {(A, B, 3, 5, 2, "changed", "nucleus", "MC")}
    assert result["nucleus_id"].tolist() == [7]


def test_a_fragment_is_known_by_its_root_id_or_its_synapses():
    older = side({A: (3, None, None), B: (2, None, None), C: (1, None, None)})
    newer = side({A: (4, None, None), D: (2, None, None), E: (1, None, None)})
    result = changes.match(older, newer, common([(A, A, 3), (B, D, 2), (B, E, 1)]))
    assert summary(result) == {
        (A, A, 3, 4, 1, "changed", "root id", None),
        (B, D, 2, 2, 0, "same", "synapses", None),
        (C, None, 1, 0, -1, "lost", "", None),
        (None, E, 0, 1, 1, "gained", "", None),
    }


def test_two_fragments_that_were_joined_are_one_partner_that_grew_and_one_lost():
    older, newer = side({A: (5, None, None), B: (2, None, None)}), side({C: (7, 9, "23P")})
    result = changes.match(older, newer, common([(A, C, 5), (B, C, 2)]))
    assert summary(result) == {
        (A, C, 5, 7, 2, "changed", "synapses", "23P"),
        (B, None, 2, 0, -2, "lost", "", None),
    }


def test_a_lost_partner_keeps_the_type_it_had():
    result = changes.match(side({A: (1, 7, "BC")}), side({}), common([]))
    assert summary(result) == {(A, None, 1, 0, -1, "lost", "", "BC")}


def test_ids_stay_whole_beside_blanks():
    result = changes.match(side({A: (1, None, None)}), side({B: (1, None, None)}), common([]))
    assert result["root_id_old"].dtype == result["root_id_new"].dtype == "Int64"
    assert set(result["root_id_old"].dropna()) == {A} and set(result["root_id_new"].dropna()) == {B}


def test_the_largest_change_comes_first():
    older = side({A: (9, 1, None), B: (2, 2, None), C: (3, 3, None)})
    newer = side({A: (9, 1, None), B: (7, 2, None), C: (1, 3, None)})
    assert changes.match(older, newer, common([]))["delta"].tolist() == [5, -2, 0]


def test_shared_synapses_are_counted_by_their_ids():
    rows = pd.DataFrame({"id": [1, 2, 3, 4], "pre_pt_root_id": [A, A, B, C]}).astype("Int64")
    later = pd.DataFrame({"id": [2, 3, 5, 1], "pre_pt_root_id": [D, B, B, D]}).astype("Int64")
    result = changes.shared(rows, later, Direction.IN)
    assert result.to_numpy().tolist() == [[A, D, 2], [B, B, 1]]
