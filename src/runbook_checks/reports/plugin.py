"""The pytest plugin of the reports: collects every check's record, works out the roots, and makes each report."""

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
from runbook_checks.results.alternatives import consider
from runbook_checks.results.exclusions import leave_out
from runbook_checks.results.finished_run import FinishedRun
from runbook_checks.results.model import Result, result_of
from runbook_checks.results.roots import work_out

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runbook_checks.config.runbook import Checklist


@dataclass(eq=False)
class Reports:
    """The reports of one run; on pytest-xdist's controller, of all its workers."""

    config: pytest.Config
    run: Run
    files: RunFiles
    records: list[dict[str, Any]] = field(default_factory=list)
    begun: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What workers told of checks before they ran them, by node id."""
    crashed: list[Result] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)
    finished: FinishedRun | None = None
    ended: int = 0
    """The exit code, also by whether everything that was asked for could be written."""

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Allure's files are written by the workers."""
        allure.Logger.trouble = allure.Logger.trouble or getattr(node, "workeroutput", {}).get("allure_trouble")

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Workers of pytest-xdist read the command line anew, and know nothing of what was set since."""
        node.workerinput["allure_report_dir"] = self.config.option.allure_report_dir
        node.workerinput["folder"] = str(self.run.folder) if self.run.folder else ""

    def pytest_report_header(self) -> list[str]:
        environment, run = self.run.environment, self.run
        return [f"run {run.id}: {environment.name} ({environment.tier}, effects: {environment.effects})", *run.systems]

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, Any] | None:
        record = getattr(report, "record", None)
        if record is None:
            return None
        letter, word = terminal.letters(record["outcome"])
        colour = {"clear": "green", "found": "red"}.get(record["outcome"], "yellow")
        return record["outcome"], letter, (word, {colour: True})

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        record, begun = getattr(report, "record", None), getattr(report, "begun", None)
        if begun is not None:
            self.begun[report.nodeid] = begun
        if record is not None:
            self.records.append(record)
        elif str(report.when) == "???" or (report.failed and report.when != "call"):
            self._crashed(report)

    def _crashed(self, report: pytest.TestReport) -> None:
        """A worker that died took its check's record with it: the check is unknown, and said so everywhere."""
        system = report.nodeid.partition("[")[2].rstrip("]")
        told = [*(record["check"] for record in self.records), *(result.check for result in self.crashed)]
        if system not in self.run.systems or report.nodeid in told:
            return
        begun = self.begun.get(report.nodeid, {})
        name = begun.get("symptom", report.nodeid)
        result = Result(
            symptom=name,
            system=system,
            severity=begun.get("severity", "P0"),
            outcome="unknown",
            check=report.nodeid,
            started=time.time(),
            duration_s=report.duration,
            attempts=1,
            reason="the check's process died; nothing was told",
            resource=name,
            needs=[],
            text=self.run.systems[system].symptoms.get(name),
        )
        self.crashed.append(result)
        if self.config.option.allure_report_dir:
            allure.write_crashed(self.files.allure(), result, self.run)

    def _result(self, record: dict[str, Any]) -> Result:
        """The result of a check. By now a secret may be known that was not when its record was made."""
        text = self.run.systems[record["system"]].symptoms.get(record["symptom"])
        redacted = self.config.hook.pytest_runbook_checks_redact(config=self.config, record=record)
        return result_of(redacted, text)

    @pytest.hookimpl(optionalhook=True)
    def pytest_runbook_checks_look(self, number: int, records: list[dict[str, Any]]) -> bool:
        """One line for each look of --watch: what is there now, roots only; whether it could still be told."""
        roots = work_out([self._result(record) for record in records], self.run.files.explanations)
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
        results = [*self.crashed, *map(self._result, self.records)]
        results.sort(key=lambda result: (result.system, result.symptom, result.check))
        roots = work_out(results, run.files.explanations)
        listed = {name: system.symptoms for name, system in run.systems.items()}
        consider(roots, results, run.files.explanations, listed)
        run.notes += leave_out(results, run.known, run.baseline, time.time())
        run.notes += settled(run, results)
        items = verdict.tick(checklist, results, run.attested) if checklist else []
        code = int(session.exitstatus)
        if code in (0, 1, 5):
            code = verdict.exit_code(results, run.gate, items, checklist)
        if self._is_cut_short(session, results) and code != verdict.FOUND:
            code = int(pytest.ExitCode.INTERRUPTED)
        took_s = round(time.monotonic() - self.started, 3)
        return FinishedRun(run, results, roots, items, code, took_s, self._reproduce())

    def _is_cut_short(self, session: pytest.Session, results: list[Result]) -> bool:
        """Whether pytest stopped before all checks were told (-x, --maxfail): the others are not known."""
        left = len(session.items) - len(results) if session.shouldfail or session.shouldstop else 0
        if left > 0:
            self.run.notes.append(f"stopped early: {left} checks were not looked at; leave -x and --maxfail out")
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
        finished, run = self.finished, self.run
        if finished is None:
            return
        is_about_few, writer = bool(run.domains), self.config.get_terminal_writer()
        telling = terminal.Telling(writer, finished.reproduce, finished.escalation, shows_links=is_about_few)
        telling.roots(finished.roots)
        if run.checklist:
            telling.checklist(run.checklist, finished.items)
        telling.skipped(finished.results, run.gate)
        telling.left(run.left)
        telling.notes([*finished.notes, *run.redaction.warnings])
        where = destinations.as_typed(run.folder) if run.folder else ""
        telling.last(finished.results, finished.roots, self.ended, run.gate, where)


def settled(run: Run, results: list[Result]) -> Iterator[str]:
    """How long it took until all was well, and what went away on the way there."""
    settling = run.settling
    if settling is None:
        return
    for (symptom, system), after in sorted(settling.gone.items(), key=lambda entry: entry[1]):
        severity = next((r.severity for r in results if (r.symptom, r.system) == (symptom, system)), "")
        yield f"settled: {severity} {symptom} [{system}] was gone after {after:g} s"
    if settling.took_s is not None:
        how = f"after {settling.took_s:g} s, in {settling.looks} looks" if settling.gone else "at the first look"
        yield f"all was well {how}"
    elif run.settle_s:
        yield f"not settled within {run.settle_s:g} s, in {settling.looks} looks: what is told is still there"


def _read_by(config: pytest.Config, run: Run) -> Iterator[Path]:
    """The files that somebody writes and a run reads; a baseline is a document, and may be renewed."""
    yield from run.files.sources
    if config.option.known:
        yield config.invocation_params.dir / config.option.known


def pytest_configure(config: pytest.Config) -> None:
    run, option = config.pluginmanager.get_plugin(PLUGIN), config.option
    if not isinstance(run, Run):
        return
    if option.collectonly or option.list_symptoms:
        option.xmlpath = option.allure_report_dir = None  # nothing is written
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
    """Refuse what can't be written before any check runs, and make the run's own folder."""
    option, named = config.option, destinations.named_files(config)
    destinations.require_writable(config, named, _read_by(config, run))
    destinations.require_folder(config)
    run.folder = destinations.own_folder(config, run)
    reports = Reports(config, run, RunFiles(config, run, named))
    config.pluginmanager.register(reports, "runbook-checks-reports")
    # Ours runs before the plugins that read these options.
    if run.folder and not option.allure_report_dir:
        option.allure_report_dir = str(run.folder / "allure")
    if run.folder and not getattr(option, "xmlpath", "unloaded"):
        option.xmlpath = str(run.folder / "junit.xml")
