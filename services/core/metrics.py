"""What is counted and timed for Prometheus. Label values come from the code, never from what was typed.

With `PROMETHEUS_MULTIPROC_DIR` set before this is imported, processes count into files of that folder, and :func:`text`
adds up all of them.
"""

from __future__ import annotations

import os

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest, multiprocess

BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)

REQUEST_SECONDS = Histogram(
    "karst_request_seconds",
    "Time to answer a request, by route or callback, and status.",
    ["route", "status"],
    buckets=BUCKETS_S,
)
QUESTION_SECONDS = Histogram(
    "karst_cave_question_seconds",
    "Time that a question to CAVE took, by kind of question and outcome.",
    ["question", "outcome"],
    buckets=BUCKETS_S,
)
CAVE_REQUESTS = Counter("karst_cave_requests", "HTTP requests to CAVE.")
CAVE_BYTES = Counter("karst_cave_received_bytes", "Bytes of CAVE's answers.")
CAVE_OPENED = Counter(
    "karst_cave_circuit_opened", "Times that a service of CAVE had failed too often in a row to be asked.", ["service"]
)
CAVE_SPARED = Counter(
    "karst_cave_circuit_refused", "Requests that were not sent to a service of CAVE that does not answer.", ["service"]
)
CACHE_ANSWERS = Counter(
    "karst_cache_answers",
    "Answers by where they came from: memory, store, waited (another caller's), loaded.",
    ["source"],
)


def text() -> bytes:
    """The metrics of all processes, in Prometheus' text format."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)
    return generate_latest(registry)
