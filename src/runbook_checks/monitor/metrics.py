"""The monitor's metrics for Prometheus: its last round, open incidents, waiting messages."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from runbook_checks.config.addresses import NO_ADDRESS, is_address
from runbook_checks.monitor.http_request import request
from runbook_checks.monitor.outbox import waiting
from runbook_checks.reports.metrics import Family, as_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runbook_checks.monitor.store import Store
    from runbook_checks.reports.metrics import Sample

ROUND_AT = Family("runbook_checks_monitor_round_timestamp_seconds", "When the last round began.", ("environment",))
TROUBLE = Family(
    "runbook_checks_monitor_trouble", "1 if the monitor itself failed in the last round.", ("environment",)
)
WAITING = Family(
    "runbook_checks_monitor_deliveries_waiting", "Deliveries that a channel has not accepted yet.", ("environment",)
)
OPEN_SINCE = Family(
    "runbook_checks_monitor_incident_start_timestamp_seconds",
    "When an open incident began, whether alerted or acknowledged.",
    ("environment", "system", "symptom", "subject", "severity", "acknowledged"),
)
FAMILIES = (ROUND_AT, TROUBLE, WAITING, OPEN_SINCE)


def of_round(store: Store, environment: str, at: float, *, is_in_trouble: bool) -> str:
    """The monitor's own metrics after a round."""
    return as_text(_samples(store, environment, at, is_in_trouble))


def _samples(store: Store, environment: str, at: float, is_in_trouble: bool) -> Iterator[Sample]:
    yield ROUND_AT, (environment,), at
    yield TROUBLE, (environment,), float(is_in_trouble)
    yield WAITING, (environment,), float(waiting(store))
    for row in store.rows("SELECT * FROM incident WHERE ended IS NULL"):
        acknowledged = "true" if row["acknowledged"] else "false"
        labels = (environment, row["system"], row["symptom"], row["subject"], row["severity"], acknowledged)
        yield OPEN_SINCE, labels, row["began"]


def push(address: str, environment: str, text: str, proxy: str | None = None) -> None:
    """Replace the last round's metrics on a Pushgateway; OSError where that fails."""
    if not is_address(address):
        raise OSError(f"the Pushgateway's address {NO_ADDRESS}")
    group = f"{address.rstrip('/')}/metrics/job/runbook_checks/environment/{quote(environment, safe='')}"
    headers = {"Content-Type": "text/plain; version=0.0.4"}
    request("PUT", group, headers, body=text.encode(), proxy=proxy)
