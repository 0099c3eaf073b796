"""Frames, cells and errors as HTTP answers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import urlsplit

import pandas as pd
from flask import Response, jsonify, request, stream_with_context
from werkzeug.exceptions import HTTPException
from werkzeug.urls import iri_to_uri

from api import params, shapes
from services.cells.cells import Cell
from services.core.columns import Column
from services.core.errors import KarstError, TooLarge, WrongMethod, request_id
from services.core.logs import explain
from services.core.profiles import Volume
from services.core.records import TableInfo, Version
from services.core.stages import begin_render
from services.tables.export import MIME, csv_of_frame, csv_of_frames, file_name, provenance, to_arrow, to_bytes
from services.tables.tables import to_records

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title} - Karst</title>
<style>:root {{ color-scheme: light dark; font-family: system-ui, sans-serif }}
main {{ max-width: 36rem; margin: 15vh auto; padding: 0 1rem; line-height: 1.5 }}</style></head>
<body><main><h1>{title}</h1><p>{text}</p>{more}{link}</main></body></html>
"""
"""What stands outside the pages of Dash."""
MOST_JSON_ROWS = 500_000
"""Some 50 MB, which are put together in memory; the other formats take a tenth of it, or are streamed."""


@dataclass(frozen=True)
class Subject:
    """What a frame is of: for its name as a file, and for the provenance in it."""

    datastack: str
    version: Version
    name: str
    facts: Mapping[str, Any]


def frame_answer(
    frame: pd.DataFrame,
    columns: Sequence[Column],
    subject: Subject,
    *,
    total: int | None,
    extra: Mapping[str, Any] | None = None,
) -> Response:
    """`frame` in the format that the request wants; `total` counts the rows of which `frame` may be a page (None =
    unknown), `extra` goes into the JSON only. Raises TooLarge."""
    begin_render()
    file_format = params.file_format()
    facts = _facts(subject, len(frame), total)
    if params.head() == "only":
        return _provenance(subject, facts)
    if file_format == "json":
        if len(frame) > MOST_JSON_ROWS:
            raise TooLarge(f"{len(frame):,} rows are too many for JSON.", "Ask for format=csv, parquet or arrow.")
        return jsonify(
            {
                "datastack": subject.datastack,
                "version": subject.version.label,
                "total": total,
                "columns": [_column(frame, column) for column in columns],
                "rows": to_records(frame, columns),
                **(extra or {}),
            }
        )
    if file_format == "csv":
        return _csv(csv_of_frame(frame, columns, _head(facts), guard=params.switch("guard", "on")), subject)
    return _file(subject, file_format, to_bytes(to_arrow(frame, columns, facts), file_format))


def csv_answer(
    frames: Iterable[pd.DataFrame], columns: Sequence[Column], subject: Subject, *, rows: int | None, total: int | None
) -> Response:
    """A CSV file of `rows` rows (None = unknown), streamed frame by frame."""
    begin_render()
    facts = _facts(subject, rows, total)
    if params.head() == "only":
        return _provenance(subject, facts)
    return _csv(csv_of_frames(frames, columns, _head(facts), guard=params.switch("guard", "on")), subject)


def _facts(subject: Subject, rows: int | None, total: int | None) -> dict[str, Any]:
    return provenance(
        datastack=subject.datastack,
        version=subject.version.label,
        timestamp=subject.version.timestamp.isoformat(),
        **subject.facts,
        rows=rows,
        total=total,
        source=_lasting(_with_head(request.url, ""), subject.version),
    )


def _lasting(url: str, version: Version) -> str:
    """An address that names the version that "latest" or "live" meant when it was asked."""
    return re.sub(r"(/api/v1/[^/]+/)(?:latest|live)(?=/)", rf"\g<1>{version.label}", url, count=1)


def _with_head(url: str, head: str) -> str:
    """The address with another `head`, or none."""
    parts = urlsplit(url)
    requests = [part for part in parts.query.split("&") if part and part.partition("=")[0] != "head"]
    return parts._replace(query="&".join(requests + ([f"head={head}"] if head else []))).geturl()


