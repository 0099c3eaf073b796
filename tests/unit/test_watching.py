"""What Prometheus and Grafana are told to watch is there, and what an alert means is in the guide."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml
from prometheus_client import Counter, Histogram
from prometheus_client.metrics import MetricWrapperBase

from services.core import metrics
from services.core.settings import Settings
from tests.servers import ROOT

DEPLOY = ROOT / "deploy"
ALERTS = (DEPLOY / "alerts.yml").read_text()
RULES: list[dict[str, str]] = yaml.safe_load(ALERTS)["groups"][0]["rules"]
BOARD: dict[str, Any] = json.loads((DEPLOY / "grafana" / "boards" / "karst.json").read_text())
COMPOSE = (ROOT / "compose.yaml").read_text()
QUERIES = [
    *(target["expr"] for panel in BOARD["panels"] for target in panel["targets"]),
    *(rule["expr"] for rule in RULES),
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
    assert rows == [rule["alert"] for rule in RULES]


def test_what_compose_mounts_is_there() -> None:
    mounted = re.findall(r"- \"?(\./[\w./-]+):|\[\"(\./[\w./-]+):", COMPOSE)
    paths = [first or second for first, second in mounted]
    assert len(paths) >= 5
    assert all((ROOT / path).exists() for path in paths)


def test_a_read_only_container_can_write_where_its_home_is() -> None:
    home = re.findall(r"^ENV .*\bHOME=(\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    services: dict[str, Any] = yaml.safe_load(COMPOSE)["services"]
    read_only = [service for service in services.values() if service.get("read_only")]
    assert len(home) == 1 and len(read_only) >= 3
    assert all(home[0] in service["tmpfs"] for service in read_only)


def test_the_image_holds_no_settings_or_secrets_of_whoever_builds_it() -> None:
    left_out = (ROOT / ".dockerignore").read_text().split()
    assert {".env", ".data", ".git"} <= set(left_out)


def test_the_proxy_asks_again_where_applications_are_that_compose_makes_anew() -> None:
    environ: dict[str, str] = yaml.safe_load(COMPOSE)["services"]["proxy"]["environment"]
    template = (DEPLOY / "nginx.conf.template").read_text()
    assert environ["KARST_A"] == "karst-a:8050 resolve" and environ["KARST_B"] == "karst-b:8050 resolve"
    assert environ["NGINX_ENTRYPOINT_LOCAL_RESOLVERS"]  # or the image leaves the resolver of the template empty
    assert "resolver ${NGINX_LOCAL_RESOLVERS} " in template and "zone " in template
    assert set(re.findall(r"\$\{(\w+)\}", template)) - set(environ) == {"NGINX_LOCAL_RESOLVERS"}


def test_everything_of_compose_starts_again_when_it_has_failed() -> None:
    services: dict[str, Any] = yaml.safe_load(COMPOSE)["services"]
    assert [name for name, service in services.items() if service.get("restart") != "unless-stopped"] == []


def test_compose_hands_every_setting_of_its_env_file_to_what_runs_karst() -> None:
    kept = {
        "CAVE_TOKEN": "abc",
        "CAVE_SERVER_ADDRESS": "https://cave.example.org",
        "KARST_SECRET_KEY": "k",
        "PORT": "80",
    }
    kept |= {"KARST_SERVERS": "fly=https://fly.example.org", "KARST_MEMORY_MB": "300"}
    filled = re.sub(r"\$\{(\w+)(?::[-?]([^}]*))?\}", lambda match: kept.get(match[1], match[2] or ""), COMPOSE)
    services: dict[str, Any] = yaml.safe_load(filled)["services"]
    for name in ("karst-a", "karst-b", "worker"):
        service = services[name]
        assert service["env_file"] == [{"path": ".env", "required": False}]
        assert not (service["read_only"] and "secrets" in service)  # compose refuses to write one that is not a file
        environ = kept | {variable: str(value) for variable, value in service["environment"].items()}
        settings = Settings.from_env(environ)
        assert (settings.token, settings.memory_bytes, settings.cache) == ("abc", 300 * 2**20, "redis://redis:6379/0")
        assert (len(settings.servers), settings.host, environ["PORT"]) == (2, "0.0.0.0", "8050")
    assert services["proxy"]["ports"] == ["80:8080"]
