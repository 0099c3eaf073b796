"""The API as its OpenAPI document has it: each example is right, and nothing that fits or does not fit breaks it."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis.errors import Unsatisfiable
from jsonschema import Draft202012Validator
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from tests.fuzz.cases import tries

Operation = tuple[str, str, dict[str, Any]]


@pytest.fixture(scope="module")
def document(client: FlaskClient) -> dict[str, Any]:
    answer = client.get("/api/v1/openapi.json")
    assert answer.json is not None
    return answer.json


@pytest.fixture(scope="module")
def operations(document: dict[str, Any]) -> list[Operation]:
    return [(path, method, one) for path, methods in document["paths"].items() for method, one in methods.items()]


def test_every_route_is_in_the_document(application: Flask, operations: list[Operation]) -> None:
    rules = [rule for rule in application.url_map.iter_rules() if rule.rule.startswith("/api/v1/")]
    addresses = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in rules
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert len(addresses) > 20
    assert {(path, method) for path, method, _ in operations} == addresses


def test_it_is_openapi_3_1(document: dict[str, Any], operations: list[Operation]) -> None:
    assert document["openapi"].startswith("3.1.")
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    names = [one["operationId"] for _, _, one in operations]
    assert len(set(names)) == len(names)
    assert all(len(one["summary"]) > 10 for _, _, one in operations)


@pytest.fixture(scope="module")
def job(client: FlaskClient, document: dict[str, Any]) -> str:
    """The id of a reading as a job; the document knows none."""
    query = {"pre": "aibs_metamodel_celltypes_v661: cell_type = BPC", "proofread": "off", "job": "on"}
    answer = client.get("/api/v1/karst_demo/latest/populations/edges", query_string=query)
    assert answer.status_code == 202, answer.text
    assert answer.json is not None
    path = "/api/v1/{datastack}/{version}/populations/edges"
    described = document["paths"][path]["get"]["responses"]["202"]
    assert set(described["headers"]) <= set(answer.headers.keys())
    schema = described["content"]["application/json"]["schema"] | {"components": document["components"]}
    Draft202012Validator(schema).validate(answer.json)
    return str(answer.json["job"]["id"])


def ask(client: FlaskClient, path: str, method: str, one: dict[str, Any], job: str) -> Any:
    """The answer to the example of an operation."""
    known = {part["name"]: part["example"] for part in one["parameters"] if "example" in part}
    places = re.findall(r"{(\w+)}", path)
    known |= {"job": job} if "job" in places else {}
    assert set(places) <= set(known), "an example of each part of the address"
    address = re.sub(r"{(\w+)}", lambda match: quote(known[match[1]], safe=""), path)
    query = {name: value for name, value in known.items() if name not in places}
    body = one["requestBody"]["content"]["application/json"]["example"] if "requestBody" in one else None
    return client.open(f"{address}?{urlencode(query, doseq=True)}", method=method.upper(), json=body)


def test_examples_are_answered_as_the_document_says(
    client: FlaskClient, document: dict[str, Any], operations: list[Operation], job: str
) -> None:
    for path, method, one in operations:
        answer = ask(client, path, method, one, job)
        assert answer.status_code == 200, (path, answer.text[:500])
        kind = answer.content_type.partition(";")[0]
        described = {name.partition(";")[0]: content for name, content in one["responses"]["200"]["content"].items()}
        assert kind in described, path
        if kind == "application/json":
            schema = described[kind]["schema"] | {"components": document["components"]}
            Draft202012Validator(schema).validate(answer.json)


def test_provenance_alone_is_answered_as_the_document_says(
    client: FlaskClient, document: dict[str, Any], operations: list[Operation], job: str
) -> None:
    files = [each for each in operations if any(part["name"] == "head" for part in each[2]["parameters"])]
    assert len(files) > 10
    for path, method, one in files:
        only = one | {
            "parameters": [part | {"example": "only"} if part["name"] == "head" else part for part in one["parameters"]]
        }
        answer = ask(client, path, method, only, job)
        assert answer.status_code == 200, (path, answer.text[:500])
        assert "columns" not in answer.json
        schema = one["responses"]["200"]["content"]["application/json"]["schema"]
        Draft202012Validator(schema | {"components": document["components"]}).validate(answer.json)


def test_the_page_shows_every_route_and_its_examples_lead_somewhere(
    client: FlaskClient, operations: list[Operation]
) -> None:
    page = client.get("/api/v1/reference").text
    for path, method, one in operations:
        assert f"{method.upper()} {path}</code>" in page
        assert f'id="{one["operationId"]}"' in page
    links = [link.replace("&amp;", "&") for link in re.findall(r'href="(/api/[^"]+)"', page)]
    assert len(links) > 15
    assert {client.get(link).status_code for link in links} == {200}


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_anything(mode: GenerationMode, application: Flask, mistakes: list[str]) -> None:
    """What fits the document, and what does not."""
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application)
    tried = 0
    for match in schema.get_all_operations():
        operation = match.ok()
        tried += 1

        @tries(10)
        @given(case=operation.as_strategy(generation_mode=mode))
        def send(case: Case) -> None:
            checks = [not_a_server_error, content_type_conformance, response_schema_conformance]
            case.call_and_validate(checks=checks, headers={"Accept-Encoding": "identity"})
            assert not mistakes, mistakes.pop()

        with suppress(Unsatisfiable):  # everything fits a route without parameters
            send()
    assert tried > 15
