"""Rows on the wire: Arrow streams with pandas' own description of the columns, or JSON records."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from flask import Response, request

from localcave.cave_errors import EngineError

CONTENT_TYPE = "data.arrow"
GZIP_LEVEL = 6
PLAIN = {b"pandas": b"plain"}
"""Metadata of a column that becomes a NumPy type and not a nullable one."""
NULLABLE = {
    pa.int64(): ("int64", "Int64"),
    pa.int32(): ("int32", "Int32"),
    pa.int16(): ("int16", "Int16"),
    pa.float64(): ("float64", "Float64"),
    pa.float32(): ("float32", "Float32"),
    pa.bool_(): ("bool", "boolean"),
    pa.string(): ("unicode", "string"),
}


@dataclass(frozen=True)
class Encoded:
    """Rows as they are sent."""

    content: bytes
    content_type: str
    num_rows: int

    @property
    def nbytes(self) -> int:
        return len(self.content)


def encoded(rows: pa.Table, *, untyped_when_empty: bool = False) -> Encoded:
    """Rows in the form that the request asks for.

    With `return_pyarrow` an Arrow IPC stream whose columns become pandas' nullable types, else JSON records.
    The engine cannot tell the type of a text column without rows; of a view (`untyped_when_empty`) of no column.
    """
    rows = _plain_types(rows)
    if not rows.num_rows:
        rows = _without_types(rows, untyped_when_empty)
    if as_arrow():
        return Encoded(_stream(rows, _pandas_metadata(rows)), CONTENT_TYPE, rows.num_rows)
    return Encoded(_records(rows).encode(), "application/json", rows.num_rows)


def as_arrow() -> bool:
    """Whether the request asks for an Arrow stream."""
    return request.args.get("return_pyarrow", "True") == "True"


def answer(
    rows: Encoded,
    *,
    warnings: Iterable[str] = (),
    resolution_nm: Sequence[float] | None = None,
    column_names: Mapping[str, Mapping[str, str]] | None = None,
) -> Response:
    """A query's answer, with what the engine tells of it in the headers."""
    response = Response(rows.content)
    response.headers["Content-Type"] = rows.content_type
    if resolution_nm is not None:
        for size in resolution_nm:
            response.headers.add("dataframe_resolution", str(size))
    if column_names:
        response.headers["column_names"] = header_text(
            repr({name: dict(names) for name, names in column_names.items()})
        )
    for warning in warnings:
        response.headers.add("Warning", header_text(warning))
    return gzipped(response)


def gzipped(response: Response) -> Response:
    """The answer compressed, for a client that takes gzip; an error stays as it is."""
    if response.status_code < 300 and "gzip" in request.headers.get("Accept-Encoding", "").lower():
        response.set_data(gzip.compress(response.get_data(), GZIP_LEVEL, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
        response.headers["Vary"] = "Accept-Encoding"
    return response


def count_table(count: int) -> pa.Table:
    """A frame with the one int64 column `count`."""
    return pa.table([pa.array([count], pa.int64())], schema=pa.schema([pa.field("count", pa.int64(), metadata=PLAIN)]))


def notice(name: str, metadata: Mapping[str, Any]) -> list[str]:
    """The warning with a table owner's notice, if there is one."""
    text = metadata.get("notice_text")
    return [f"Table Owner Notice on {name}: {text}"] if text else []


def header_text(text: str) -> str:
    """Text as one header line, in UTF-8 as servers written in Python send it."""
    return " ".join(text.split("\n")).replace("\r", " ").encode().decode("latin-1")


def _plain_types(rows: pa.Table) -> pa.Table:
    """Timestamps in nanoseconds of UTC, as the engine sends them; strings as plain strings."""
    fields = []
    for column in rows.schema:
        kind = column.type
        if pa.types.is_timestamp(kind):
            kind = pa.timestamp("ns", "UTC")
        elif pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
            kind = pa.string()
        elif pa.types.is_decimal(kind):
            kind = pa.float64()
        fields.append(pa.field(column.name, kind, metadata=column.metadata))
    schema = pa.schema(fields)
    return rows if rows.schema.equals(schema) else rows.cast(schema)


def _without_types(rows: pa.Table, all_columns: bool) -> pa.Table:
    kinds = [pa.null() if all_columns or pa.types.is_string(column.type) else column.type for column in rows.schema]
    return pa.table([pa.array([], kind) for kind in kinds], names=rows.column_names)


def _pandas_metadata(rows: pa.Table) -> bytes:
    columns = []
    for column in rows.schema:
        extra = None
        if pa.types.is_timestamp(column.type):
            kinds, extra = ("datetimetz", "datetime64[ns]"), {"timezone": "UTC"}
        else:
            kinds = NULLABLE.get(column.type, ("empty", "object"))
            if column.metadata == PLAIN:
                kinds = (kinds[0], kinds[0])
        columns.append(
            {
                "name": column.name,
                "field_name": column.name,
                "pandas_type": kinds[0],
                "numpy_type": kinds[1],
                "metadata": extra,
            }
        )
    description = {
        "index_columns": [{"kind": "range", "name": None, "start": 0, "stop": rows.num_rows, "step": 1}],
        "column_indexes": [
            {
                "name": None,
                "field_name": None,
                "pandas_type": "unicode",
                "numpy_type": "object",
                "metadata": {"encoding": "UTF-8"},
            }
        ],
        "columns": columns,
        "creator": {"library": "pyarrow", "version": pa.__version__},
        "pandas_version": "2.3.3",
    }
    return json.dumps(description).encode()


def _stream(rows: pa.Table, pandas: bytes) -> bytes:
    schema = rows.schema.with_metadata({b"pandas": pandas})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as stream:
        batches = rows.combine_chunks().to_batches()
        stream.write_batch(
            pa.RecordBatch.from_arrays(batches[0].columns, schema=schema)
            if batches
            else pa.RecordBatch.from_arrays([pa.array([], column.type) for column in schema], schema=schema)
        )
    return sink.getvalue().to_pybytes()


def _records(rows: pa.Table) -> str:
    try:
        return json.dumps(rows.to_pylist(), default=str, allow_nan=False)
    except ValueError as error:
        raise EngineError("Out of range float values are not JSON compliant") from error
