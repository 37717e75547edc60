"""Deadlines that end a reading by shutting down its sockets."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import os
import socket
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Protocol

FOR_EVER = float("inf")


class HasFileno(Protocol):
    def fileno(self) -> int: ...


class Deadline:
    """A point in time that ends a reading, however the far end behaves.

    Timeouts of libraries apply to each read or address; a far end that sends one byte a second never reaches
    them. At expiry the registered actions run once: they shut down sockets, which wakes the threads that wait
    on them.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds
        self._given_up = False
        self._lock = threading.Lock()
        self._actions: dict[int, Callable[[], None]] = {}
        self._ids = itertools.count()
        self._is_timed = False
        self._children: weakref.WeakSet[Deadline] = weakref.WeakSet()

    def remaining(self) -> float:
        """Seconds left, never negative."""
        return 0.0 if self._given_up else max(0.0, self._end - time.monotonic())

    @property
    def expired(self) -> bool:
        return self.remaining() <= 0.0

    def expire(self) -> None:
        """Expire now, and shut down all watched sockets."""
        with self._lock:
            self._given_up = True
            children = list(self._children)
        self._fire()
        for child in children:
            child.expire()

    @contextlib.contextmanager
    def on_expiry(self, action: Callable[[], None]) -> Iterator[None]:
        """Run `action` once if the deadline passes inside the block. It must be quick and may not raise."""
        key = self._register(action)
        try:
            yield
        finally:
            with self._lock:
                self._actions.pop(key, None)

    @contextlib.contextmanager
    def watch(self, sock: HasFileno) -> Iterator[None]:
        """Shut the socket down if the deadline passes inside the block.

        A duplicate of the descriptor is kept: TLS wrapping detaches the original, and its number may be reused
        for another file. A shutdown acts on the connection itself.
        """
        twin = socket.socket(fileno=os.dup(sock.fileno()))
        guard = threading.Lock()

        def shut() -> None:
            with guard, contextlib.suppress(OSError):
                twin.shutdown(socket.SHUT_RDWR)

        try:
            with self.on_expiry(shut):
                yield
        finally:
            with guard:
                twin.close()

    def child(self, seconds: float) -> Deadline:
        """Return a deadline `seconds` from now that also ends when this one passes or expires."""
        made = Deadline(min(seconds, self.remaining()))
        with self._lock:
            self._children.add(made)
            is_given_up = self._given_up
        if is_given_up:
            made.expire()
        return made

    def _register(self, action: Callable[[], None]) -> int:
        with self._lock:
            key = next(self._ids)
            if not self.expired:
                self._actions[key] = action
                self._start_timer()
                return key
        action()
        return key

    def _start_timer(self) -> None:
        if not self._is_timed and self._end != FOR_EVER:
            self._is_timed = True
            timer.call_at(self._end, weakref.WeakMethod(self._fire))

    def _fire(self) -> None:
        with self._lock:
            actions = list(self._actions.values())
            self._actions.clear()
        for action in actions:
            with contextlib.suppress(Exception):
                action()


class Timer:
    """One daemon thread for the whole process that calls methods at their time."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, weakref.WeakMethod[Callable[[], None]]]] = []
        self._ids = itertools.count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def call_at(self, when: float, method: weakref.WeakMethod[Callable[[], None]]) -> None:
        with self._changed:
            heapq.heappush(self._due, (when, next(self._ids), method))
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="probes-deadlines", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _run(self) -> None:
        while True:
            method = self._next()()
            if method is not None:
                with contextlib.suppress(Exception):
                    method()

    def _next(self) -> weakref.WeakMethod[Callable[[], None]]:
        with self._changed:
            while True:
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._due)[2]
                self._changed.wait(wait)


timer = Timer()
current: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


def within(seconds: float) -> Deadline:
    """Return a deadline `seconds` from now, which ends with the running check's deadline at the latest."""
    parent = current.get()
    return Deadline(seconds) if parent is None else parent.child(seconds)
