"""An environment, results documents and a clock for the monitor; everything else about it is real."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from runbook_checks.monitor.command import main
from runbook_checks.monitor.store import Store
from tests.harness import SYSTEM

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest
    import time_machine

    from tests.monitor.receivers import Receivers

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
CHANNELS = ("pager", "chat", "mail", "lead")
# The checks, with the highest severity of each.
SYMPTOMS = {
    "backup.stale": "P1",
    "database.unreachable": "P0",
    "domain.certificate-expired": "P0",
    "domain.certificate-expiring": "P2",
    "health.degraded": "P1",
    "health.not-ready": "P0",
    "health.slow": "P2",
    "health.unreachable": "P0",
    "migration.missing": "P0",
}
ENVIRONMENT: dict[str, Any] = {
    "name": "stage",
    "tier": "staging",
    "systems": {
        SYSTEM: {
            "http": {"base_url": "https://cs.example.com"},
            "postgres": {"dsn": {"env": "STAGE_DSN"}},
            "escalation": {
                "P0": {
                    "within_min": 5,
                    "who": ["on call"],
                    "then": [
                        {"after_min": 15, "who": ["tech lead"]},
                        {"after_min": 30, "who": ["director"]},
                        {"after_min": 60, "who": ["CTO"]},
                    ],
                }
            },
        }
    },
    "monitoring": {
        "every_min": 1,
        "channels": {name: {"env": f"STAGE_{name.upper()}"} for name in CHANNELS},
        "roles": {"on call": ["pager"], "tech lead": ["lead"], "director": ["lead"]},
        "watcher": "P2",
        "severities": {
            "P0": {"channels": ["pager", "chat"], "after": 2, "of": 3, "clear_after": 2, "remind_min": 30},
            "P1": {"channels": ["chat"], "after": 3, "of": 5, "clear_after": 3, "remind_min": 120},
            "P2": {"channels": ["mail"], "after": 3, "of": 5, "clear_after": 3, "remind_min": 0},
        },
    },
}


@dataclass
class Trouble:
    """A finding, or an unknown result, in the minutes from `begins` up to `ends`."""

    symptom: str
    begins: float
    ends: float
    severity: str = ""
    cause: str = "some-cause"
    subject: str | None = None
    explained_by: str | None = None
    every: int = 1
    unknown: str | None = None
    """The resource that does not respond, for an unknown result."""

    def is_there(self, minute: float) -> bool:
        return self.begins <= minute < self.ends and (minute - self.begins) % self.every == 0


def document(troubles: list[Trouble], minute: float = 0) -> dict[str, Any]:
    """Return the results document of a run in that minute."""
    now = [trouble for trouble in troubles if trouble.is_there(minute)]
    results = [result(name, [t for t in now if t.symptom == name]) for name in SYMPTOMS]
    roots = {root(t) for t in now if t.explained_by is None}
    outcomes = [entry["outcome"] for entry in results]
    return {
        "schema": 1,
        "run": {
            "id": f"run-{minute:g}",
            "environment": "stage",
            "started": "2026-03-02T00:00:00Z",
            "duration_s": 1.5,
            "selection": "-m monitor",
            "gate": "P3",
            "exit_code": 1 if "found" in outcomes else 10 if "unknown" in outcomes else 0,
        },
        "counts": {outcome: outcomes.count(outcome) for outcome in ("clear", "found", "unknown", "skipped")},
        "roots": sorted(roots),
        "checklist": None,
        "results": results,
    }


def root(trouble: Trouble) -> str:
    tail = f"#{trouble.subject}" if trouble.subject else ""
    return f"{f'unreadable:{trouble.unknown}' if trouble.unknown else trouble.symptom}[{SYSTEM}]{tail}"


def result(symptom: str, troubles: list[Trouble]) -> dict[str, Any]:
    unknown = next((t for t in troubles if t.unknown), None)
    findings = [] if unknown else [finding(t) for t in troubles]
    return {
        "symptom": symptom,
        "system": SYSTEM,
        "severity": SYMPTOMS[symptom],
        "outcome": "unknown" if unknown else "found" if findings else "clear",
        "check": f"checks/{symptom.split('.')[0]}.py::check[{SYSTEM}]",
        "duration_s": 0.1,
        "attempts": 1,
        "findings": findings,
        "reason": "it gave no answer" if unknown else None,
        "resource": unknown.unknown if unknown else None,
        "explained_by": unknown.explained_by if unknown else None,
    }


def finding(trouble: Trouble) -> dict[str, Any]:
    return {
        "subject": trouble.subject,
        "severity": trouble.severity or SYMPTOMS[trouble.symptom],
        "cause": trouble.cause,
        "explained_by": trouble.explained_by,
        "seen": "this was seen",
        "wanted": "that was wanted",
        "because": "of this",
        "remedy": ["do this", "then that"],
        "evidence": {},
    }


@dataclass
class Stage:
    """An environment file whose monitor is called with one document at a time."""

    folder: Path
    receivers: Receivers
    clock: time_machine.Traveller
    environment: dict[str, Any] = field(default_factory=lambda: json.loads(json.dumps(ENVIRONMENT)))
    arguments: list[str] = field(init=False)
    """Further arguments for the monitor."""
    before: Callable[[], None] = lambda: None
    """Called before each run; `after` is called after it."""
    after: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self.arguments = ["--state", str(self.state)]

    def set_up(self, monkeypatch: pytest.MonkeyPatch) -> Stage:
        for channel in CHANNELS:
            monkeypatch.setenv(f"STAGE_{channel.upper()}", self.receivers.address(channel))
        self.write()
        return self

    def write(self) -> None:
        self.path.write_text(json.dumps(self.environment))

    @property
    def path(self) -> Path:
        return self.folder / "stage.yaml"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def know(self, **lists: list[dict[str, Any]]) -> None:
        (self.folder / "known").mkdir(exist_ok=True)
        (self.folder / "known" / "stage.yaml").write_text(json.dumps(lists))

    def go(self, minute: float, troubles: list[Trouble] | None = None) -> int:
        """Make one run with these findings; without a list the run failed."""
        return self.take(minute, None if troubles is None else document(troubles, minute))

    def take(self, minute: float, reported: dict[str, Any] | None) -> int:
        """Make one run with this results document."""
        self.clock.move_to(MIDNIGHT + timedelta(minutes=minute))
        results = self.folder / "results.json"
        results.write_text("" if reported is None else json.dumps(reported))
        self.before()
        try:
            return main([str(self.path), *self.arguments, "--document", str(results)])
        finally:
            self.after()

    def messages(self) -> list[tuple[int, str, str]]:
        """Return minute, channel and title of every message that arrived, in order of time and channel."""
        begun = MIDNIGHT.timestamp()
        return sorted((round((got.at - begun) / 60), got.channel, got.title) for got in self.receivers.got)

    def store(self) -> Store:
        return Store(self.state / "stage" / "history.sqlite3")
