"""What a person pasted reaches its route whole."""

from __future__ import annotations

import json

from werkzeug.routing import Map, Rule

from api.converters import LinkConverter


def test_a_state_of_many_lines_with_slashes_is_one_part_of_an_address() -> None:
    routes = Map([Rule("/cells/<link:text>", endpoint="cell")], converters={"link": LinkConverter})
    state = json.dumps({"layers": [{"source": "graphene://https://x/y", "segments": ["1"]}]}, indent=2)
    assert routes.bind("x").match(f"/cells/{state}") == ("cell", {"text": state})
