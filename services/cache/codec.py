"""Frames as bytes and back, exactly."""

from __future__ import annotations

import hashlib
import struct

import pandas as pd
import pyarrow as pa

FORMAT = b"karst1"
DIGEST_BYTES = 16
HEAD = struct.Struct(f"<{len(FORMAT)}sd{DIGEST_BYTES}s")


def encode_frame(frame: pd.DataFrame) -> bytes:
    """An Arrow IPC stream, compressed with zstd; dtypes and `attrs` are in its pandas metadata."""
    rows = pa.RecordBatch.from_pandas(frame, preserve_index=False)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_batch(rows)  # a table without rows would lose the categories of its columns
    content: bytes = sink.getvalue().to_pybytes()
    return content


def decode_frame(content: bytes) -> pd.DataFrame:
    """The frame that `encode_frame` was given, with a new index."""
    with pa.ipc.open_stream(content) as reader:
        return reader.read_pandas()


def pack(content: bytes, expires: float | None) -> bytes:
    """`content` with its time of expiry (seconds since 1970, None = never) and a digest in front."""
    return HEAD.pack(FORMAT, expires or 0.0, _digest(content)) + content


def unpack(packed: bytes) -> tuple[bytes, float | None]:
    """Content and time of expiry. Raises ValueError when anything is missing or changed."""
    if len(packed) < HEAD.size:
        raise ValueError("the entry is too short")
    format_, expires, digest = HEAD.unpack_from(packed)
    content = packed[HEAD.size :]
    if format_ != FORMAT or digest != _digest(content):
        raise ValueError("the entry is damaged or of another format")
    return content, expires or None


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=DIGEST_BYTES).digest()
