"""An Arrow stream that was cut off is told from a whole one, whatever its data end in."""

from __future__ import annotations

import io
from typing import Any

import pyarrow as pa
import pytest

from services.cave.http import END_OF_STREAM, has_end

LOOK_ALIKES: list[dict[str, Any]] = [
    {"id": pa.array(range(32)), "valid": pa.array([True] * 32)},
    {"n": pa.array([-1] * 31, pa.int32())},
    {"id": pa.array([1, 2**32 - 1])},
]
"""Columns whose last buffer, padded to 8 bytes, is ff ff ff ff 00 00 00 00."""


def stream_of(columns: dict[str, Any], batches: int = 2, **options: Any) -> tuple[bytes, list[int]]:
    """A stream, and how long it is after its schema and after each batch."""
    batch, sink = pa.record_batch(columns), io.BytesIO()
    lengths = []
    with pa.ipc.new_stream(sink, batch.schema, **options) as writer:
        for _ in range(batches):
            writer.write_batch(batch)
            lengths.append(sink.tell())
    return sink.getvalue(), lengths


@pytest.mark.parametrize("columns", LOOK_ALIKES)
def test_data_that_look_like_an_end_are_none(columns: dict[str, Any]) -> None:
    stream, lengths = stream_of(columns)
    assert all(stream[:length].endswith(END_OF_STREAM) for length in lengths)
    assert pa.ipc.open_stream(stream[: lengths[0]]).read_all().num_rows == len(next(iter(columns.values())))
    assert [length for length in range(len(stream) + 1) if has_end(stream[:length])] == [len(stream)]


@pytest.mark.parametrize("codec", [None, "zstd"])
def test_dictionaries_compression_and_no_rows(codec: str | None) -> None:
    options = pa.ipc.IpcWriteOptions(compression=codec)
    words = {"tag": pa.array(["spine", "shaft", None]).dictionary_encode()}
    for batches in (0, 1, 3):
        stream, lengths = stream_of(words, batches, options=options)
        assert has_end(stream)
        assert not any(has_end(stream[:length]) for length in lengths)


def test_other_bytes_are_no_stream() -> None:
    assert not any(map(has_end, (b"", b"{}", b"\0" * 64, b"<html></html>")))
