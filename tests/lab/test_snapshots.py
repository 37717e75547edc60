"""A fault that is not visible, or is not undone, is reported in one sentence for its author."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runbook_checks_lab import registry
from tests.harness import PROJECT, SYSTEM
from tests.lab import snapshots

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lab.snapshots import Snapshot

CHANGE = registry.faults([SYSTEM])[f"database.unreachable:authentication-failed@{SYSTEM}"]
HEALTHY: Snapshot = {"database": [], "health": {"/ready": [200, "UP"]}, "schema": [["cs_sessions.id uuid", "more"]]}
BROKEN = HEALTHY | {"health": {"/ready": [503, "DOWN"]}}
WHERE = f"{CHANGE.name} ({snapshots.place_of(CHANGE)})"


def said(require: Callable[[], None]) -> str:
    with pytest.raises(pytest.fail.Exception) as failure:
        require()
    assert "\n" not in str(failure.value)
    return str(failure.value)


def test_fault_that_is_not_visible() -> None:
    sentence = said(lambda: snapshots.require_seen(CHANGE, HEALTHY, HEALTHY))
    assert sentence.startswith(
        f"{WHERE} is not visible from outside: `Outside.snapshot()` in tests/lab/outside.py is the"
    )
    assert sentence.endswith("let it change what a client receives, or extend the snapshot by what it changes")
    snapshots.require_seen(CHANGE, HEALTHY, BROKEN)


def test_fault_that_looks_like_another() -> None:
    sentence = said(lambda: snapshots.require_different(CHANGE, HEALTHY, BROKEN, {"another:fault": BROKEN}))
    assert f"{WHERE} looks the same from outside as another:fault" in sentence
    assert 'health./ready.0 was 200 and is 503, health./ready.1 was "UP" and is "DOWN"; make them differ' in sentence
    snapshots.require_different(CHANGE, HEALTHY, BROKEN, {"another:fault": HEALTHY})


def test_fault_that_is_not_undone() -> None:
    grown: Snapshot = HEALTHY | {"schema": [["cs_sessions.id uuid", "more", "cs_sessions.left text"]]}
    sentence = said(lambda: snapshots.require_gone(WHERE, HEALTHY, grown))
    assert sentence == (
        f"the lab is not healthy again after {WHERE}: "
        'schema.0 has ["cs_sessions.left text"] more and [] less; undo that after `yield`'
    )
    snapshots.require_gone(WHERE, HEALTHY, HEALTHY)


def test_long_difference_is_cut() -> None:
    assert snapshots.differences({"log": "a" * 500}, {"log": "b" * 500}) == (
        f'log was "{"a" * 89}... and is "{"b" * 89}...'
    )
    many: Snapshot = {str(number): number for number in range(5)}
    assert snapshots.differences(many, dict.fromkeys(many, -1)).endswith("2 was 2 and is -1, and more")


def test_place_is_a_file_and_a_function() -> None:
    path, _, function = snapshots.place_of(CHANGE).partition(", ")
    assert f"def {function}(" in (PROJECT / path).read_text() or function == "<lambda>"
