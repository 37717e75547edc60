"""The body of a check: the function that pytest would call, run in a thread and within a deadline."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from inspect import iscoroutine
from typing import TYPE_CHECKING, Any

from runbook_checks.plugin.selection import symptom_of, system_of
from runbook_checks.probes.core.deadline import Deadline, current
from runbook_checks.probes.core.reading import NoReading, Reading, journal

if TYPE_CHECKING:
    from runbook_checks.config.run import Run

GRACE_S = 0.5  # for what the deadline closes to come to an end by itself


class Body:
    """One check's body: what it is to run, and once it ran, how that went."""

    def __init__(self, item: Any, run: Run) -> None:
        text = run.systems[system_of(item)].symptoms[symptom_of(item) or ""]
        self.item = item
        self.system = system_of(item)
        self.deadline_s = text.deadline_s or run.systems[self.system].settings.deadline_s
        self.alone = bool(item.function.alone)
        self.started = 0.0
        self.duration_s = 0.0
        self.readings: list[Reading] = []
        self.error: BaseException | None = None
        self.done = threading.Event()
        self._lock = threading.Lock()

    def call(self) -> None:
        """Run in this thread, within the deadline."""
        self.started, begun = time.time(), time.monotonic()
        deadline, last = Deadline(self.deadline_s), Deadline(self.deadline_s + GRACE_S)
        readings: list[Reading] = []
        with ExitStack() as stack:
            # The first closes what the body has open; the second gives up a body that ignores that.
            stack.enter_context(deadline.on_expiry(lambda: None))
            stack.enter_context(last.on_expiry(lambda: self._finish(readings, begun, self._overdue())))
            current.set(deadline)
            journal.set(readings)
            try:
                _require_nothing(self.item.obj(**self.item.callspec.params))
            except BaseException as error:
                self._finish(readings, begun, error)
            else:
                self._finish(readings, begun, None)

    def _overdue(self) -> NoReading:
        return NoReading("", f"the check came to no end within {self.deadline_s:g} s", kind="deadline")

    def _finish(self, readings: list[Reading], begun: float, error: BaseException | None) -> None:
        with self._lock:
            if not self.done.is_set():
                self.duration_s = time.monotonic() - begun
                self.readings, self.error = list(readings), error
                self.done.set()


def _require_nothing(returned: object) -> None:
    """A check that returns something has not looked as it meant to: a coroutine or a generator has not even begun."""
    if iscoroutine(returned):
        returned.close()
    if returned is not None:
        kind = type(returned).__name__
        raise TypeError(f"it returned a {kind}; a check is an ordinary function that returns nothing or raises Found")
