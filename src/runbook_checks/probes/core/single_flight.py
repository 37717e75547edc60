"""Deduplicate concurrent readings: the first caller reads, later callers wait for its result."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from runbook_checks.probes.core.deadline import Deadline, current
from runbook_checks.probes.core.reading import NoReading, Reading, journal

T = TypeVar("T")
DEFAULT_TIMEOUT_S = 60.0  # of a caller outside a check, which has no deadline
MIN_RETRY_S = 0.1  # do not start a retry with less time than this before the deadline


@dataclass
class _Flight:
    """A reading in progress or finished: its value, or the error that it raised; neither if it was interrupted."""

    done: threading.Event = field(default_factory=threading.Event)
    value: Any = None
    error: Exception | None = None
    entries: list[Reading] = field(default_factory=list)


class Shared:
    """Cache of readings by key; a NoReading is cached like a value.

    The first caller runs `make` in its own thread, under its own deadline. The others wait, each no longer than its own
    deadline. If the first caller's deadline ends the reading, the result does not describe the far end: it is dropped,
    and one of the waiting callers retries.
    """

    def __init__(self, resource: str = "") -> None:
        self._resource = resource
        self._lock = threading.Lock()
        self._flights: dict[Hashable, _Flight] = {}

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        deadline = current.get() or Deadline(DEFAULT_TIMEOUT_S)
        while True:
            with self._lock:
                is_first_caller = key not in self._flights
                flight = self._flights.setdefault(key, _Flight())
            if is_first_caller:
                self._read(key, flight, make)
            elif not flight.done.wait(deadline.remaining()):
                reason = f"the shared reading timed out after {deadline.seconds:.1f} s"
                raise NoReading(self._resource, reason, kind="read-timeout")
            is_kept = self._flights.get(key) is flight
            if is_kept or (flight.error is not None and deadline.remaining() < MIN_RETRY_S):
                return cast(T, _value(flight))

    def _read(self, key: Hashable, flight: _Flight, make: Callable[[], Any]) -> None:
        is_kept = False
        token = journal.set(flight.entries)
        try:
            flight.value = make()
            is_kept = True
        except Exception as error:
            flight.error = error
            is_kept = not (isinstance(error, NoReading) and _is_own_deadline_over())
        finally:
            journal.reset(token)
            if not is_kept:
                with self._lock:
                    self._flights.pop(key)
            flight.done.set()


def _is_own_deadline_over() -> bool:
    deadline = current.get()
    return deadline is not None and deadline.expired


def _value(flight: _Flight) -> Any:
    kept = journal.get()
    if kept is not None:
        kept.extend(flight.entries)
    if flight.error is None:
        return flight.value
    # Each caller raises its own copy, since several threads would write to one traceback.
    raise copy.copy(flight.error) if isinstance(flight.error, NoReading) else flight.error
