"""The body of a check: its function, run in a thread with a deadline."""

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

GRACE_S = 0.5  # after the deadline closes connections, the body has this long to end by itself


class Body:
    """The body of one check, and its outcome once it has run."""

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
        """Run in this thread with the deadline."""
        self.started, begun = time.time(), time.monotonic()
        deadline, last = Deadline(self.deadline_s), Deadline(self.deadline_s + GRACE_S)
        readings: list[Reading] = []
        with ExitStack() as stack:
            # The first closes the body's connections; the second abandons a body that continues anyway.
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
        return NoReading("", f"check timed out after {self.deadline_s:g} s", kind="deadline")

    def _finish(self, readings: list[Reading], begun: float, error: BaseException | None) -> None:
        with self._lock:
            if not self.done.is_set():
                self.duration_s = time.monotonic() - begun
                self.readings, self.error = list(readings), error
                self.done.set()


def _require_nothing(returned: object) -> None:
    """TypeError for a check that returns a value: the body of a coroutine or a generator has not run."""
    if iscoroutine(returned):
        returned.close()
    if returned is not None:
        kind = type(returned).__name__
        raise TypeError(f"the check returned a {kind}; a check is a function that returns nothing or raises Found")
