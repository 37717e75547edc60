"""The pytest plugin for reports: collects every check's result, analyses them, and writes each report."""

from __future__ import annotations

import shlex
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runbook_checks.config.run import PLUGIN, Run
from runbook_checks.locations import SETTINGS
from runbook_checks.output import destinations
from runbook_checks.reports import allure, markdown, terminal
from runbook_checks.reports.run_files import RunFiles
from runbook_checks.results import verdict
from runbook_checks.results.analysis import analyse
from runbook_checks.results.finished_run import FinishedRun
from runbook_checks.results.late_redaction import redacted_again
from runbook_checks.results.model import Result, carried_by
from runbook_checks.results.roots import find_roots

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runbook_checks.config.runbook import Checklist


@dataclass(eq=False)
class Reports:
    """The reports of one run; on the controller of pytest-xdist, for all its workers."""

    config: pytest.Config
    run: Run
    files: RunFiles
    results: dict[str, Result] = field(default_factory=dict)
    """By node id."""
    begun: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Symptom and severity of the checks that workers started, by node id."""
    started: float = field(default_factory=time.monotonic)
    finished: FinishedRun | None = None
    ended: int = 0
    """The exit code, which also depends on whether every output could be written."""

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Pass on what the controller has set: workers of pytest-xdist parse the command line again."""
        node.workerinput["allure_report_dir"] = self.config.option.allure_report_dir
        node.workerinput["folder"] = str(self.run.folder) if self.run.folder else ""

    def pytest_report_header(self) -> list[str]:
        environment, run = self.run.environment, self.run
        return [f"run {run.id}: {environment.name} ({environment.tier}, effects: {environment.effects})", *run.systems]

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, Any] | None:
        result = carried_by(report)
        if result is None:
            return None
        letter, colour = terminal.LETTERS[result.outcome]
        return result.outcome, letter, (result.outcome.upper(), {colour: True})

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        result, begun = carried_by(report), getattr(report, "begun", None)
        if begun is not None:
            self.begun[report.nodeid] = begun
        if result is not None:
            self.results[report.nodeid] = result
        elif str(report.when) == "???" or (report.failed and report.when != "call"):
            self._crashed(report)

    def _crashed(self, report: pytest.TestReport) -> None:
        """Report the check of a crashed worker as unknown."""
        system = report.nodeid.partition("[")[2].rstrip("]")
        if system not in self.run.systems or report.nodeid in self.results:
            return
        symptom, severity = self.begun.get(report.nodeid, (report.nodeid, "P0"))
        result = self.results[report.nodeid] = Result(
            symptom=symptom,
            system=system,
            severity=severity,
            outcome="unknown",
            check=report.nodeid,
            started=time.time(),
            duration_s=report.duration,
            reason="the worker crashed before reporting",
            resource=symptom,
        )
        if logger := allure.logger_of(self.config):
            logger.write_crashed(result)

    @pytest.hookimpl(optionalhook=True)
    def pytest_runbook_checks_look(self, number: int, results: list[Result]) -> bool:
        """Print the roots of one pass of --watch in a line; False if the output is lost."""
        roots, _ = find_roots(results, self.run.files.explanations)
        if not self.config.pluginmanager.has_plugin("terminalreporter"):
            return True
        writer = self.config.get_terminal_writer()
        writer.line(terminal.look(number, time.strftime("%H:%M:%S"), roots))
        writer.flush()
        return getattr(self.config.stash[destinations.PRINTED], "lost", None) is None

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        finished = self.finished = self._finished(session)
        self.files.write(finished)
        self.ended = finished.code if self.files.is_whole else verdict.with_output_missing(finished.code)
        session.exitstatus = self.ended
        if self.config.option.paste:
            capture: Any = self.config.pluginmanager.get_plugin("capturemanager")
            stream = self.config.stash[destinations.PRINTED]
            with capture.global_and_fixture_disabled():
                print(markdown.pasted(finished, self.ended), end="", flush=True, file=stream)

    def _finished(self, session: pytest.Session) -> FinishedRun:
        run, checklist = self.run, self._checklist()
        if run.redaction.has_grown:
            self.results = {name: redacted_again(result, run.redaction) for name, result in self.results.items()}
        results = sorted(self.results.values(), key=lambda result: (result.system, result.symptom, result.check))
        analysis = analyse(results, run, time.time())
        run.notes += analysis.notes
        run.notes += settled(run, results)
        items = verdict.tick(checklist, results, run.attested) if checklist else []
        code = int(session.exitstatus)
        if code in (0, 1, 5):
            code = verdict.exit_code(results, analysis.not_counted, run.gate, items, checklist)
        if self._is_cut_short(session, results) and code != verdict.FOUND:
            code = int(pytest.ExitCode.INTERRUPTED)
        took_s = round(time.monotonic() - self.started, 3)
        return FinishedRun(run, results, analysis, items, code, took_s, self._reproduce())

    def _is_cut_short(self, session: pytest.Session, results: list[Result]) -> bool:
        """Whether pytest stopped before all checks were run (-x, --maxfail)."""
        left = len(session.items) - len(results) if session.shouldfail or session.shouldstop else 0
        if left > 0:
            self.run.notes.append(f"stopped early: {left} checks were not run; remove -x and --maxfail")
        return left > 0

    def _checklist(self) -> Checklist | None:
        if not self.run.checklist:
            return None
        system, name = self.run.checklist
        return self.run.systems[system].settings.checklists[name]

    def _reproduce(self) -> str:
        option = self.config.option
        given = [
            ("--fault", self.run.faults),
            ("--expect-version", option.expect_version),
            ("--base-url", option.base_url),
        ]
        more = "".join(f" {name} {shlex.quote(value)}" for name, values in given for value in values)
        program = "runbook-checks" if self.config.inipath == SETTINGS else "pytest"
        return f"{program} --env {shlex.quote(self.run.named)}{more}"

    def pytest_terminal_summary(self) -> None:
        if self.finished is not None:
            where = destinations.as_typed(self.run.folder) if self.run.folder else ""
            terminal.TerminalReport(self.config.get_terminal_writer(), self.finished).write(self.ended, where)


