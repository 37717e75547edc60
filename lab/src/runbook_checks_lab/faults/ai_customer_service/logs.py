"""Errors in the service's log."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from runbook_checks_lab.customer_service.logfile import BACKGROUND
from runbook_checks_lab.faults.ai_customer_service import fault

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab

NEW = "assign ticket: runtime error: invalid memory address or nil pointer dereference"


def _log(lab: Lab, message: str, times: int, every_s: float) -> Iterator[None]:
    now = time.time()
    entries = [(now - 3 - every_s * k, "ERROR", message) for k in range(times)]
    lab.customer_service.log.insert(entries)
    yield
    lab.customer_service.log.remove(entries)


@fault("logs.errors", cause="new-error")
def new_error(lab: Lab) -> Iterator[None]:
    yield from _log(lab, NEW, 12, 20)


@fault("logs.errors", cause="error-surge")
def known_error_surges(lab: Lab) -> Iterator[None]:
    yield from _log(lab, BACKGROUND, 60, 4)
