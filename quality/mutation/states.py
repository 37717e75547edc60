"""The states of the lab in which a check is run: healthy, with a fault, with an outage, near a limit."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from runbook_checks_lab.registry import boundaries, outages
from tests.harness import run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from tests.harness import LabClient

Row = dict[str, Any]


@dataclass(frozen=True)
class State:
    kind: str
    """healthy, fault, outage or boundary."""
    name: str
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def system(self) -> str:
        return self.name.rpartition("@")[2]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}".strip()

    def entered(self, lab: LabClient) -> AbstractContextManager[None]:
        if self.kind == "healthy":
            return nullcontext()
        enter = {"fault": lab.fault, "outage": lab.outage, "boundary": lab.boundary}[self.kind]
        return enter(self.name)


@cache
def rows() -> list[Row]:
    """Return every check of every system, drills included."""
    ran = run("--env", "lab", "-m", "drill or not drill", "--list-symptoms=json")
    return list(json.loads(ran.stdout))


def own(row: Row) -> list[State]:
    """Return the states that concern this check."""
    system, symptom = row["system"], row["symptom"]
    found = [State("healthy", "")]
    found += [State("fault", f"{fault}@{system}") for fault in row["faults"]]
    near = [change for change in boundaries([system]).values() if change.name.partition("/")[0] == symptom]
    found += [State("boundary", change.full_name, change.settings) for change in near]
    found += [State("outage", c.full_name) for c in outages([system]).values() if symptom in c.hides]
    return found


def neighbours(row: Row) -> list[State]:
    """Return the outages that leave the check another source."""
    return [State("outage", c.full_name) for c in outages([row["system"]]).values() if not c.hides]


def by_state(rows: list[Row], about: Callable[[Row], list[State]]) -> dict[State, list[Row]]:
    found: dict[State, list[Row]] = {}
    for row in rows:
        for state in about(row):
            found.setdefault(state, []).append(row)
    return found
