"""Run thousands of connections in one thread: epoll, coroutines, and a time limit for each.

Not asyncio: its transports take a third more CPU time for a handshake; with sock_* and ssl.MemoryBIO a sweep took 8 %
longer. Here `pause` is the only wait of a coroutine: it returns when something wakes the task, and the coroutine checks
whether that was the event that it waits for.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import os
import select
import threading
import time
import types
from collections import deque
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator

    from runbook_checks.probes.core.deadline import Deadline, HasFileno

T = TypeVar("T")
EDGES = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET
LONGEST_POLL_S = 0.5
PUT_RIGHT_AT = 4096  # cancelled timers that are removed together


class Overdue(Exception):
    """The task's limit has passed. Not a TimeoutError, which is an OSError that sockets raise."""


@types.coroutine
def _pause(task: Task) -> Generator[None, None, None]:
    if task.is_overdue:
        raise Overdue
    yield


class Timer:
    """A call at a time; `call` is None once it is cancelled."""

    __slots__ = ("call", "when")

    def __init__(self, when: float, call: Callable[[], None] | None) -> None:
        self.when, self.call = when, call


class Task:
    """One running coroutine."""

    __slots__ = ("_coroutine", "_is_due", "_limit", "_loop", "error", "is_overdue")

    def __init__(self, loop: Loop, coroutine: Coroutine[None, None, None]) -> None:
        self._loop, self._coroutine = loop, coroutine
        self._limit: Timer | None = None
        self._is_due = self.is_overdue = False
        self.error: BaseException | None = None

    def wake(self) -> None:
        if not self._is_due:
            self._is_due = True
            self._loop.due.append(self)

    def limit(self, when: float) -> None:
        """End the wait at this time (monotonic seconds); it replaces an earlier limit."""
        if self._limit:
            self._loop.cancel(self._limit)
        self._limit, self.is_overdue = self._loop.call_at(when, self._expire), False

    def _expire(self) -> None:
        self._limit, self.is_overdue = None, True
        self.error = Overdue()
        self.wake()

    def step(self) -> bool:
        """Run until the next wait; return whether the coroutine has ended."""
        self._is_due = False
        error, self.error = self.error, None
        try:
            if error is None:
                self._coroutine.send(None)
            else:
                self._coroutine.throw(error)
        except StopIteration:
            if self._limit:
                self._loop.cancel(self._limit)
            return True
        return False

    def close(self) -> None:
        self._coroutine.close()


class Loop:
    """Runs tasks until all have ended."""

    def __init__(self) -> None:
        self.due: deque[Task] = deque()
        self.running: Task | None = None
        self.tasks: set[Task] = set()
        self.idle_s = 0.0  # time spent waiting without work
        self._poll = select.epoll()
        self._calls: dict[int, Callable[[], None]] = {}
        self._timers: list[tuple[float, int, Timer]] = []
        self._numbers = itertools.count()
        self._cancelled = 0
        self._from_threads: deque[Callable[[], None]] = deque()
        self._guard, self._is_closed = threading.Lock(), False
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._poll.register(self._bell, select.EPOLLIN)
        self._calls[self._bell] = self._rung

    def ring(self) -> None:
        """End the wait for sockets and timers, from any thread."""
        with self._guard:
            if not self._is_closed:
                os.eventfd_write(self._bell, 1)

    def close(self) -> None:
        for task in list(self.tasks):  # closing a task may spawn another, which never starts
            task.close()
        self._poll.close()
        with self._guard:
            self._is_closed = True
            os.close(self._bell)

    async def pause(self) -> None:
        """Wait until the running task is woken; raises Overdue at and after its limit."""
        assert self.running
        await _pause(self.running)

    def spawn(self, coroutine: Coroutine[None, None, None]) -> Task:
        task = Task(self, coroutine)
        self.tasks.add(task)
        task.wake()
        return task

    def watch(self, sock: HasFileno, call: Callable[[], None] | None = None) -> None:
        """Wake the running task, or call, on every event of a socket, until the socket is closed."""
        assert call or self.running
        self._calls[sock.fileno()] = call or self.running.wake  # type: ignore[union-attr]
        self._poll.register(sock.fileno(), EDGES)

    def call_at(self, when: float, call: Callable[[], None]) -> Timer:
        timer = Timer(when, call)
        heapq.heappush(self._timers, (when, next(self._numbers), timer))
        return timer

    def cancel(self, timer: Timer) -> None:
        timer.call = None
        self._cancelled += 1
        if self._cancelled > PUT_RIGHT_AT:
            self._timers = [entry for entry in self._timers if entry[2].call]
            heapq.heapify(self._timers)
            self._cancelled = 0

    async def in_thread(self, work: Callable[[], T]) -> T | None:
        """Run a blocking function in a daemon thread; None if it fails."""
        task, kept = self.running, []
        assert task
        done = False

        def land() -> None:
            nonlocal done
            done = True
            task.wake()

        def run() -> None:
            with contextlib.suppress(Exception):
                kept.append(work())
            self._from_threads.append(land)
            self.ring()

        threading.Thread(target=run, name="sweep", daemon=True).start()
        while not done:
            await self.pause()
        return kept[0] if kept else None

    def _rung(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._bell)
        while self._from_threads:
            self._from_threads.popleft()()

    def run(self, deadline: Deadline) -> None:
        """Run until all tasks have ended or the deadline passes, which leaves the others unfinished."""
        while self.tasks and not deadline.expired:
            self._step_all()
            if self.tasks:
                self._listen()

    def _step_all(self) -> None:
        while self.due:
            task = self.running = self.due.popleft()
            if task.step():
                self.tasks.discard(task)
        self.running = None

    def _listen(self) -> None:
        wait = LONGEST_POLL_S
        if self._timers:
            wait = min(wait, max(0.0, self._timers[0][0] - time.monotonic()))
        begun = time.monotonic()
        events = self._poll.poll(wait)
        self.idle_s += time.monotonic() - begun
        for number, _ in events:
            call: Any = self._calls.get(number)
            if call is not None:
                call()
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            timer = heapq.heappop(self._timers)[2]
            call, timer.call = timer.call, None
            if call is not None:
                call()
            else:
                self._cancelled -= 1
