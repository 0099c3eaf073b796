"""Partners of a cell, against the same rules in plain Python loops."""

from collections import Counter, defaultdict

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from services.cells.connectivity import PARTNER_COLUMNS, partners, totals
from services.core.directions import Direction

CELL = 864691135771609595
ROOTS = [0, CELL, CELL + 1, CELL + 2, CELL + 3, CELL - 1]


def synapse_frame(pairs):
    """Synapses as CAVE gives them, from (presynaptic, postsynaptic, size)."""
    columns = zip(*pairs, strict=True) if pairs else ([], [], [])
    names = ("pre_pt_root_id", "post_pt_root_id", "size")
    return pd.DataFrame(
        {name: pd.array(list(values), dtype="Int64") for name, values in zip(names, columns, strict=True)}
    )


def soma_frame(roots):
    frame = pd.DataFrame({"root_id": np.sort(np.array(roots, dtype="int64")), "nucleus_id": np.arange(len(roots)) + 1})
    return frame.assign(x_nm=0.0, y_nm=0.0, z_nm=0.0, depth_um=np.arange(len(roots)) * 10.0)


def expected(pairs, direction, root_id, somas, types):
    """The rules again, one synapse at a time."""
    sizes = defaultdict(list)
    for pre, post, size in pairs:
        partner = (pre if direction == "in" else post) or 0
        if partner not in (0, root_id):
            sizes[partner].append(size or 0)
    rows = []
    for partner in sorted(sizes, key=lambda root: (-len(sizes[root]), root)):
        own = [row for row in somas.to_dict("records") if row["root_id"] == partner]
        rows.append(
            {
                "root_id": partner,
                "num_syn": len(sizes[partner]),
                "net_size": sum(sizes[partner]),
                "mean_size": sum(sizes[partner]) / len(sizes[partner]),
                "num_soma": len(own),
                "soma_depth_um": own[0]["depth_um"] if len(own) == 1 else None,
                "nucleus_id": own[0]["nucleus_id"] if len(own) == 1 else None,
                "cell_type": types.get(partner),
            }
        )
    return rows


pair = st.tuples(st.sampled_from([*ROOTS, None]), st.sampled_from([*ROOTS, None]), st.integers(160, 60_000))


@given(
    st.lists(pair, max_size=40),
    st.sampled_from(Direction),
    st.lists(st.sampled_from(ROOTS), max_size=8),
    st.dictionaries(st.sampled_from(ROOTS), st.sampled_from(["BC", "MC", "23P"])),
)
def test_partners_follow_the_rules(pairs, direction, soma_roots, types):
    somas = soma_frame(soma_roots)
    type_frame = pd.DataFrame({"cell_type": pd.array(list(types.values()), dtype="string")}, index=list(types))
    frame = partners(synapse_frame(pairs), direction, CELL, somas, type_frame)
    assert tuple(frame.columns) == (*PARTNER_COLUMNS, "cell_type")
    result = frame.astype(object).where(frame.notna(), None).to_dict("records")
    assert result == expected(pairs, direction, CELL, somas, types)


@given(st.lists(pair, max_size=40), st.sampled_from(Direction))
def test_every_synapse_is_counted_once(pairs, direction):
    synapses = synapse_frame(pairs)
    sums = totals(synapses, direction, CELL)
    ends = Counter((pre if direction == "in" else post) or 0 for pre, post, _ in pairs)
    assert sums["autapses"] == ends.pop(CELL, 0)
    assert sums["root_zero"] == ends.pop(0, 0)
    assert sums["num_syn"] == sum(ends.values())
    assert sums["num_partners"] == len(ends)
    frame = partners(synapses, direction, CELL, soma_frame([]))
    assert (int(frame["num_syn"].sum()), len(frame)) == (sums["num_syn"], sums["num_partners"])


def test_dtypes_hold_with_and_without_rows():
    wanted = ["int64", "int64", "float64", "float64", "int64", "float64", "Int64"]
    for pairs in ([], [(CELL + 1, CELL, 200)]):
        frame = partners(synapse_frame(pairs), Direction.IN, CELL, soma_frame([]))
        assert [str(dtype) for dtype in frame.dtypes] == wanted


def test_neighbouring_ids_stay_apart():
    frame = partners(
        synapse_frame([(CELL + 1, CELL, 4), (CELL - 1, CELL, 4), (CELL + 1, CELL, 8)]),
        Direction.IN,
        CELL,
        soma_frame([]),
    )
    assert frame["root_id"].tolist() == [CELL + 1, CELL - 1]
    assert frame["net_size"].tolist() == [12, 4]


def test_a_type_column_never_replaces_a_partner_column():
    types = pd.DataFrame({"num_syn": [7], "cell_type": ["BC"]}, index=[CELL + 1])
    frame = partners(synapse_frame([(CELL + 1, CELL, 4)]), Direction.IN, CELL, soma_frame([]), types)
    assert frame[["num_syn", "num_syn_type", "cell_type"]].iloc[0].tolist() == [1, 7, "BC"]
