"""Has somebody already read this, or is about to?"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar, cast

from runbook_checks.probes.core.deadline import Deadline, current
from runbook_checks.probes.core.journal import Reading, journal
from runbook_checks.probes.core.reading import NoReading

T = TypeVar("T")
PATIENCE_S = 60.0
LEAST_S = 0.1  # with less left, nobody begins a reading anew


class Flight:
    """One reading under way or done; whoever asks for the same waits for it."""

    def __init__(self) -> None:
        self.landed = threading.Condition()
        self.is_done = False
        self.is_abandoned = False
        self.value: Any = None
        self.error: Exception | None = None
        self.entries: list[Reading] = []


class Shared:
    """Readings by key, each made once. A NoReading is shared as a result is.

    The first caller makes the reading, in its own thread and deadline; the others wait, each no longer
    than its own deadline. A reading cut short by the maker's own deadline says nothing about the far
    end: it isn't kept, and one of those who wait tries again.
    """

    def __init__(self, resource: str = "") -> None:
        self._resource = resource
        self._lock = threading.Lock()
        self._flights: dict[Hashable, Flight] = {}

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        # A check waits as long as it may itself; who has no deadline gets one here.
        deadline = current.get() or Deadline(PATIENCE_S)
        while True:
            with self._lock:
                is_mine = key not in self._flights
                flight = self._flights.setdefault(key, Flight())
            if is_mine:
                self._fly(key, flight, make)
            else:
                self._wait(flight, deadline)
            if not flight.is_abandoned or (flight.error is not None and deadline.remaining() < LEAST_S):
                return cast(T, _result(flight))

    def _fly(self, key: Hashable, flight: Flight, make: Callable[[], T]) -> None:
        token = journal.set(flight.entries)
        try:
            flight.value = make()
        except Exception as error:
            flight.error = error
            flight.is_abandoned = isinstance(error, NoReading) and _own_time_is_up()
        except BaseException:
            flight.is_abandoned = True
            raise
        finally:
            journal.reset(token)
            self._land(key, flight)

    def _land(self, key: Hashable, flight: Flight) -> None:
        if flight.is_abandoned:
            with self._lock:
                self._flights.pop(key, None)
        with flight.landed:
            flight.is_done = True
            flight.landed.notify_all()

    def _wait(self, flight: Flight, deadline: Deadline) -> None:
        def wake() -> None:
            with flight.landed:
                flight.landed.notify_all()

        with deadline.on_expiry(wake), flight.landed:
            while not flight.is_done:
                if deadline.expired:
                    raise NoReading(
                        self._resource,
                        f"the shared reading was not there within {deadline.seconds:.1f} s",
                        kind="read-timeout",
                    )
                flight.landed.wait(deadline.remaining())


def _own_time_is_up() -> bool:
    deadline = current.get()
    return deadline is not None and deadline.expired


def _result(flight: Flight) -> Any:
    kept = journal.get()
    if kept is not None:
        kept.extend(flight.entries)
    if flight.error is None:
        return flight.value
    # Each consumer raises its own copy: a traceback that many threads write to helps nobody.
    raise copy.copy(flight.error) if isinstance(flight.error, NoReading) else flight.error
