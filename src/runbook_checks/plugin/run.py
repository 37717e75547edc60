"""What is this run about? The environment, its systems and the options, known to every part of the suite."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import pytest

from runbook_checks.config import environment_files as finding
from runbook_checks.config.environment_files import suite_of
from runbook_checks.config.redaction import Redaction
from runbook_checks.config.strict_yaml import BadFile
from runbook_checks.plugin.leftovers import Ledger
from runbook_checks.plugin.public_text import Public
from runbook_checks.plugin.record_redaction import redacted
from runbook_checks.plugin.suites import BUILT_IN, own_handles
from runbook_checks.probes.sql.pool import Pools

if TYPE_CHECKING:
    from collections.abc import Callable

    from runbook_checks.config.load import Files
    from runbook_checks.config.runbook import Chosen
    from runbook_checks.handles.system_probes import Bound

NAME = "runbook-checks-run"


@dataclass(eq=False)
class Run:
    """One run: made in pytest_configure, registered as the plugin NAME."""

    files: Files
    named: str
    id: str
    started: float
    gate: str = "P3"
    attested: tuple[str, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)
    domains: tuple[str, ...] = ()
    checklist: tuple[str, str] | None = None
    systems: dict[str, Chosen] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    selection: str = ""
    settle_s: float | None = None
    watch_s: float | None = None
    baseline: dict[str, Any] | None = None
    known: Any = None
    settling: Any = None
    notes: list[str] = field(default_factory=list)
    progress: Callable[..., None] = field(default=lambda text, *, is_over: None)  # noqa: ARG005  plugin.progress sets it
    write: Callable[[Path, str], object] = Path.write_text  # reports.plugin sets the one that all reports use
    public: Public = field(init=False)
    redaction: Redaction = field(init=False)
    ledger: Ledger = field(init=False)
    pools: Pools = field(default_factory=Pools)
    _bound: dict[str, Bound] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self.public = Public(self)
        self.redaction = Redaction(self.public)
        self.vault = self.files.vault(self.redaction)
        self.ledger = Ledger(self.redaction.name)

    @property
    def environment(self) -> Any:
        return self.files.environment

    @property
    def started_text(self) -> str:
        return datetime.fromtimestamp(self.started, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def bound(self, system: str) -> Bound:
        """The probes of one system, made when first asked for: once, however many checks ask at the same time."""
        from runbook_checks.handles.system_probes import Bound

        with self._lock:
            if system not in self._bound:
                self._bound[system] = Bound(self, self.systems[system])
            return self._bound[system]

    def symptom_of(self, nodeid: str) -> str:
        """The symptom of a check by its node id, where only that is left; the node id where there is none."""
        path, _, function = nodeid.partition("[")[0].partition("::")
        try:
            module = BUILT_IN.module(Path(path))
        except ImportError:
            return nodeid
        return str(getattr(getattr(module, function, None), "symptom", nodeid))

    def redacted(self, record: dict[str, Any]) -> dict[str, Any]:
        """A check's record without the secrets that are known by now."""
        return redacted(record, self.redaction)

    def renew(self) -> None:
        """Begin to look anew: nothing that was read before is taken for what is there now."""
        self.close()
        self._bound.clear()
        self.pools = Pools()
        self.started = time.time()

    def close(self) -> None:
        for bound in self._bound.values():
            bound.close()
        self.vault.close()


def find_environment(named: str) -> Path:
    """The file of an environment given by name or path; UsageError with what there is."""
    try:
        return finding.find_environment(named)
    except finding.NoSuchEnvironment as none:
        raise pytest.UsageError(f"--env {none}") from None


def load_files(named: str) -> Files:
    """Everything that an environment leads to, the team's own capabilities among it; UsageError with all mistakes."""
    from runbook_checks.config.cache import load

    path = find_environment(named)
    own = {name: handle.Settings for name, handle in own_handles(suite_of(path)).items()}
    try:
        return load(path, own)
    except BadFile as bad:
        raise pytest.UsageError(*[str(problem) for problem in bad.problems]) from None


def new_id() -> str:
    """A run's id: sortable by time, unique on the machine."""
    return time.strftime("%Y%m%dT%H%M%S", time.gmtime()) + "-" + uuid.uuid4().hex[:6]


def run_of(config: pytest.Config) -> Run:
    """The run that pytest_configure registered."""
    run = config.pluginmanager.get_plugin(NAME)
    assert isinstance(run, Run)
    return run
