"""The OpenAPI document of the API, and a page that shows it. Both are made from what routes say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias
from urllib.parse import urlencode

from flask import Flask, Response, current_app, jsonify, render_template
from pydantic import TypeAdapter

from api import shapes
from api.documented import Documented, documented
from api.routes import blueprint
from services.cave.context import cave
from services.core.errors import KarstError
from services.tables import examples, facets, live, tables
from services.tables.export import MIME

Json: TypeAlias = dict[str, Any]
REF = "#/components/schemas/{model}"
PLACES = {
    "datastack": "A datastack of /datastacks.",
    "version": "The number of a version, latest, live, or a time in ISO 8601.",
    "table": "A table or view of the version.",
    "job": "The id of a job, of the answer that started it.",
    "cell": "A root, nucleus or supervoxel id, a position, or a Neuroglancer link; several ids by commas or blanks.",
}


@blueprint.get("/openapi.json")
@documented(dict)
def openapi() -> Response:
    """This document."""
    return jsonify(document(current_app, _samples()))


@blueprint.get("/reference")
@documented("text/html")
def reference() -> Response:
    """The same as a page."""
    return Response(render_template("reference.html", document=document(current_app, _samples()), address=_address))


def document(app: Flask, samples: Mapping[str, str]) -> Json:
    """The OpenAPI 3.1 document of the routes of `app`. `places` are examples of parts of their addresses."""
    types: dict[str, type] = {"ErrorAnswer": shapes.ErrorAnswer, "Provenance": shapes.Provenance}
    paths: dict[str, Json] = {}
    for path, method, name, described in _routes(app):
        paths.setdefault(path, {}).setdefault(method, _operation(path, name, described, samples, app))
        kinds = (described.answer, described.body)
        types |= {kind.__name__: kind for kind in kinds if isinstance(kind, type) and kind is not dict}
    _, schemas = TypeAdapter.json_schemas(
        [(name, "serialization", TypeAdapter(kind)) for name, kind in types.items()], ref_template=REF
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Karst",
            "version": "1",
            "description": "Cell types and connectivity, as the pages show them.",
        },
        "paths": paths,
        "components": {"schemas": schemas["$defs"]},
    }


def _routes(app: Flask) -> Iterator[tuple[str, str, str, Documented]]:
    """Path, method, name and description of each route; of those that differ only in how a cell is named, the first."""
    rules = sorted(app.url_map.iter_rules(), key=lambda rule: ("<link:" in rule.rule, rule.rule))
    for rule in rules:
        marked = getattr(app.view_functions[rule.endpoint], "documented", None)
        if marked is not None:
            path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
            method = next(verb for verb in ("POST", "DELETE", "GET") if verb in (rule.methods or ()))
            yield path, method.lower(), rule.endpoint, marked


def _operation(path: str, endpoint: str, described: Documented, samples: Mapping[str, str], app: Flask) -> Json:
    words = " ".join((app.view_functions[endpoint].__doc__ or "").split())
    shown = {name: _filled(value, samples) for name, value in described.examples.items()}
    parameters = [
        _parameter(name, "path", (str, PLACES[name]), samples.get(name)) for name in re.findall(r"{(\w+)}", path)
    ]
    parameters += [
        _parameter(name, "query", parameter, shown.get(name)) for name, parameter in described.parameters.items()
    ]
    failed = {"description": "What went wrong.", "content": _content("application/json", _ref(shapes.ErrorAnswer))}
    operation: Json = {
        "operationId": endpoint.rpartition(".")[2],
        "summary": words,
        "parameters": parameters,
        "responses": {"200": {"description": "The answer.", "content": _answers(described)}, "default": failed},
    }
    if "job" in described.parameters:
        header = {"description": "The address of the job.", "schema": {"type": "string"}}
        content = _content("application/json", _ref(shapes.JobAnswer))
        later = {"description": "It takes long, and is a job.", "headers": {"Location": header}, "content": content}
        operation["responses"]["202"] = later
    if described.body:
        body = {"schema": _ref(described.body), "example": shown}
        operation["requestBody"] = {"required": True, "content": {"application/json": body}}
    return operation


def _answers(described: Documented) -> Json:
    if isinstance(described.answer, str):
        return _content(described.answer, {"type": "string"})
    schema = {"type": "object"} if described.answer is dict else _ref(described.answer)
    if "head" in described.parameters:
        schema = {"anyOf": [schema, _ref(shapes.Provenance)]}
    files: Json = {kind: {} for name, kind in MIME.items() if name != "json"} if described.is_file else {}
    return _content("application/json", schema) | files


def _parameter(name: str, place: str, described: tuple[Any, str], example: Any) -> Json:
    kind, words = described
    example_field = {} if example is None else {"example": [example] if kind == list[str] else example}
    schema = TypeAdapter(kind).json_schema()
    if kind is int:
        schema |= {"minimum": 0}
    return {
        "name": name,
        "in": place,
        "required": place == "path",
        "description": words,
        "schema": schema,
        **example_field,
    }


def _content(kind: str, schema: Json) -> Json:
    return {kind: {"schema": schema}}


def _ref(kind: type) -> Json:
    return {"$ref": REF.format(model=kind.__name__)}


def _filled(value: str, samples: Mapping[str, str]) -> str:
    return re.sub(r"{(\w+)}", lambda match: samples.get(match[1], ""), value)


def _samples() -> dict[str, str]:
    """A table with two columns of few values, a cell and an older version; the datastack alone where there are none."""
    datastack = cave().settings.datastack
    samples = {"datastack": datastack, "version": "latest"}
    try:
        release = live.resolve(cave(), datastack, "latest")
        table = next(info.name for info in tables.catalogue(release) if info.kind == "table")
        (cell, _), (other, _) = examples.cells(release, 2)
        left, right, *_ = facets.known_values(tables.open_table(release, table))
        older = next(
            version.number
            for version in cave().versions(datastack)
            if version.valid and version.number < release.number
        )
    except (KarstError, LookupError, ValueError, StopIteration):
        return samples
    return samples | {
        "table": table,
        "cell": str(cell),
        "other": str(other),
        "older": str(older),
        "left": left,
        "right": right,
    }


def _address(path: str, operation: Mapping[str, Any]) -> str:
    """The address of the example of a route that is asked by GET; "" while there is none."""
    examples_of = {parameter["name"]: parameter for parameter in operation["parameters"] if "example" in parameter}
    if any(name not in examples_of for name in re.findall(r"{(\w+)}", path)):
        return ""
    query = {name: parameter["example"] for name, parameter in examples_of.items() if parameter["in"] == "query"}
    return re.sub(r"{(\w+)}", lambda match: str(examples_of[match[1]]["example"]), path) + (
        f"?{urlencode(query, doseq=True)}" if query else ""
    )
