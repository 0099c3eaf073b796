"""What Prometheus and Grafana are told to watch is there, and what an alert means is in the guide."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from prometheus_client import Counter, Histogram
from prometheus_client.metrics import MetricWrapperBase

from services.core import metrics
from tests.servers import ROOT

DEPLOY = ROOT / "deploy"
ALERTS = (DEPLOY / "alerts.yml").read_text()
BOARD: dict[str, Any] = json.loads((DEPLOY / "grafana" / "boards" / "karst.json").read_text())
QUERIES = [
    *(target["expr"] for panel in BOARD["panels"] for target in panel["targets"]),
    *re.findall(r"expr: (.*)", ALERTS),
]
OF_PROMETHEUS = {"up": {"job"}}


def known() -> dict[str, set[str]]:
    """The names of all series that `/metrics` may have, with their labels."""
    series = dict(OF_PROMETHEUS)
    for one in vars(metrics).values():
        if isinstance(one, MetricWrapperBase):
            labels = set(one._labelnames)
            if isinstance(one, Counter):
                series[f"{one._name}_total"] = labels
            elif isinstance(one, Histogram):
                series |= {f"{one._name}_bucket": labels | {"le"}, f"{one._name}_count": labels}
    return series


@pytest.mark.parametrize("query", QUERIES)
def test_every_series_and_label_is_one_of_the_metrics(query: str) -> None:
    series = known()
    names = re.findall(r"\b(up|karst_\w+)", query)
    assert names
    for name in names:
        assert name in series
        assert set(re.findall(r"(\w+)(?:=|!~)", query)) <= series[name]
        assert set(re.findall(r"\w+", " ".join(re.findall(r"by \(([^)]*)\)", query)))) <= series[name]


def test_the_board_shows_every_metric() -> None:
    shown = " ".join(QUERIES)
    counted = [one._name for one in vars(metrics).values() if isinstance(one, MetricWrapperBase)]
    assert [name for name in counted if name not in shown] == []


def test_what_each_alert_means_is_in_the_guide() -> None:
    guide = (ROOT / "docs" / "operator-guide.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| [^|]{20,} \| [^|]{20,} \|$", guide.partition("### Alerts")[2], re.MULTILINE)
    assert rows == re.findall(r"alert: (\w+)", ALERTS)


def test_what_compose_mounts_is_there() -> None:
    mounted = re.findall(r"- \"?(\./[\w./-]+):|\[\"(\./[\w./-]+):", (ROOT / "compose.yaml").read_text())
    paths = [first or second for first, second in mounted]
    assert len(paths) >= 5
    assert all((ROOT / path).exists() for path in paths)
