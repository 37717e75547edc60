"""A run: its environment and systems, what the command line asked for, its secrets, and what is noted about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from runbook_checks.config.redaction import Redaction

if TYPE_CHECKING:
    from pathlib import Path

    from runbook_checks.config.acknowledgements import Known
    from runbook_checks.config.environment import Environment
    from runbook_checks.config.files import Files
    from runbook_checks.config.results_document import Document
    from runbook_checks.config.runbook import Chosen

PLUGIN = "runbook-checks-run"
"""The name under which pytest's plugin manager has the run."""
Check = tuple[str, str]  # symptom and system


@dataclass
class Settling:
    """How the checks of --settle and --watch came to rest."""

    looks: int = 1
    took_s: float | None = None
    """None where something is still there at the end."""
    gone: dict[Check, float] = field(default_factory=dict)
    """What was found and went away, and how long after the first look (s)."""


@dataclass(eq=False)
class Run:
    """One run. The command line is read into it once; the last fields, and `started`, change while it runs."""

    files: Files
    named: str
    """The environment, as the caller named it."""
    id: str
    started: float
    """When the run, or its newest look of --settle and --watch, began (epoch s)."""
    redaction: Redaction = field(default_factory=Redaction)
    gate: str = "P3"
    attested: tuple[str, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)
    """The version that should be running, by system."""
    domains: tuple[str, ...] = ()
    checklist: tuple[str, str] | None = None
    """System and name."""
    systems: dict[str, Chosen] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    selection: str = ""
    settle_s: float | None = None
    watch_s: float | None = None
    baseline: Document | None = None
    """An earlier results document."""
    known: Known | None = None
    """The acknowledged symptoms."""
    folder: Path | None = None
    """The run's own folder, where there is one."""
    settling: Settling | None = None
    notes: list[str] = field(default_factory=list)
    """What else the reports tell about the run."""
    left: list[tuple[str, str]] = field(default_factory=list)
    """At the end: what is left on the targets, as system and description."""
    is_kept: bool = False
    """The results are in some file, so that the terminal may be lost."""

    def __post_init__(self) -> None:
        self.vault = self.files.vault(self.redaction)

    @property
    def environment(self) -> Environment:
        return self.files.environment

    @property
    def started_text(self) -> str:
        return datetime.fromtimestamp(self.started, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
