"""Connections to a database server: few for each role, shared by everything that looks, released early."""

from __future__ import annotations

import copy
import select
import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol

from runbook_checks.probes.core.deadline import Deadline, timer
from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.sql.room import MOST, OWN_LIMIT, SERVER_FULL, Room

LINGER_S = 0.8  # an idle connection is closed after this time
# A server that can't be connected is not tried again by everybody who waits or comes soon after.
FAILURE_KEPT_S = 30.0
NOBODY_GETS_IN = ("connection-refused", "connect-timeout")  # whatever database, password and TLS

FULL_PATIENCE_S = 1.0  # the server's last place may have been ours, held by another process or role
PAUSES_S = (0.05, 0.1, 0.2, 0.4)
MARGIN_S = 0.3  # left to say why, once the wait is over


class Connection(Protocol):
    """What the pool has to know of a database's connection."""

    @property
    def closed(self) -> bool: ...

    def fileno(self) -> int: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Way:
    """How a connection is made; those of one key can stand in for each other."""

    key: Hashable
    patience: Hashable  # ways of one patience find out alike whether the server answers
    dial: Callable[[int | None], Connection]  # given what the role may hold, where that is known
    room: Callable[[Any], Room]


@dataclass
class Slot:
    connection: Any
    is_reused: bool
    attempts: int = 1
    is_broken: bool = False


@dataclass(frozen=True)
class Idle:
    since: float
    key: Hashable
    connection: Connection


