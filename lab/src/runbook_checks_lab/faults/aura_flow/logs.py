"""Errors and slow requests in the back end's log."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from runbook_checks_lab.aura_flow.logfile import BACKGROUND, error, request
from runbook_checks_lab.faults.aura_flow import fault

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab

NEW = "Error: timeout exceeded when trying to connect to the database"


@fault("logs.errors", cause="new-error")
def new_error(lab: Lab) -> Iterator[None]:
    now = time.time()
    with lab.aura_flow.log.with_events(error(now - 3 - 20 * k, NEW) for k in range(12)):
        yield


@fault("logs.errors", cause="error-surge")
def known_error_surges(lab: Lab) -> Iterator[None]:
    now = time.time()
    with lab.aura_flow.log.with_events(error(now - 3 - 6 * k, BACKGROUND) for k in range(60)):
        yield


@fault("logs.slow-requests", cause="slow-endpoint")
def an_address_takes_seconds(lab: Lab) -> Iterator[None]:
    now = time.time()
    with lab.aura_flow.log.with_events(request(now - 5 - 30 * k, "/api/insights", 7321 + k) for k in range(4)):
        yield
