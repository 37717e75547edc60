"""Errors in the runtime's log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from runbook_checks_lab.faults.reverseai import fault, system
from runbook_checks_lab.reverseai.log import BACKGROUND, errors

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab

NEW = "sandbox worker lost: cannot allocate memory"


def _log(lab: Lab, message: str, times: int, every_s: float) -> Iterator[None]:
    with system(lab).loki.with_lines({"service": "runtime"}, errors(message, times, every_s)):
        yield


@fault("logs.errors", cause="new-error")
def new_error(lab: Lab) -> Iterator[None]:
    yield from _log(lab, NEW, 14, 20)


@fault("logs.errors", cause="error-surge")
def known_error_surges(lab: Lab) -> Iterator[None]:
    yield from _log(lab, BACKGROUND, 60, 4)
