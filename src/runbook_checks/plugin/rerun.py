"""How are checks run again? --settle until nothing at the gate is left or time is up, --watch until all is clear."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runbook_checks.config.runbook import SEVERITIES
from runbook_checks.plugin.selection import symptom_of, system_of
from runbook_checks.verdicts import Found

if TYPE_CHECKING:
    from collections.abc import Callable

    from runbook_checks.plugin.scheduler import Bodies

PAUSE_S = 2.0  # between two looks of --settle
Check = tuple[str, str]  # symptom and system


@dataclass
class Settling:
    """How it came to rest: after how long, in how many looks, and what was gone when (seconds from the beginning)."""

    looks: int = 1
    took_s: float | None = None
    """None where something is still there at the end."""
    gone: dict[Check, float] = field(default_factory=dict)


class Passes:
    """Looks at items again and again; what the last looks came to is what the run tells."""

    def __init__(self, bodies: Bodies) -> None:
        self.bodies, self.run = bodies, bodies.run
        self.held: set[Check] = set()
        self.begun = time.monotonic()
        self.settling = Settling()

    def settle(self, items: list[Any], within_s: float) -> Settling:
        """Look again at what isn't clear; when all of it is, once more at everything that is only read."""
        pending, is_whole = items, True
        while True:
            self._look(pending)
            left = [item for item in pending if self.holds_up(item)]
            if not left and is_whole:
                self.settling.took_s = max(self.settling.gone.values(), default=0.0)
                return self.settling
            if self.passed_s() >= within_s:
                if not left:  # gone at the last moment: nobody looked whether the rest still is
                    self.settling.took_s = round(self.passed_s(), 1)
                return self.settling
            is_whole = not left
            pending = left or [item for item in items if not _writes(item)]
            if left:
                time.sleep(min(PAUSE_S, max(0.0, within_s - self.passed_s())))
            self._again(pending)

    def watch(self, items: list[Any], every_s: float, tell: Callable[[int], bool]) -> Settling:
        """Look at everything again until all is clear, Ctrl-C, or nobody reads; what writes only where not clear."""
        pending = items
        try:
            while True:
                self._look(pending)
                is_heard = tell(self.settling.looks)
                left = [item for item in items if self.holds_up(item)]
                if not left:
                    self.settling.took_s = round(self.passed_s(), 1)
                    return self.settling
                if not is_heard:
                    return self.settling
                time.sleep(every_s)
                pending = [item for item in items if item in left or not _writes(item)]
                self._again(pending)
        except KeyboardInterrupt:
            self.bodies.look([])
            return self.settling

    def _look(self, items: list[Any]) -> None:
        self.bodies.look(items)
        for item in items:
            check = (symptom_of(item) or "", system_of(item))
            if self.holds_up(item):
                self.held.add(check)
                self.settling.gone.pop(check, None)
            elif check in self.held:
                self.settling.gone.setdefault(check, round(self.passed_s(), 1))

    def _again(self, items: list[Any]) -> None:
        self.settling.looks += 1
        self.run.renew()
        for item in items:
            self.bodies.forget(item)

    def passed_s(self) -> float:
        return time.monotonic() - self.begun

    def holds_up(self, item: Any) -> bool:
        """Whether what this check came to last, at the gate and known to nobody, is anything but clear."""
        error = self.bodies.body(item).error
        name, system = symptom_of(item) or "", system_of(item)
        severity = self.run.systems[system].symptoms[name].severity
        if error is None:
            return False
        if not isinstance(error, Found):
            return self._counts(severity)
        return any(
            self._counts(found.severity or severity) and not self._is_known(name, system, found)
            for found in error.findings
        )

    def _counts(self, severity: str) -> bool:
        return SEVERITIES.index(severity) <= SEVERITIES.index(self.run.gate)

    def _is_known(self, name: str, system: str, found: Found) -> bool:
        known = self.run.known
        return bool(known and known.current(name, system, found.subject, found.cause, self.run.started))


def _writes(item: Any) -> bool:
    return item.get_closest_marker("write") is not None
