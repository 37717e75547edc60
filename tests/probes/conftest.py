"""Far ends for the probes' tests: misbehaving servers, and real ones if available."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

import tests.misbehaving.http
import tests.misbehaving.mysql
import tests.misbehaving.postgres
import tests.misbehaving.prometheus
import tests.misbehaving.redis
import tests.misbehaving.tls  # noqa: F401 - they fill the registry
from runbook_checks.probes.core.deadline import Deadline, current
from runbook_checks.probes.core.reading import Reading, journal
from runbook_checks.probes.net.far_ends import FarEnds
from tests.misbehaving.server import REGISTRY, FakeServer

Misbehaving = Callable[[str], FakeServer]
HERE = FarEnds(
    ("127.0.0.0/8", "::1/128", "224.0.0.1/32", "fe80::/10")
)  # like the setting of an environment on this machine


@pytest.fixture
def misbehaving() -> Iterator[Misbehaving]:
    with ExitStack() as stack:
        yield lambda name: stack.enter_context(FakeServer(REGISTRY[name]))


@pytest.fixture
def entries() -> Iterator[list[Reading]]:
    kept: list[Reading] = []
    token = journal.set(kept)
    yield kept
    journal.reset(token)


@pytest.fixture(autouse=True)
def _no_deadline_left() -> Iterator[None]:
    yield
    assert current.get() is None


@contextmanager
def taking(at_most_s: float, at_least_s: float = 0.0) -> Iterator[None]:
    """The block takes about this long; a busy machine gets some slack, a hang does not."""
    begun = time.monotonic()
    yield
    taken = time.monotonic() - begun
    assert at_least_s <= taken <= 2 * at_most_s + 0.5, f"took {taken:.2f} s"


@contextmanager
def only(seconds: float) -> Iterator[None]:
    """The block has a deadline, like a check."""
    token = current.set(Deadline(seconds))
    try:
        yield
    finally:
        current.reset(token)
