"""One reading serves every caller with the same key."""

from __future__ import annotations

import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from runbook_checks.probes.core.deadline import Deadline, current
from runbook_checks.probes.core.reading import NoReading, Reading, journal, one_line, reading
from runbook_checks.probes.core.single_flight import Shared
from tests.probes.conftest import taking


def test_concurrent_callers_share_one_reading() -> None:
    made: list[int] = []
    shared = Shared()

    def make() -> int:
        made.append(1)
        time.sleep(0.05)
        return len(made)

    with ThreadPoolExecutor(30) as threads:
        assert set(threads.map(lambda _: shared.get("k", make), range(60))) == {1}
    assert shared.get("other", make) == 2


def test_a_no_reading_is_shared_as_copies() -> None:
    shared = Shared()
    made: list[int] = []

    def fail() -> int:
        made.append(1)
        raise NoReading("http", "gone", kind="read-timeout", evidence={"a": 1}, attempts=2)

    found = []
    for _ in range(2):
        with pytest.raises(NoReading) as caught:
            shared.get("k", fail)
        found.append(caught.value)
    one, two = found
    assert one is not two
    assert (one.kind, one.evidence, one.attempts, str(one)) == (two.kind, two.evidence, two.attempts, str(two))
    assert len(made) == 1


def test_waiting_caller_waits_no_longer_than_its_own_deadline() -> None:
    shared = Shared("http")
    thread = threading.Thread(target=lambda: shared.get("k", lambda: time.sleep(1)))
    thread.start()
    time.sleep(0.05)
    token = current.set(Deadline(0.2))
    try:
        with taking(0.5), pytest.raises(NoReading) as caught:
            shared.get("k", int)
    finally:
        current.reset(token)
        thread.join()
    assert (caught.value.resource, caught.value.kind) == ("http", "read-timeout")


def test_reading_ended_by_the_first_callers_deadline_is_retried_by_another() -> None:
    shared = Shared()

    def impatient() -> None:
        current.set(Deadline(0.1))
        with pytest.raises(NoReading, match="too long for me"):
            shared.get("k", slow)

    def slow() -> str:
        time.sleep(0.2)
        raise NoReading("http", "too long for me")

    thread = threading.Thread(target=impatient)
    thread.start()
    time.sleep(0.05)
    assert shared.get("k", lambda: "made again") == "made again"
    thread.join()


@pytest.mark.parametrize("error", [NoReading("http", "too long for me"), KeyboardInterrupt()])
def test_caller_without_time_left_takes_the_first_callers_result(error: BaseException) -> None:
    shared, mine, begun = Shared("http"), Deadline(3), threading.Event()

    def interrupted() -> None:
        makers = Deadline(30)
        current.set(makers)
        with pytest.raises(type(error)):
            shared.get("k", lambda: cut_short(makers))

    def cut_short(makers: Deadline) -> None:
        begun.set()
        while mine.remaining() > 0.08:
            time.sleep(0.005)
        makers.expire()
        raise error

    thread = threading.Thread(target=interrupted)
    thread.start()
    begun.wait()
    mine = Deadline(0.3)
    token = current.set(mine)
    try:
        got = shared.get("k", lambda: "made again")
    except NoReading:
        got = "no reading"
    finally:
        current.reset(token)
        thread.join()
    assert got == "no reading" or (got == "made again" and not isinstance(error, NoReading))


def test_no_reading_is_cached_if_its_caller_had_time_left() -> None:
    shared, made = Shared(), list[int]()

    def fail() -> int:
        made.append(1)
        raise NoReading("http", "gone")

    token = current.set(Deadline(30))
    try:
        for _ in range(2):
            with pytest.raises(NoReading):
                shared.get("k", fail)
    finally:
        current.reset(token)
    assert len(made) == 1


def test_interrupted_reading_is_not_cached() -> None:
    shared = Shared()

    def interrupted() -> int:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shared.get("k", interrupted)
    assert shared.get("k", lambda: 1) == 1


def test_journal_of_every_caller_gets_the_reading() -> None:
    shared = Shared()

    def make() -> int:
        with reading("look") as facts:
            facts["n"] = 1
        return 1

    def consume(_: int) -> list[str]:
        kept: list[Reading] = []
        journal.set(kept)
        shared.get("k", make)
        return [entry.title for entry in kept]

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(consume, range(4))) == [["look"]] * 4


def test_nothing_is_recorded_without_a_journal() -> None:
    with reading("look") as facts:
        facts["n"] = 1
    assert journal.get() is None


def test_no_reading_can_be_pickled() -> None:
    gone = NoReading("http", "a\nb\x1b[31m c", kind="k", evidence={"n": 1}, attempts=2)
    again = pickle.loads(pickle.dumps(gone))  # noqa: S301 - made by the test
    assert (str(again), again.kind, again.evidence, again.attempts) == ("http: a b [31m c", "k", {"n": 1}, 2)


@pytest.mark.parametrize(
    ("text", "line"),
    [("a\r\n\tb", "a b"), ("x" * 400, "x" * 299 + "…"), ("\ud800bad\u2028", "bad"), ("  ", ""), ("ünï 中", "ünï 中")],
)
def test_one_line(text: str, line: str) -> None:
    assert one_line(text) == line
