"""Checks what a browser sends to a callback before the callback runs.

A callback names its inputs in its decorator and their types in its signature; both are read here. A request that does
not fit them is answered with status 400 and a sentence. The pages themselves never send such a request.
"""

from __future__ import annotations

import inspect
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NotRequired, TypeAlias, cast, get_type_hints

import dash
from dash.exceptions import DependencyException
from flask import Response, jsonify, request
from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict
from werkzeug.exceptions import MethodNotAllowed, NotFound

from services.core.errors import BadInput
from services.core.json_text import read_json

log = logging.getLogger("karst.callbacks")

Id: TypeAlias = str | dict[str, str]
ANY_OF = (["MATCH"], ["ALL"])


class Item(TypedDict):
    """A property of a component, and its value."""

    id: Id
    property: str
    value: NotRequired[Any]


Items: TypeAlias = list[Item | list[Item]]


class Body(TypedDict):
    """What Dash sends to run a callback."""

    output: str
    outputs: NotRequired[Item | Items]
    inputs: Items
    state: NotRequired[Items]
    changedPropIds: list[str]


BODY = TypeAdapter(Body)
ITEM = TypeAdapter(Item)


@dataclass(frozen=True)
class Part:
    """An input, a state or an output in the decorator of a callback; its id may be a pattern."""

    id: Id | dict[str, Any]
    name: str

    @property
    def many(self) -> bool:
        """Whether the pattern stands for a list of components."""
        return isinstance(self.id, dict) and ["ALL"] in self.id.values()

    def check(self, sent: Item | list[Item]) -> list[Item]:
        """The items that were sent for this part. Raises BadInput where they do not fit it."""
        items = sent if isinstance(sent, list) else [sent]
        if isinstance(sent, list) != self.many or not all(map(self._fits, items)):
            raise _misfit(f"what is sent for {self.name}")
        return items

    def _fits(self, item: Item) -> bool:
        if item["property"] != self.name:
            return False
        if self.name == "id" and item.get("value") != item["id"]:
            return False
        if isinstance(self.id, str) or isinstance(item["id"], str):
            return self.id == item["id"]
        return self.id.keys() == item["id"].keys() and all(
            pattern in ANY_OF or pattern == item["id"][name] for name, pattern in self.id.items()
        )


@dataclass(frozen=True)
class Signature:
    """What may be sent to a callback: its parts, and the types of the values of its inputs and states. For several
    outputs (`is_list`) Dash sends a list."""

    is_list: bool
    outputs: tuple[Part, ...]
    inputs: tuple[Part, ...]
    state: tuple[Part, ...]
    values: TypeAdapter[tuple[Any, ...]]

    @classmethod
    def of(cls, name: str, registered: Mapping[str, Any]) -> Signature:
        """The signature of the entry called `name` in Dash's map of callbacks."""
        inputs, state = (tuple(map(_part, registered[name])) for name in ("inputs", "state"))
        function = inspect.unwrap(registered["callback"])
        hints, parameters = get_type_hints(function, include_extras=True), inspect.signature(function).parameters
        named = [name for name, parameter in parameters.items() if parameter.kind is parameter.POSITIONAL_OR_KEYWORD]
        types = [hints.get(name, str) for name in named]  # those of Dash's own callback for pages have no types
        output = registered["output"]
        listed = output if isinstance(output, list | tuple) else [output]
        parts = name.strip(".").split("...")
        properties = [part.rpartition(".")[2] for part in parts]  # with the mark of shared ones
        ids = [output_part.component_id_str() for output_part in listed]
        outputs = tuple(
            _part({"id": id, "property": property_name}) for id, property_name in zip(ids, properties, strict=True)
        )
        adapter: TypeAdapter[Any] = TypeAdapter(cast("Any", tuple).__class_getitem__(tuple(types)))
        return cls(name.startswith(".."), outputs, inputs, state, adapter)

    def check(self, body: Body) -> bool:
        """Whether the callback has to run: it does not where every component that changed has left the page meanwhile.
        Raises BadInput where the body of a request does not fit the callback."""
        sent = body.get("outputs", [])
        outputs = _each(self.outputs, sent if self.is_list and isinstance(sent, list) else [cast("Any", sent)])
        inputs, state = _each(self.inputs, body["inputs"]), _each(self.state, body.get("state", []))
        parts, items = (*self.outputs, *self.inputs, *self.state), [*outputs, *inputs, *state]
        _check_matches(parts, items)
        changed, present = set(body["changedPropIds"]), {_name(item) for listed in inputs for item in listed}
        if not all(map(self._may_be_gone, changed - present)):
            raise _misfit("what is said to have changed")
        values = [
            [item.get("value") for item in listed] if part.many else listed[0].get("value")
            for part, listed in zip((*self.inputs, *self.state), [*inputs, *state], strict=True)
        ]
        self.values.validate_python(tuple(values), strict=True)
        return not changed or bool(changed & present)

    def _may_be_gone(self, name: str) -> bool:
        """Whether a property belongs to a list of components, which may have been redrawn since the property
        changed."""
        id, _, property = name.rpartition(".")
        try:
            item = ITEM.validate_python({"id": read_json(id.encode()), "property": property}, strict=True)
        except (BadInput, ValidationError):
            return False
        return any(part.many and part._fits(item) for part in self.inputs)


