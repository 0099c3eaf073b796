"""The pieces in which a snapshot asks for rows: together they are all rows, however few the server gives at once."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localcave.snapshot.parts import HIGHEST, Baker, Piece


class FewRows:
    """A source with a row limit of its own, of rows with the given keys."""

    def __init__(self, keys: list[int], limit: int):
        self.keys, self.limit = sorted(keys), limit

    def _of(self, piece: Piece) -> list[int]:
        return [k for k in self.keys if piece.low <= k < piece.high and (not piece.column or k % 97 in piece.ids)]

    def count(self, piece: Piece) -> int:
        return len(self._of(piece))

    def rows(self, piece: Piece) -> pa.Table:
        return pa.table({"id": pa.array(self._of(piece)[: self.limit], pa.int64())})


KEYS = st.lists(
    st.one_of(st.integers(0, 300), st.integers(2**62, 2**62 + 300), st.integers(0, HIGHEST - 1)), unique=True
)


@settings(max_examples=60, deadline=None)
@given(keys=KEYS, most=st.integers(1, 60), limit=st.integers(1, 60), by_ids=st.booleans())
def test_pieces_together_are_the_whole(
    keys: list[int], most: int, limit: int, by_ids: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    source = FewRows(keys, limit)
    baker = Baker(source, tmp_path_factory.mktemp("pieces"), most, workers=2)
    piece = Piece("t", column="mod", ids=tuple(range(97))) if by_ids else Piece("t")
    brought = [key for path in baker.bake([piece])[0] for key in pq.read_table(path)["id"].to_pylist()]
    assert sorted(brought) == source.keys
