"""Which connection may a query use, and for how long may it wait for one?"""

from __future__ import annotations

import copy
import select
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol

from probes.deadline import Deadline
from probes.reading import NoReading

# A server that can't be connected isn't tried again by everybody who waits or comes soon after.
FAILURE_KEPT_S = 30.0


class Connection(Protocol):
    """What the pool has to know of a database's connection."""

    @property
    def closed(self) -> bool: ...

    def fileno(self) -> int: ...

    def close(self) -> None: ...


@dataclass
class Slot:
    connection: Any
    is_reused: bool
    is_broken: bool = False


class Pool:
    """At most so many connections at once; idle ones are used again, broken ones thrown away."""

    def __init__(self, size: int, resource: str) -> None:
        self._size = size
        self._resource = resource
        self._changed = threading.Condition()
        self._in_use = 0
        self._idle: list[Connection] = []
        self._failure: tuple[float, NoReading] | None = None

    @contextmanager
    def connection(self, dial: Callable[[], Connection], deadline: Deadline, *, fresh: bool = False) -> Iterator[Slot]:
        """A connection for the block; the wait for it ends with the deadline (NoReading pool-busy)."""
        self._take_turn(deadline, is_patient=not fresh)
        slot: Slot | None = None
        try:
            slot = self._idle_one() or self._dial(dial, deadline)
            yield slot
        finally:
            self._give_back(slot)

    def close(self) -> None:
        with self._changed:
            idle, self._idle = self._idle, []
        for connection in idle:
            _hang_up(connection)

    def _take_turn(self, deadline: Deadline, *, is_patient: bool) -> None:
        def wake() -> None:
            with self._changed:
                self._changed.notify_all()

        with deadline.on_expiry(wake), self._changed:
            while True:
                if is_patient:
                    self._raise_kept_failure()
                if self._in_use < self._size:
                    self._in_use += 1
                    return
                if deadline.expired:
                    raise self._busy(deadline)
                self._changed.wait(deadline.remaining())

    def _busy(self, deadline: Deadline) -> NoReading:
        return NoReading(
            self._resource,
            f"none of {self._size} connections came free within {deadline.seconds:.1f} s",
            kind="pool-busy",
            evidence={"connections": self._size},
        )

    def _raise_kept_failure(self) -> None:
        if self._failure is not None and time.monotonic() - self._failure[0] < FAILURE_KEPT_S:
            raise copy.copy(self._failure[1])

    def _idle_one(self) -> Slot | None:
        while True:
            with self._changed:
                if not self._idle:
                    return None
                connection = self._idle.pop()
            if _is_quiet(connection):
                return Slot(connection, is_reused=True)
            _hang_up(connection)

    def _dial(self, dial: Callable[[], Connection], deadline: Deadline) -> Slot:
        try:
            slot = Slot(dial(), is_reused=False)
        except NoReading as gone:
            # Cut short by the asker's own deadline: says nothing about the server.
            if not deadline.expired:
                self._failure = (time.monotonic(), copy.copy(gone))
            raise
        self._failure = None
        return slot

    def _give_back(self, slot: Slot | None) -> None:
        is_usable = slot is not None and not slot.is_broken
        if slot is not None and not is_usable:
            _hang_up(slot.connection)
        with self._changed:
            if slot is not None and is_usable:
                self._idle.append(slot.connection)
            self._in_use -= 1
            self._changed.notify_all()


def _is_quiet(connection: Connection) -> bool:
    """Nothing waits to be read on an idle connection, unless the server said goodbye."""
    if connection.closed:
        return False
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return not poll.poll(0)


def _hang_up(connection: Connection) -> None:
    with suppress(Exception):
        connection.close()
