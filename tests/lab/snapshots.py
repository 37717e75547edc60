"""Compare two snapshots of the lab; a failure is one sentence with the problem, the place and what to do."""

from __future__ import annotations

import inspect
import json
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from tests.harness import PROJECT
from tests.lab.outside import Outside

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runbook_checks_lab.registry import Change
    from tests.harness import LabClient

Snapshot = dict[str, Any]
SNAPSHOT = "`Outside.snapshot()` in tests/lab/outside.py"
AT_MOST = 3  # differences in one sentence
WIDTH = 90  # of a value in it


def snapshot_of(lab: LabClient) -> Snapshot:
    """Take a snapshot of the lab, as JSON: a tuple equals a list, and a time is text."""
    return dict(json.loads(json.dumps(Outside(lab.variables).snapshot(), default=str)))


def fail(sentence: str) -> NoReturn:
    """Fail without traceback and values: both snapshots have hundreds of lines."""
    pytest.fail(sentence, pytrace=False)


def require_seen(change: Change, healthy: Snapshot, broken: Snapshot) -> None:
    if broken == healthy:
        fail(
            f"{change.name} ({place_of(change)}) is not visible from outside: {SNAPSHOT} is the same as before; "
            "let it change what a client receives, or extend the snapshot by what it changes"
        )


def require_different(change: Change, healthy: Snapshot, broken: Snapshot, others: dict[str, Snapshot]) -> None:
    for other, snapshot in others.items():
        if snapshot == broken:
            fail(
                f"{change.name} ({place_of(change)}) looks the same from outside as {other}: "
                f"{differences(healthy, broken)}; make them differ, or extend {SNAPSHOT} by what distinguishes them"
            )


def require_gone(what: str, healthy: Snapshot, after: Snapshot) -> None:
    if after != healthy:
        fail(f"the lab is not healthy again after {what}: {differences(healthy, after)}; undo that after `yield`")


def place_of(change: Change) -> str:
    """Return the file and the function of a fault or an outage."""
    body = inspect.unwrap(change.body)
    path = Path(inspect.getsourcefile(body) or "").resolve()
    return f"{path.relative_to(PROJECT)}, {body.__name__}"


def differences(before: Snapshot, after: Snapshot) -> str:
    """Return the first differences with their place, such as `health./ready.0 was 200 and is 503`."""
    found = list(islice(_differences(before, after, ""), AT_MOST + 1))
    return ", ".join(found[:AT_MOST]) + (", and more" if len(found) > AT_MOST else "")


def _differences(before: Any, after: Any, place: str) -> Iterator[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in before | after:
            yield from _differences(before.get(name, "absent"), after.get(name, "absent"), f"{place}.{name}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, pair in enumerate(zip(before, after, strict=True)):
            yield from _differences(*pair, f"{place}.{number}")
    elif isinstance(before, list) and isinstance(after, list):
        added, gone = [x for x in after if x not in before], [x for x in before if x not in after]
        yield f"{place.lstrip('.')} has {_short(added)} more and {_short(gone)} less"
    elif before != after:
        yield f"{place.lstrip('.')} was {_short(before)} and is {_short(after)}"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= WIDTH else f"{text[:WIDTH]}..."
