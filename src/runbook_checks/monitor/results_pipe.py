"""A pytest plugin that writes a run's results document to a pipe, which needs no disk."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from runbook_checks.monitor.check_run import PIPE
from runbook_checks.reports.plugin import Reports
from runbook_checks.results.document import as_text, document

if TYPE_CHECKING:
    from collections.abc import Generator

    from runbook_checks.results.finished_run import FinishedRun


def pytest_configure(config: pytest.Config) -> None:
    named = os.environ.pop(PIPE, "")
    if named and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_ResultsPipe(int(named)), "runbook-checks-results-pipe")


class _ResultsPipe:
    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        os.set_inheritable(descriptor, False)  # a program that survives the run must not keep it open

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, Any, Any]:
        """Write the document last, and also when another plugin fails to write its report to a full disk."""
        try:
            return (yield)
        finally:
            finished = _finished(session.config)
            if finished is not None:
                text = as_text(document(finished))
                with os.fdopen(self.descriptor, "w", encoding="utf-8", errors="replace") as pipe:
                    pipe.write(text)


def _finished(config: pytest.Config) -> FinishedRun | None:
    reports = config.pluginmanager.get_plugin("runbook-checks-reports")
    return reports.finished if isinstance(reports, Reports) else None
