"""Redacts what is said without being asked for: crashes, warnings, logs, pytest's own errors and its --debug log.

Each is redacted where it comes up, so in the workers of pytest-xdist too: the controller does not know their secrets.
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
    """What another formatter makes of a log record, without secrets."""

    def __init__(self, inner: logging.Formatter, redact: Callable[[str], str]) -> None:
        super().__init__()
        self._inner, self._redact = inner, redact

    def format(self, record: logging.LogRecord) -> str:
        return self._redact(self._inner.format(record))


class Hush:
    """Puts redaction before all that is written without asking for it; in workers of pytest-xdist, too."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._redact = run.redaction.text
        streams.REDACT[:] = [self._redact]
        self._before = (sys.excepthook, threading.excepthook, sys.unraisablehook)
        threading.excepthook = lambda told: self._say(told.exc_type, told.exc_value, told.exc_traceback)
        sys.excepthook = self._say
        sys.unraisablehook = lambda told: self._say(told.exc_type, told.exc_value, told.exc_traceback)

    def _say(self, kind: Any, error: Any, trace: Any) -> None:
        sys.stderr.write(self._redact("".join(traceback.format_exception(kind, error, trace))))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """What is logged as it happens, on the terminal and in a file; what is captured is redacted with its report."""
        logs = session.config.pluginmanager.get_plugin("logging-plugin")
        for handler in (logs.log_cli_handler, logs.log_file_handler) if logs else ():
            if handler.formatter and getattr(handler, "baseFilename", "") != os.devnull:
                handler.setFormatter(_Formatter(handler.formatter, self._redact))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self) -> None:
        """By now the lab is up, where there is one, and no check runs yet."""
        self._foresee()

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
        """Terminal, JUnit and pytest-xdist each make a text of it."""
        text = self._redact(str(excrepr))
        excrepr.toterminal = lambda terminal: terminal.line(text)

    @pytest.hookimpl(tryfirst=True)
    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage) -> None:
        """Terminal and pytest-xdist each make a text of it: its category is told apart from its message."""
        said = str(warning_message.message)
        text = self._redact(said)
        if text != said:
            warning_message.message = UserWarning(text)

    def go(self) -> None:
        sys.excepthook, threading.excepthook, sys.unraisablehook = self._before


def pytest_configure(config: pytest.Config) -> None:
    if not has_run(config):
        return
    run = run_of(config)
    hush = Hush(run)
    config.pluginmanager.register(hush, "runbook-checks-hush")
    config.add_cleanup(hush.go)
    root = config.trace.root
    if config.option.debug and root._writer is not None:
        write = root._writer
        root.setwriter(lambda text: write(run.redaction.text(text)))
