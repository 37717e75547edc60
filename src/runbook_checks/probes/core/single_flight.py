"""Make each reading once: callers that ask for the same at the same time, or later, share it."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from runbook_checks.probes.core.deadline import Deadline, current
from runbook_checks.probes.core.reading import NoReading, Reading, journal

T = TypeVar("T")
PATIENCE_S = 60.0  # of a caller outside a check, which has no deadline
LEAST_S = 0.1  # with less left, a caller does not start a reading again


@dataclass
class _Flight:
    """One reading, under way or done: a value, or the error that it raised; neither where it was interrupted."""

    done: threading.Event = field(default_factory=threading.Event)
    value: Any = None
    error: Exception | None = None
    entries: list[Reading] = field(default_factory=list)


class Shared:
    """Readings by key. A NoReading is shared as a value is.

    The first caller makes the reading, in its own thread and deadline; the others wait, each at most until its own
    deadline. A reading that ended with its maker's deadline says nothing about the far end: it is not kept, and one
    of the waiting callers reads again.
    """

    def __init__(self, resource: str = "") -> None:
        self._resource = resource
        self._lock = threading.Lock()
        self._flights: dict[Hashable, _Flight] = {}

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        deadline = current.get() or Deadline(PATIENCE_S)
        while True:
            with self._lock:
                is_mine = key not in self._flights
                flight = self._flights.setdefault(key, _Flight())
            if is_mine:
                self._make(key, flight, make)
            elif not flight.done.wait(deadline.remaining()):
                reason = f"the shared reading was not there within {deadline.seconds:.1f} s"
                raise NoReading(self._resource, reason, kind="read-timeout")
            is_kept = self._flights.get(key) is flight
            if is_kept or (flight.error is not None and deadline.remaining() < LEAST_S):
                return cast(T, _value(flight))

    def _make(self, key: Hashable, flight: _Flight, make: Callable[[], Any]) -> None:
        is_kept = False
        token = journal.set(flight.entries)
        try:
            flight.value = make()
            is_kept = True
        except Exception as error:
            flight.error = error
            is_kept = not (isinstance(error, NoReading) and _own_time_is_up())
        finally:
            journal.reset(token)
            if not is_kept:
                with self._lock:
                    self._flights.pop(key)
            flight.done.set()


def _own_time_is_up() -> bool:
    deadline = current.get()
    return deadline is not None and deadline.expired


def _value(flight: _Flight) -> Any:
    kept = journal.get()
    if kept is not None:
        kept.extend(flight.entries)
    if flight.error is None:
        return flight.value
    # Each caller raises a copy of its own: several threads would write to one traceback.
    raise copy.copy(flight.error) if isinstance(flight.error, NoReading) else flight.error
