"""Frames as files: CSV, Parquet and Arrow, each saying where its rows come from."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from services.core.columns import Column, as_stored
from services.core.errors import BadInput

FORMATS = ("csv", "parquet", "arrow")
MIME = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
}
TIME_FORMAT = "%Y-%m-%dT%H:%M:%S.%f%z"
ROWS_AT_ONCE = 10_000
METADATA_KEY = "karst"
"""Key of the schema's metadata under which Parquet and Arrow hold the provenance, as JSON."""

_FORMULA = r"^('*)([=+\-@\t\r])"


def provenance(**facts: Any) -> dict[str, Any]:
    """What is known about an export (datastack, version, table, filter, ...), empty ones left out, and when it
    was made."""
    created = datetime.now(UTC).isoformat(timespec="seconds")
    return {name: fact for name, fact in facts.items() if fact not in (None, "", [], {})} | {"exported": created}


def csv_of_frame(
    frame: pd.DataFrame, columns: Sequence[Column], head: Mapping[str, Any], *, guard: bool = True
) -> Iterator[str]:
    """One frame as a CSV file in parts; see :func:`csv_of_frames`."""
    starts = range(0, len(frame), ROWS_AT_ONCE)
    return csv_of_frames((frame.iloc[start : start + ROWS_AT_ONCE] for start in starts), columns, head, guard=guard)


def csv_of_frames(
    frames: Iterable[pd.DataFrame], columns: Sequence[Column], head: Mapping[str, Any], *, guard: bool = True
) -> Iterator[str]:
    """A CSV file in parts: `# ` lines with the facts of `head` (none if it is empty: then readers need no options),
    one header line, then the rows of all `frames`.

    No more than one frame is held at a time, so a file of any length takes the same memory. Ids keep all their
    digits; blank cells are empty. With `guard`, text that a spreadsheet would take for a formula (it begins with
    = + - @, tab or return) gets an apostrophe before it, and so does text that begins with apostrophes and then one of
    these, so that taking one away gives back what was there; without it, text is as it was.
    """
    for name, fact in head.items():
        yield f"# {name}: {_one_line(fact)}\n"
    names = [column.name for column in columns]
    yield pd.DataFrame(columns=names).to_csv(index=False, lineterminator="\n")
    texts = [column.name for column in columns if column.kind == "text"]
    for frame in frames:
        rows = frame[names].reset_index(drop=True)
        texts_of = {name: _texts(rows[name], guard=guard) for name in texts}
        stored = rows.apply(as_stored).assign(**{name: values.to_pandas() for name, values in texts_of.items()})
        # Python's csv leaves a lone return unquoted, which readers take for the end of a row
        returns = any(pc.any(pc.match_substring(values, "\r")).as_py() for values in texts_of.values())
        quoting: Literal[0, 2] = csv.QUOTE_NONNUMERIC if returns else csv.QUOTE_MINIMAL
        yield stored.to_csv(index=False, header=False, lineterminator="\n", date_format=TIME_FORMAT, quoting=quoting)


def to_arrow(frame: pd.DataFrame, columns: Sequence[Column], facts: Mapping[str, Any]) -> pa.Table:
    """An Arrow table: ids as int64, units in each field's metadata, `facts` in the schema's."""
    table = pa.Table.from_pandas(frame[[column.name for column in columns]], preserve_index=False)
    fields = [
        table.schema.field(column.name).with_metadata({"unit": column.unit} if column.unit else None)
        for column in columns
    ]
    metadata = {**(table.schema.metadata or {}), METADATA_KEY: json.dumps(dict(facts))}
    return table.cast(pa.schema(fields, metadata))


def to_bytes(table: pa.Table, file_format: str) -> bytes:
    """An Arrow table as a "parquet" file or an "arrow" stream, compressed. Raises BadInput for other formats."""
    sink = io.BytesIO()
    if file_format == "parquet":
        pq.write_table(table, sink, compression="zstd")
    elif file_format == "arrow":
        options = pa.ipc.IpcWriteOptions(compression="zstd")
        with pa.ipc.new_stream(sink, table.schema, options=options) as stream:
            stream.write_table(table)
    else:
        raise BadInput(f"{file_format[:40]!r} is not a file format.", f"Choose one of {', '.join(FORMATS)}.")
    return sink.getvalue()


def listed_ids(ids: pd.Series, form: str) -> str:
    """The distinct ids of a column in their order, blank ones and 0 left out, to be pasted elsewhere.

    `form` is one of ID_FORMS: "lines", "commas", "python" (a list), "neuroglancer" (what its box of segments takes) or
    "tray" (what the page's own tray takes). Raises BadInput for another.
    """
    texts = ids[ids.notna() & (ids != 0)].drop_duplicates().astype("Int64").astype(str).tolist()
    write = ID_FORMS.get(form)
    if write is None:
        raise BadInput(f"{form[:40]!r} is not a list format.", f"Choose one of {', '.join(ID_FORMS)}.")
    return write(texts)


ID_FORMS: Mapping[str, Callable[[Sequence[str]], str]] = {
    "lines": "\n".join,
    "commas": ", ".join,
    "python": lambda texts: f"[{', '.join(texts)}]",
    "neuroglancer": " ".join,
    "tray": "\n".join,
}


def file_name(*parts: str | int) -> str:
    """A name for a download: letters, digits, dots, dashes and underscores only."""
    return "_".join(re.sub(r"[^A-Za-z0-9.-]+", "-", str(part)).strip("-.")[:80] for part in parts if str(part))


def _texts(values: pd.Series, *, guard: bool) -> pa.Array:
    texts = pa.array(values.astype("string"), pa.string(), from_pandas=True)
    return pc.replace_substring_regex(texts, _FORMULA, r"'\1\2") if guard else texts


def _one_line(fact: Any) -> str:
    text = fact if isinstance(fact, str) else json.dumps(fact)
    return re.sub(r"[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+", " ", text)
