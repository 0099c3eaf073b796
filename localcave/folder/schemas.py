"""JSON schemas of annotation types, as CAVE's schema service gives them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any


@cache
def schemas() -> dict[str, Any]:
    """`all_types`: names; `definitions`: JSON schema by name."""
    content: dict[str, Any] = json.loads(Path(__file__).with_suffix(".json").read_text())
    return content