def _head(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    return facts if params.head() == "on" else {}


def _csv(parts: Iterable[str], subject: Subject) -> Response:
    """A CSV that names the address of its provenance in the header `Link`, as the W3C's CSV on the Web does."""
    answer = _file(subject, "csv", parts)
    beside = iri_to_uri(_with_head(request.url, "only"))
    answer.headers["Link"] = f'<{beside}>; rel="describedby"; type="{MIME["json"]}"'
    return answer


def _provenance(subject: Subject, facts: Mapping[str, Any]) -> Response:
    return _file(
        subject, "json", json.dumps(facts, indent=1, ensure_ascii=False).encode(), f"{subject.name}.provenance"
    )


def _file(subject: Subject, file_format: str, body: bytes | Iterable[str], title: str = "") -> Response:
    name = file_name(subject.datastack, f"v{subject.version.label}", title or subject.name)
    headers = {"Content-Disposition": f'attachment; filename="{name}.{file_format}"'}
    sent = body if isinstance(body, bytes) else stream_with_context(_explained(body))  # pieces may still ask CAVE
    return Response(sent, content_type=MIME[file_format], headers=headers)


def _explained(pieces: Iterable[str]) -> Iterator[str]:
    """Some pieces of an answer that has begun: an error that breaks it off is logged as any other."""
    try:
        yield from pieces
    except Exception as error:
        explain(error)
        raise


def _column(frame: pd.DataFrame, column: Column) -> dict[str, str]:
    return {"name": column.name, "dtype": str(frame[column.name].dtype).lower(), "unit": column.unit}


def version_json(version: Version) -> shapes.Version:
    """A version: number, times in ISO UTC, and whether it is still valid."""
    return {
        "version": version.number,
        "timestamp": version.timestamp.isoformat(),
        "expires": version.expires.isoformat() if version.expires else None,
        "valid": version.valid,
    }


def table_json(info: TableInfo) -> shapes.Table:
    """What CAVE says about a table or view."""
    return {
        "name": info.name,
        "kind": info.kind,
        "schema_type": info.schema_type,
        "description": info.description,
        "notice": info.notice,
        "reference_table": info.reference_table,
        "created": info.created,
        "voxel_resolution_nm": list(info.voxel_resolution_nm),
        "row_count": info.row_count,
    }


def cell_json(cell: Cell, volume: Volume, notices: Sequence[str] = ()) -> shapes.Cell:
    """A cell, its ids as text, with the depth of its soma where its volume has depths; `notices` are those of the
    owners of its tables."""
    depth: Any = {"soma_depth_um": cell.soma_depth_um} if volume.has_depth else {}
    return {
        "root_id": str(cell.root_id),
        "nucleus_ids": None if cell.nucleus_ids is None else [str(nucleus) for nucleus in cell.nucleus_ids],
        "id_type": cell.id_type,
        "asked": str(cell.requested),
        "repaired_from": None if cell.repaired_from is None else str(cell.repaired_from),
        "overlap": cell.overlap,
        "valid_at": cell.valid_at,
        "soma_position_nm": list(cell.soma_position_nm) if cell.soma_position_nm else None,
        **depth,
        "warnings": [*cell.warnings, *notices],
    }


def error_answer(error: KarstError) -> Response:
    """An error of the services, in the API's one shape."""
    answer = jsonify({"error": {**error.to_dict(), "request_id": request_id()}})
    answer.status_code = error.status
    if error.retry_after_s is not None:
        answer.headers["Retry-After"] = str(error.retry_after_s)
    if isinstance(error, WrongMethod):
        answer.headers["Allow"] = ", ".join(error.allowed)
    return answer


def page_answer(
    title: str, text: str, status: int, link: tuple[str, str] | None = None, more: Sequence[str] = ()
) -> Response:
    """A page of one sentence, maybe with more lines of HTML and a link (its words and where it leads), which nobody
    keeps."""
    anchor = f'<p><a href="{escape(link[1])}">{escape(link[0])}</a></p>' if link else ""
    lines = "".join(f"<p>{line}</p>" for line in more)
    answer = Response(PAGE.format(title=escape(title), text=escape(text), more=lines, link=anchor), status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def crash_answer(error: Exception) -> Response | HTTPException:
    """Anything unforeseen: the log has the place, the answer only the id to find it by."""
    return error if isinstance(error, HTTPException) else error_answer(explain(error))
