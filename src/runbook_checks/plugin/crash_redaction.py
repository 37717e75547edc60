"""Redact crashes, warnings, logs, pytest's internal errors and its --debug log.

Each is redacted in the process that prints it, also in workers of pytest-xdist, whose secrets the controller does not
know.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import traceback
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from runbook_checks.output import streams
from runbook_checks.plugin.run import has_run, run_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from runbook_checks.config.run import Run


class _Formatter(logging.Formatter):
    """Redacts the log records that another formatter formats."""

    def __init__(self, inner: logging.Formatter, redact: Callable[[str], str]) -> None:
        super().__init__()
        self._inner, self._redact = inner, redact

    def format(self, record: logging.LogRecord) -> str:
        return self._redact(self._inner.format(record))


class CrashRedaction:
    """Redacts the crashes, warnings and logs of one process."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._redact = run.redaction.text
        streams.REDACT[:] = [self._redact]
        self._before = (sys.excepthook, threading.excepthook, sys.unraisablehook)
        threading.excepthook = lambda crash: self._print(crash.exc_type, crash.exc_value, crash.exc_traceback)
        sys.excepthook = self._print
        sys.unraisablehook = lambda crash: self._print(crash.exc_type, crash.exc_value, crash.exc_traceback)

    def _print(self, kind: Any, error: Any, trace: Any) -> None:
        sys.stderr.write(self._redact("".join(traceback.format_exception(kind, error, trace))))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Redact logs written to the terminal and to a file; captured ones are redacted in the report."""
        logs = session.config.pluginmanager.get_plugin("logging-plugin")
        for handler in (logs.log_cli_handler, logs.log_file_handler) if logs else ():
            if handler.formatter and getattr(handler, "baseFilename", "") != os.devnull:
                handler.setFormatter(_Formatter(handler.formatter, self._redact))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self) -> None:
        """Collect the variables' secrets after the lab has started and before a check runs."""
        self._foresee()
        self._run.redaction.start()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Send a worker's secrets to the controller: earlier results of other workers may contain them.

        Not with --debug, with which pytest-xdist prints what workers send.
        """
        if hasattr(session.config, "workeroutput") and not session.config.option.debug:
            session.config.workeroutput["secrets"] = list(self._run.redaction.secrets)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        for value, name in getattr(node, "workeroutput", {}).get("secrets", ()):
            self._run.redaction.add(value, name)

    def _foresee(self) -> None:
        for system in self._run.systems.values():
            for settings in (system.settings, *system.own.values()):
                self._run.vault.foresee(settings)

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        report = yield
        if report.failed:
            self._foresee()
            report.longrepr = self._redact(str(report.longrepr))
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_internalerror(self, excrepr: Any) -> None:
        """Redact the error's text, which the terminal, JUnit and pytest-xdist print."""
        text = self._redact(str(excrepr))
        excrepr.toterminal = lambda terminal: terminal.line(text)

    @pytest.hookimpl(tryfirst=True)
    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage) -> None:
        """Redact the warning, which the terminal and pytest-xdist print."""
        message = str(warning_message.message)
        text = self._redact(message)
        if text != message:
            warning_message.message = UserWarning(text)

    def restore(self) -> None:
        sys.excepthook, threading.excepthook, sys.unraisablehook = self._before


def pytest_configure(config: pytest.Config) -> None:
    if not has_run(config):
        return
    run = run_of(config)
    redaction = CrashRedaction(run)
    config.pluginmanager.register(redaction, "runbook-checks-crash-redaction")
    config.add_cleanup(redaction.restore)
    # pytest opens the --debug file itself; only this private attribute holds its writer.
    write = config.trace.root._writer if config.option.debug else None
    if write is not None:
        config.trace.root.setwriter(lambda text: write(run.redaction.text(text)))
