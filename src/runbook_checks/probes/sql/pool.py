"""Connections to a database server: few for each role, shared by all checks, released early."""

from __future__ import annotations

import copy
import select
import threading
import time
import weakref
from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol

from runbook_checks.probes.core.deadline import Deadline, timer
from runbook_checks.probes.core.reading import NoReading

MOST = 4  # connections of one role to one server, however many systems share them
LINGER_S = 0.8  # an idle connection is closed after this time
FAILURE_KEPT_S = 30.0  # a failure to connect is kept this long before another attempt
WHOLE_SERVER = ("connection-refused", "connect-timeout")  # the same for every database, password and TLS mode
FULL_PATIENCE_S = 1.0  # another process or role of ours may have held the server's last place
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 0.4
MARGIN_S = 0.3  # time left after the wait to report the reason
# Kinds of refusal that may end when another connection is closed.
OWN_LIMIT = "own-connection-limit"  # the role has no connection left: another run uses them, or one was just closed
SERVER_FULL = "too-many-connections"


@dataclass(frozen=True)
class Room:
    """A server's connection limits; None if there is no limit, or it is not known."""

    role: int | None = None  # connections our role may hold
    free: int | None = None  # free places, beside the connection that asked

    @property
    def allowed(self) -> int:
        """Half of the role's limit, to leave room for a second run, and half of the free connections."""
        limits = [MOST]
        limits += [self.role // 2] if self.role is not None else []
        limits += [1 + self.free // 2] if self.free is not None else []
        return max(1, min(limits))


def all_in_use(role: str, limit: int | None) -> str:
    """The sentence for a role that has no connection left; `limit` is None if it is not known."""
    if limit is None:
        return f"all the connections that {role} may hold are in use"
    return f"{role} may hold {limit} connection{'s' if limit > 1 else ''} and all are in use"


class Dialler(Protocol):
    """A database whose connections the pool holds; connections with the same key are interchangeable."""

    key: Hashable
    patience: Hashable  # databases with equal timeouts share a failure to reach the server

    def dial(self, deadline: Deadline, role_limit: int | None) -> Any: ...

    def room(self, connection: Any, deadline: Deadline) -> Room: ...


@dataclass
class Slot:
    """One connection (with `closed`, `fileno()` and `close()`), in use or idle."""

    key: Hashable
    connection: Any
    attempts: int = 1
    is_reused: bool = False
    is_broken: bool = False
    idle_since: float = 0.0

    def hang_up(self) -> None:
        with suppress(Exception):
            self.connection.close()


class Pools:
    """The pools of one run, one for each server and role."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pools: dict[Hashable, Pool] = {}

    def of(self, server: Hashable, connections: int, resource: str) -> Pool:
        """The pool of a server and role, larger by `connections`."""
        with self._lock:
            pool = self._pools.setdefault(server, Pool(resource))
            pool.size = min(MOST, pool.size + connections)
            return pool


class Pool:
    """A limited number of connections to one server as one role; idle ones are reused or closed.

    The first connection reads the role's limit; until then there is only one. If a server refuses a further connection,
    callers wait for the existing ones. If there are none, the pool retries: until the deadline if our own limit is the
    reason, for a second if the server is full.
    """

    def __init__(self, resource: str) -> None:
        self.size = 0
        self._resource = resource
        self._changed = threading.Condition()
        self._allowed: int | None = None  # not read yet
        self._role_limit: int | None = None  # as last read
        self._taken: Counter[Hashable] = Counter()  # by key, those being made among them
        self._idle: list[Slot] = []
        self._waiting = 0
        self._failures: dict[Hashable, tuple[float, NoReading]] = {}
        self._refusal: NoReading | None = None  # by our own limit, until a connection is made
        self._is_patient = True

    @contextmanager
    def connection(self, database: Dialler, deadline: Deadline, *, fresh: bool = False) -> Iterator[Slot]:
        """A connection for the block; the wait for it ends with the deadline (NoReading pool-busy)."""
        slot = None
        while slot is None:
            slot = self._take_turn(database, deadline, is_patient=not fresh)
            try:
                slot = slot or self._dial(database, deadline)
            finally:
                if slot is None:
                    self._give_back(database.key, None)
        try:
            yield slot
        finally:
            self._give_back(database.key, slot)

    def close(self) -> None:
        with self._changed:
            while self._idle:
                self._idle.pop().hang_up()

    @property
    def _most(self) -> int:
        return min(self.size, self._allowed or 1)

    @property
    def _open(self) -> int:
        return self._taken.total() + len(self._idle)

    def _has_turn(self, key: Hashable) -> bool:
        """Whether a caller may go on. A database with a connection waits for it, and closes none of another's."""
        is_idle = any(idle.key == key for idle in self._idle)
        return self._taken.total() < self._most and (is_idle or self._open < self._most or not self._taken[key])

    def _take_turn(self, database: Dialler, deadline: Deadline, *, is_patient: bool) -> Slot | None:
        """An idle connection, or None and the right to make one."""
        with self._changed:
            while True:
                if is_patient:
                    self._raise_kept_failure(database)
                left = deadline.remaining() - (MARGIN_S if self._refusal else 0)
                if self._refusal and left <= 0:
                    raise copy.copy(self._refusal)
                if self._has_turn(database.key):
                    idle = self._idle_one(database.key)
                    self._taken[database.key] += 1
                    return idle
                if left <= 0:
                    reason = f"none of {self._most} connections came free within {deadline.seconds:.1f} s"
                    raise NoReading(self._resource, reason, kind="pool-busy", evidence={"connections": self._most})
                self._waiting += 1
                self._changed.wait(left)
                self._waiting -= 1

    def _raise_kept_failure(self, database: Dialler) -> None:
        for scope in (database.key, database.patience):
            since, failure = self._failures.get(scope, (0.0, None))
            if failure is not None and time.monotonic() - since < FAILURE_KEPT_S:
                raise copy.copy(failure)

    def _idle_one(self, key: Hashable) -> Slot | None:
        """The most recently used live connection of this key; without one, close idle ones to make room."""
        for idle in [idle for idle in reversed(self._idle) if idle.key == key]:
            self._idle.remove(idle)
            if _is_quiet(idle.connection):
                idle.is_reused, idle.attempts = True, 1
                return idle
            idle.hang_up()
        while self._idle and self._open >= self._most:
            self._idle.pop(0).hang_up()
        return None

    def _dial(self, database: Dialler, deadline: Deadline) -> Slot | None:
        """A new connection, or None if the server refuses a further one and we have others."""
        begun, attempts, pause_s = time.monotonic(), 1, FIRST_PAUSE_S
        while True:
            try:
                return self._dial_once(database, deadline, attempts)
            except NoReading as gone:
                gone.attempts = attempts
                if gone.kind in (OWN_LIMIT, SERVER_FULL) and self._makes_do():
                    return None
                left = self._patience_left(gone, deadline, begun)
                if left <= 0:
                    self._keep_failure(database, gone, deadline)
                    raise
            time.sleep(min(left, pause_s))
            attempts, pause_s = attempts + 1, min(2 * pause_s, LONGEST_PAUSE_S)

    def _dial_once(self, database: Dialler, deadline: Deadline, attempts: int) -> Slot:
        slot = Slot(database.key, database.dial(deadline, self._role_limit), attempts)
        room = None
        try:
            if self._allowed is None:
                room = database.room(slot.connection, deadline)
        except BaseException:
            slot.hang_up()
            raise
        with self._changed:
            if room:
                self._role_limit, self._allowed = room.role, room.allowed
            self._refusal, self._is_patient = None, True
            for scope in (database.key, database.patience):
                self._failures.pop(scope, None)
            self._changed.notify_all()
        return slot

    def _makes_do(self) -> bool:
        """Whether we have other connections; then the pool opens no more than these."""
        with self._changed:
            others = self._open - 1
            self._allowed = others or self._allowed
            return others > 0

    def _patience_left(self, gone: NoReading, deadline: Deadline, begun: float) -> float:
        """The seconds left for retries; 0 or less for none."""
        left = deadline.remaining() - MARGIN_S
        if gone.kind == SERVER_FULL:
            return min(left, begun + FULL_PATIENCE_S - time.monotonic())
        if gone.kind != OWN_LIMIT:
            return 0
        with self._changed:
            self._refusal = copy.copy(gone)
            self._changed.notify_all()
            # After an unsuccessful wait the next caller makes only one attempt.
            self._is_patient = self._is_patient and left > 0
            return left if self._is_patient else 0

    def _keep_failure(self, database: Dialler, gone: NoReading, deadline: Deadline) -> None:
        # A failure caused by the caller's own deadline is not about the server.
        if not deadline.expired and gone.kind != OWN_LIMIT:
            scope = database.patience if gone.kind in WHOLE_SERVER else database.key
            self._failures[scope] = (time.monotonic(), copy.copy(gone))

    def _give_back(self, key: Hashable, slot: Slot | None) -> None:
        with self._changed:
            self._taken[key] -= 1
            # With a limit of one connection, another process may be waiting for it.
            if slot is not None and (slot.is_broken or (self._allowed == 1 and not self._waiting)):
                slot.hang_up()
            elif slot is not None:
                slot.idle_since = time.monotonic()
                self._idle.append(slot)
                timer.call_at(slot.idle_since + LINGER_S, weakref.WeakMethod(self._close_idle))
            self._measure_again()
            self._changed.notify_all()

    def _measure_again(self) -> None:
        if self._open == 0:
            self._allowed = None

    def _close_idle(self) -> None:
        """Close the connections that have been idle for a while."""
        with self._changed:
            while self._idle and self._idle[0].idle_since + LINGER_S <= time.monotonic():
                self._idle.pop(0).hang_up()
            self._measure_again()


def _is_quiet(connection: Any) -> bool:
    """Whether an idle connection is usable: readable data means that the server closed it."""
    if connection.closed:
        return False
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return not poll.poll(0)
