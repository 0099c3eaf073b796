"""Figures as plotly's own objects, to be looked at in tests."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import plotly.graph_objects as go

from components.figures.template import Figure


def drawn(figure: Figure) -> go.Figure:
    """The same figure, with packed numbers unpacked; plotly looks at every property and raises for a wrong one."""
    return go.Figure(_unpacked(figure))


def _unpacked(part: Any) -> Any:
    if isinstance(part, dict):
        if "bdata" in part:
            return np.frombuffer(base64.b64decode(part["bdata"]), part["dtype"])
        return {name: _unpacked(value) for name, value in part.items()}
    return [_unpacked(value) for value in part] if isinstance(part, list) else part
