"""A deadline ends everything that waits, and leaves nothing behind."""

from __future__ import annotations

import gc
import os
import socket
import threading
import time
import weakref
from functools import partial

import pytest

from runbook_checks.probes.core.deadline import Deadline, Timer, current, within
from tests.probes.conftest import taking


def connection() -> tuple[socket.socket, socket.socket]:
    """Both ends of a connection; if the deadline does not end a wait, the test fails in time."""
    ends = socket.socketpair()
    for end in ends:
        end.settimeout(5)
    return ends


def test_remaining_and_expired() -> None:
    deadline = Deadline(0.1)
    assert 0 < deadline.remaining() <= 0.1
    assert not deadline.expired
    time.sleep(0.12)
    assert (deadline.remaining(), deadline.expired) == (0, True)


def test_a_watched_socket_is_shut_down_in_time() -> None:
    ours, _theirs = connection()
    with ours, _theirs, taking(0.6), Deadline(0.2).watch(ours):
        assert ours.recv(1) == b""


def test_cancelling_shuts_down_sockets_of_parents_and_children_at_once() -> None:
    parent = Deadline(20)
    child = parent.child(30)
    pairs = [connection() for _ in range(3)]
    threading.Timer(0.1, parent.expire).start()
    with taking(0.5), parent.watch(pairs[0][0]), child.watch(pairs[1][0]), child.child(5).watch(pairs[2][0]):
        for ours, _ in pairs:
            assert ours.recv(1) == b""
    assert child.expired
    for pair in pairs:
        for sock in pair:
            sock.close()


def test_child_never_ends_after_its_parent() -> None:
    assert Deadline(0.2).child(9).remaining() <= 0.2
    over = Deadline(9)
    over.expire()
    assert over.child(9).expired


def test_released_socket_is_left_alone() -> None:
    ours, theirs = connection()
    deadline = Deadline(0.1)
    with deadline.watch(ours):
        pass
    time.sleep(0.2)
    theirs.send(b"x")
    assert ours.recv(1) == b"x"
    ours.close()
    theirs.close()


def test_reused_descriptor_is_left_alone() -> None:
    first, far = connection()
    number = first.fileno()
    with Deadline(0.1).watch(first):
        first.close()
        second, other = connection()
        assert number in (second.fileno(), other.fileno())
        time.sleep(0.25)
        other.send(b"x")
        assert second.recv(1) == b"x"
    for sock in (far, second, other):
        sock.close()


def test_socket_after_the_deadline_is_shut_down_at_once() -> None:
    ours, theirs = connection()
    deadline = Deadline(0)
    with ours, theirs, taking(0.2), deadline.watch(ours):
        assert ours.recv(1) == b""


def test_action_runs_once_and_its_error_is_contained() -> None:
    ran: list[int] = []

    def breaks() -> None:
        raise RuntimeError

    deadline = Deadline(5)
    with deadline.on_expiry(breaks), deadline.on_expiry(lambda: ran.append(1)):
        deadline.expire()
        deadline.expire()
    assert ran == [1]


def test_within_takes_the_earlier_end() -> None:
    assert within(3).remaining() > 2.9
    token = current.set(Deadline(0.5))
    try:
        assert within(3).remaining() <= 0.5
        assert within(0.1).remaining() <= 0.1
    finally:
        current.reset(token)


def test_one_thread_serves_all_and_nothing_accumulates() -> None:
    before = len(os.listdir("/proc/self/fd"))
    ours, theirs = connection()
    with ours, theirs:
        for _ in range(500):
            with Deadline(30).watch(ours):
                pass
        assert len(os.listdir("/proc/self/fd")) <= before + 2
    assert sum(t.name == "probes-deadlines" for t in threading.enumerate()) == 1
    gc.collect()


@pytest.mark.parametrize("seconds", [float("inf"), 1e9])
def test_infinite_deadline_is_valid(seconds: float) -> None:
    ours, theirs = connection()
    with ours, theirs, Deadline(seconds).watch(ours):
        theirs.send(b"x")
        assert ours.recv(1) == b"x"


def test_cancelling_is_immediate_and_permanent() -> None:
    for seconds in (30.0, float("inf")):
        deadline = Deadline(seconds)
        assert not deadline.expired
        deadline.expire()
        assert (deadline.expired, deadline.remaining()) == (True, 0.0)
        ran: list[int] = []
        with deadline.on_expiry(partial(ran.append, 1)):
            assert ran == [1]
        child = deadline.child(5)
        assert (child.expired, child.seconds) == (True, 0.0)


def test_many_deadlines_end_in_order_and_are_released() -> None:
    ran: list[str] = []
    late, soon = Deadline(0.4), Deadline(0.2)
    with late.on_expiry(lambda: ran.append("late")), soon.on_expiry(lambda: ran.append("soon")):
        for _ in range(100):
            with Deadline(0.1).on_expiry(lambda: ran.append("gone")):
                pass
        gc.collect()
        time.sleep(0.7)
    assert ran == ["soon", "late"]
    still = Deadline(0.1)
    with still.on_expiry(lambda: ran.append("again")):
        time.sleep(0.3)
    assert ran[2:] == ["again"]


def test_an_action_of_two_is_run_for_each() -> None:
    ran: list[int] = []
    with Deadline(0.1).on_expiry(lambda: ran.append(1)) as nothing:
        assert nothing is None
    deadline = Deadline(0.1)
    with deadline.on_expiry(lambda: ran.append(2)), deadline.on_expiry(lambda: ran.append(3)):
        time.sleep(0.3)
    assert ran == [2, 3]


@pytest.mark.parametrize("seconds", [20.0, float("inf")])
def test_deadline_is_stored_once(seconds: float) -> None:
    def noted() -> int:
        return sum(isinstance(one, weakref.WeakMethod) for one in gc.get_objects())

    before, deadline = noted(), Deadline(seconds)
    for _ in range(100):
        with deadline.on_expiry(lambda: None):
            pass
    assert noted() - before <= (seconds < 100)


class Bell:
    """Records who rings it, and who rings it early."""

    def __init__(self, rung: list[str], name: str, due: float) -> None:
        self.rung, self.name, self.due = rung, name, due

    def ring(self) -> None:
        self.rung.append(self.name if time.monotonic() >= self.due else f"{self.name}, early")
        if self.name == "broken":
            raise RuntimeError


def test_timer_calls_due_deadlines_and_none_before() -> None:
    rung: list[str] = []
    timer, now = Timer(), time.monotonic()
    due = {"late": now + 0.7, "soon": now + 0.3, "broken": now + 0.1, "gone": now + 0.2}
    bells = {name: Bell(rung, name, at) for name, at in due.items()}
    for name, at in due.items():
        timer.call_at(at, weakref.WeakMethod(bells[name].ring))
    del bells["gone"]
    gc.collect()
    time.sleep(max(0.0, now + 0.5 - time.monotonic()))
    assert rung[:2] == ["broken", "soon"]
    time.sleep(max(0.0, now + 0.9 - time.monotonic()))
    assert rung == ["broken", "soon", "late"]
    timer.call_at(time.monotonic(), weakref.WeakMethod(bells["soon"].ring))
    time.sleep(0.2)
    assert rung[3:] == ["soon"]