def settled(run: Run, results: list[Result]) -> Iterator[str]:
    """Notes of --settle and --watch: the time until all was clear, and the findings that went away."""
    settling = run.settling
    if settling is None:
        return
    for (symptom, system), after in sorted(settling.gone.items(), key=lambda entry: entry[1]):
        severity = next((r.severity for r in results if (r.symptom, r.system) == (symptom, system)), "")
        yield f"settled: {severity} {symptom} [{system}] cleared after {after:g} s"
    if settling.took_s is not None:
        how = f"after {settling.took_s:g} s, in {settling.looks} passes" if settling.gone else "in the first pass"
        yield f"all clear {how}"
    elif run.settle_s:
        yield f"not settled within {run.settle_s:g} s, in {settling.looks} passes: the findings above remain"


def _read_by(config: pytest.Config, run: Run) -> Iterator[Path]:
    """The files written by people that a run reads; a baseline is not one of them, and may be overwritten."""
    yield from run.files.sources
    if config.option.known:
        yield config.invocation_params.dir / config.option.known


def pytest_configure(config: pytest.Config) -> None:
    run, option = config.pluginmanager.get_plugin(PLUGIN), config.option
    if not isinstance(run, Run):
        return
    if option.collectonly or option.list_symptoms:
        option.xmlpath = option.allure_report_dir = None  # write nothing
        return
    worker = getattr(config, "workerinput", None)
    if worker is None:
        _choose_places(config, run)
    else:
        option.allure_report_dir = worker["allure_report_dir"]
        run.folder = Path(worker["folder"]) if worker["folder"] else None
    if option.allure_report_dir:
        allure.install(config, run)


def _choose_places(config: pytest.Config, run: Run) -> None:
    """Refuse outputs that cannot be written before any check runs, and create the run's folder."""
    option, named = config.option, destinations.named_files(config)
    destinations.require_writable(config, named, _read_by(config, run))
    destinations.require_folder(config)
    run.folder = destinations.own_folder(config, run)
    reports = Reports(config, run, RunFiles(config, run, named))
    config.pluginmanager.register(reports, "runbook-checks-reports")
    # This hook runs before the plugins that read these options.
    if run.folder and not option.allure_report_dir:
        option.allure_report_dir = str(run.folder / "allure")
    if run.folder and not getattr(option, "xmlpath", "unloaded"):
        option.xmlpath = str(run.folder / "junit.xml")
