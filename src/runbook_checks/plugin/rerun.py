"""Repeat checks: --settle until all at the gate are clear or time is up, --watch until all are clear."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from runbook_checks.config.run import Check, Settling
from runbook_checks.plugin import hooks
from runbook_checks.plugin.result_maker import result_of
from runbook_checks.plugin.run import has_run, run_of
from runbook_checks.plugin.scheduler import bodies_of
from runbook_checks.plugin.selection import symptom_of, system_of
from runbook_checks.results.model import grave
from runbook_checks.verdicts import Found

if TYPE_CHECKING:
    from collections.abc import Callable

    from runbook_checks.plugin.scheduler import Bodies

PAUSE_S = 2.0  # between two passes of --settle


class _Rerun:
    """Runs the passes before pytest's own loop, which then reports the last pass's results."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> None:
        bodies, run = bodies_of(session.config), run_of(session.config)
        if bodies is None or session.config.option.collectonly or session.testsfailed:
            return
        items, passes = bodies.items(session), Passes(bodies)

        def report(number: int) -> bool:
            results = [result_of(item, bodies.body(item), run) for item in items]
            return session.config.hook.pytest_runbook_checks_look(number=number, results=results) is not False

        if run.settle_s:
            run.settling = passes.settle(items, run.settle_s)
        elif run.watch_s:
            run.settling = passes.watch(items, run.watch_s, report)


class Passes:
    """Runs items repeatedly; the run reports each item's last result."""

    def __init__(self, bodies: Bodies) -> None:
        self.bodies, self.run = bodies, bodies.context.run
        self.held: set[Check] = set()
        self.begun = time.monotonic()
        self.settling = Settling()

    def settle(self, items: list[Any], within_s: float) -> Settling:
        """Repeat what is not clear; once all is clear, repeat every read-only check once more."""
        pending, is_whole = items, True
        while True:
            self._look(pending)
            left = [item for item in pending if self.holds_up(item)]
            if not left and is_whole:
                self.settling.took_s = max(self.settling.gone.values(), default=0.0)
                return self.settling
            if self.passed_s() >= within_s:
                if not left:  # cleared at the last moment, without a final pass over all checks
                    self.settling.took_s = round(self.passed_s(), 1)
                return self.settling
            is_whole = not left
            pending = left or [item for item in items if not _writes(item)]
            if left:
                time.sleep(min(PAUSE_S, max(0.0, within_s - self.passed_s())))
            self._again(pending)

    def watch(self, items: list[Any], every_s: float, report: Callable[[int], bool]) -> Settling:
        """Repeat until all is clear, Ctrl-C, or lost output; checks that write are repeated only where not clear."""
        pending = items
        try:
            while True:
                self._look(pending)
                is_printed = report(self.settling.looks)
                left = [item for item in items if self.holds_up(item)]
                if not left:
                    self.settling.took_s = round(self.passed_s(), 1)
                    return self.settling
                if not is_printed:
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
        self.bodies.context.renew()
        for item in items:
            self.bodies.forget(item)

    def passed_s(self) -> float:
        return time.monotonic() - self.begun

    def holds_up(self, item: Any) -> bool:
        """Whether the last result of a check is not clear, counts at the gate and is not acknowledged."""
        error = self.bodies.body(item).error
        name, system = symptom_of(item) or "", system_of(item)
        severity = self.run.systems[system].symptoms[name].severity
        if error is None:
            return False
        if not isinstance(error, Found):
            return grave(severity, self.run.gate)
        return any(
            grave(found.severity or severity, self.run.gate) and not self._is_known(name, system, found)
            for found in error.findings
        )

    def _is_known(self, name: str, system: str, found: Found) -> bool:
        known = self.run.known
        return bool(known and known.current(name, system, found.subject, found.cause, self.run.started))


def _writes(item: Any) -> bool:
    return item.get_closest_marker("write") is not None


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    pluginmanager.add_hookspecs(hooks)


def pytest_configure(config: pytest.Config) -> None:
    if has_run(config) and (config.option.settle or config.option.watch):
        config.pluginmanager.register(_Rerun(), "runbook-checks-rerun")