class Pools:
    """The pools of one run, one for each server and role."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pools: dict[Hashable, Pool] = {}

    def of(self, server: Hashable, connections: int, resource: str) -> Pool:
        """The pool of a server and role, larger by `connections`."""
        with self._lock:
            pool = self._pools.setdefault(server, Pool(resource))
        pool.widen(connections)
        return pool

    def close(self) -> None:
        for pool in self._pools.values():
            pool.close()


class Pool:
    """At most so many connections at once, to one server as one role; idle ones are used again, or closed.

    The first connection reads how many the role may hold; until then there is one. A server that refuses a further
    one is left in peace: who wants it waits for those there are. Where there are none, the refusal is waited out: one
    for our own limit as long as the deadline lasts, one for the server's a second.
    """

    def __init__(self, resource: str) -> None:
        self._resource = resource
        self._changed = threading.Condition()
        self._wanted = 0
        self._allowed = MOST
        self._room: Room | None = None  # not read yet
        self._taken: Counter[Hashable] = Counter()  # by key, those being made among them
        self._role_limit: int | None = None  # as read last, for what is said once nobody gets in
        self._waiting = 0
        self._idle: list[Idle] = []
        self._is_timed = False
        self._failures: dict[Hashable, tuple[float, NoReading]] = {}
        self._refusal: NoReading | None = None  # by our own limit, until a connection is made
        self._is_patient = True

    def widen(self, connections: int) -> None:
        with self._changed:
            self._wanted = min(MOST, self._wanted + connections)

    @contextmanager
    def connection(self, way: Way, deadline: Deadline, *, fresh: bool = False) -> Iterator[Slot]:
        """A connection for the block; the wait for it ends with the deadline (NoReading pool-busy)."""
        slot = self._slot(way, deadline, fresh=fresh)
        try:
            yield slot
        finally:
            self._give_back(way.key, slot)

    def close(self) -> None:
        with self._changed:
            while self._idle:
                _hang_up(self._idle.pop().connection)

    @property
    def _size(self) -> int:
        return min(self._wanted, self._allowed)

    @property
    def _open(self) -> int:
        return self._taken.total() + len(self._idle)

    def _open_for(self, key: Hashable) -> int:
        return self._taken[key] + sum(idle.key == key for idle in self._idle)

    def _has_one_for(self, key: Hashable) -> bool:
        """Whether a turn is free. Who has a connection already waits for that, and closes nobody's else."""
        if self._taken.total() >= (self._size if self._room else 1):
            return False
        is_idle = self._open_for(key) > self._taken[key]
        return is_idle or self._open < self._size or not self._taken[key]

    def _slot(self, way: Way, deadline: Deadline, *, fresh: bool) -> Slot:
        while True:
            kept = self._take_turn(way, deadline, is_patient=not fresh)
            if kept is not None:
                return Slot(kept, is_reused=True)
            try:
                made = self._dial(way, deadline)
            except BaseException:
                self._give_back(way.key, None)
                raise
            if made is not None:
                return made
            self._give_back(way.key, None)

    def _take_turn(self, way: Way, deadline: Deadline, *, is_patient: bool) -> Connection | None:
        """An idle connection, or with None leave to make one."""
        with deadline.on_expiry(self._wake), self._changed:
            while True:
                if is_patient:
                    self._raise_kept_failure(way)
                left = deadline.remaining() - (MARGIN_S if self._refusal else 0)
                if self._refusal and left <= 0:
                    raise copy.copy(self._refusal)
                if self._has_one_for(way.key):
                    kept = self._idle_one(way.key)
                    self._taken[way.key] += 1
                    return kept
                if left <= 0:
                    raise self._busy(deadline)
                self._waiting += 1
                self._changed.wait(left)
                self._waiting -= 1

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _busy(self, deadline: Deadline) -> NoReading:
        return NoReading(
            self._resource,
            f"none of {self._size} connections came free within {deadline.seconds:.1f} s",
            kind="pool-busy",
            evidence={"connections": self._size},
        )

    def _raise_kept_failure(self, way: Way) -> None:
        for scope in (way.key, way.patience):
            since, failure = self._failures.get(scope, (0.0, None))
            if failure is not None and time.monotonic() - since < FAILURE_KEPT_S:
                raise copy.copy(failure)

    def _idle_one(self, key: Hashable) -> Connection | None:
        """The last one used of this key that still lives; else room is made for another."""
        for idle in [idle for idle in reversed(self._idle) if idle.key == key]:
            self._idle.remove(idle)
            if _is_quiet(idle.connection):
                return idle.connection
            _hang_up(idle.connection)
        while self._idle and self._open >= self._size:
            spare = max(self._idle, key=lambda idle: self._open_for(idle.key))
            self._idle.remove(spare)
            _hang_up(spare.connection)
        return None

    def _dial(self, way: Way, deadline: Deadline) -> Slot | None:
        """A new connection; None where a further one is refused, and those we hold will have to do."""
        begun, attempts = time.monotonic(), 1
        while True:
            try:
                return Slot(self._dial_once(way), is_reused=False, attempts=attempts)
            except NoReading as gone:
                gone.attempts = attempts
                if gone.kind in (OWN_LIMIT, SERVER_FULL) and self._makes_do():
                    return None
                if not self._waits_out(gone, deadline, begun):
                    self._keep_failure(way, gone, deadline)
                    raise
            attempts += 1

    def _dial_once(self, way: Way) -> Connection:
        known = self._room
        connection = way.dial(known.role if known else self._role_limit)
        try:
            room = known or way.room(connection)
        except BaseException:
            _hang_up(connection)
            raise
        with self._changed:
            if known is None:
                self._room, self._role_limit, self._allowed = room, room.role, room.allowed
            self._refusal, self._is_patient = None, True
            self._failures.pop(way.key, None)
            self._failures.pop(way.patience, None)
            self._changed.notify_all()
        return connection

    def _makes_do(self) -> bool:
        """Whether there are other connections of ours; then there will be no more than these."""
        with self._changed:
            others = self._open - 1
            self._allowed = others or self._allowed
            return others > 0

    def _waits_out(self, gone: NoReading, deadline: Deadline, begun: float) -> bool:
        """Wait before the next attempt, where there is to be one."""
        left = deadline.remaining() - MARGIN_S
        if gone.kind == OWN_LIMIT:
            self._refusal = copy.copy(gone)
            self._wake()
            if not self._is_patient or left <= 0:
                self._is_patient = False  # the next to come has one attempt, not a deadline's worth
                return False
        elif gone.kind != SERVER_FULL or min(left, begun + FULL_PATIENCE_S - time.monotonic()) <= 0:
            return False
        time.sleep(min(left, PAUSES_S[min(gone.attempts, len(PAUSES_S)) - 1]))
        return True

    def _keep_failure(self, way: Way, gone: NoReading, deadline: Deadline) -> None:
        # Cut short by the asker's own deadline, it says nothing about the server.
        if not deadline.expired and gone.kind != OWN_LIMIT:
            scope = way.patience if gone.kind in NOBODY_GETS_IN else way.key
            self._failures[scope] = (time.monotonic(), copy.copy(gone))

    def _give_back(self, key: Hashable, slot: Slot | None) -> None:
        with self._changed:
            self._taken[key] -= 1
            if slot is not None:
                self._put_aside(key, slot)
            self._note_whether_any_is_left()
            self._changed.notify_all()

    def _put_aside(self, key: Hashable, slot: Slot) -> None:
        # Where there is room for one alone, another process may be waiting for that place.
        is_wanted_elsewhere = self._allowed == 1 and not self._waiting
        if slot.is_broken or is_wanted_elsewhere:
            return _hang_up(slot.connection)
        self._idle.append(Idle(time.monotonic(), key, slot.connection))
        return self._close_later()

    def _note_whether_any_is_left(self) -> None:
        if self._open == 0:
            self._room, self._allowed = None, MOST  # the next is the first again, and reads what is allowed by then

    def _close_later(self) -> None:
        if self._idle and not self._is_timed:
            self._is_timed = True
            timer.call_at(self._idle[0].since + LINGER_S, weakref.WeakMethod(self._close_idle))

    def _close_idle(self) -> None:
        """Close what nobody has used for a while."""
        with self._changed:
            self._is_timed = False
            while self._idle and self._idle[0].since + LINGER_S <= time.monotonic():
                _hang_up(self._idle.pop(0).connection)
            self._note_whether_any_is_left()
            self._close_later()


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