def install(app: dash.Dash) -> None:
    """Checks every request for a callback of `app` before Dash handles it."""
    # raised for a script file of components that does not exist
    app.server.register_error_handler(DependencyException, lambda _: NotFound())
    path = app.get_relative_path("/_dash-update-component")
    signature = cache(lambda output: Signature.of(output, app.callback_map[output]))

    @app.server.before_request
    def check() -> Response | None:
        if request.path != path:
            return None
        if request.method not in ("POST", "OPTIONS"):
            raise MethodNotAllowed(["POST"])
        return _answer(request.get_data(), app.callback_map, signature)


def _answer(
    data: bytes, callbacks: Mapping[str, Mapping[str, Any]], signature: Callable[[str], Signature]
) -> Response | None:
    """The response instead of running one of `callbacks`; None where the request fits the callback."""
    try:
        body = BODY.validate_python(read_json(data), strict=True)
        if "callback" not in callbacks.get(body["output"], {}):
            raise _misfit("the name of the callback")
        return None if signature(body["output"]).check(body) else Response(status=204)
    except ValidationError as error:
        return _refused(_misfit(_where(error)))
    except BadInput as error:
        return _refused(error)


def _refused(error: BadInput) -> Response:
    log.warning("a callback was refused: %s", error.message)
    answer = jsonify({"error": error.to_dict()})
    answer.status_code = error.status
    return answer


def _misfit(reason: str) -> BadInput:
    return BadInput(f"This request is not one that Karst's pages make: {reason} does not fit.", "Reload the page.")


def _where(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])[:80]
    return f"{place or 'the body'} ({first['msg'][:80]})"


def _part(named: Mapping[str, Any]) -> Part:
    id = named["id"]
    return Part(json.loads(id) if id.startswith("{") else id, named["property"])


def _each(parts: Sequence[Part], sent: Items) -> list[list[Item]]:
    if len(parts) != len(sent):
        raise _misfit("the number of values")
    return [part.check(value) for part, value in zip(parts, sent, strict=True)]


def _check_matches(parts: Sequence[Part], items: Sequence[Sequence[Item]]) -> None:
    """Raises BadInput unless MATCH has one value in all parts, and lists of equal patterns have the same components."""
    matched: dict[str, str] = {}
    listed: dict[str, list[Id]] = {}
    for part, sent in zip(parts, items, strict=True):
        if not isinstance(part.id, dict):
            continue
        for name in (name for name, pattern in part.id.items() if pattern == ["MATCH"]):
            if any(matched.setdefault(name, item["id"][name]) != item["id"][name] for item in sent):  # type: ignore[index]
                raise _misfit(f"{name} of an id")
        ids = [item["id"] for item in sent]
        if part.many and listed.setdefault(json.dumps(part.id, sort_keys=True), ids) != ids:
            raise _misfit("a list of components")


def _name(item: Item) -> str:
    id = item["id"]
    id_text = id if isinstance(id, str) else json.dumps(id, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"{id_text}.{item['property']}"
