"""When is what said? Collects every check's record, works out the roots, and makes each report from them."""

from __future__ import annotations

import shlex
import sys
import time
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runbook_checks.config.untrusted_text import Printed, printable, unobeyed
from runbook_checks.output import destinations as places
from runbook_checks.output import files as outputs
from runbook_checks.output import streams
from runbook_checks.reports import allure, junit, markdown, terminal
from runbook_checks.results import document, verdict
from runbook_checks.results.alternatives import consider
from runbook_checks.results.exclusions import leave_out
from runbook_checks.results.model import Result, result_of
from runbook_checks.results.roots import Root, work_out

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RUN = "runbook-checks-run"


@dataclass(eq=False)
class Reports:
    """The reports of one run; on pytest-xdist's controller, of all its workers."""

    config: pytest.Config
    run: Any
    folder: Path | None
    named: dict[str, Path] = field(default_factory=dict)  # files to write, by the option that names them
    records: list[dict[str, Any]] = field(default_factory=list)
    crashed: list[Result] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    roots: list[Root] = field(default_factory=list)
    items: list[verdict.Ticked] = field(default_factory=list)
    begun: float = field(default_factory=time.monotonic)
    code: int = 0  # what was found
    ended: int = 0  # what the run ends with, where something that was asked for could not be written
    is_kept: bool = False  # whether the results are in some file
    is_whole: bool = True  # whether everything that was asked for could be written
    writer: Any = None
    """pytest's terminal for lines of ours: their free text is redacted, and their names must stay as they are."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        reporter: Any = self.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            is_silent = self.config.option.paste  # only what can be pasted is printed, and pytest's own words are not
            stream = Printed(sys.stderr if places.takes_standard_output(self.named) else reporter._tw._file)
            reporter._tw._file = _Quiet(stream, (lambda _: "") if is_silent else self.run.redaction.line)
            self.writer = copy(reporter._tw)
            self.writer._file = _Quiet(stream, (lambda _: "") if is_silent else str)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Allure's files are written by the workers."""
        allure.Logger.trouble = allure.Logger.trouble or getattr(node, "workeroutput", {}).get("allure_trouble")

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Workers of pytest-xdist read the command line anew, and know nothing of what was set since."""
        node.workerinput["allure_report_dir"] = self.config.option.allure_report_dir
        node.workerinput["folder"] = str(self.folder) if self.folder else ""

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
        record = getattr(report, "record", None)
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
        name = self.run.symptom_of(report.nodeid)
        text = self.run.systems[system].symptoms.get(name)
        reason = "the check's process died; nothing was told"
        result = Result(
            symptom=name,
            system=system,
            severity=text.severity if text else "P0",
            outcome="unknown",
            check=report.nodeid,
            started=time.time(),
            duration_s=report.duration,
            attempts=1,
            reason=reason,
            resource=name,
            needs=[],
            text=text,
        )
        self.crashed.append(result)
        if self.config.option.allure_report_dir:
            allure.write_crashed(self._allure(), result, self.run)

    def _result(self, record: dict[str, Any]) -> Result:
        """The result of a check. By now a secret may be known that was not when its record was made."""
        text = self.run.systems[record["system"]].symptoms.get(record["symptom"])
        return result_of(self.run.redacted(record), text)

    def looked(self, number: int, records: list[dict[str, Any]]) -> bool:
        """One line for each look of --watch: what is there now, roots only; whether it could still be told."""
        roots = work_out([self._result(record) for record in records], self.run.files.explanations)
        if self.writer is None:
            return True
        self.writer.line(terminal.look(number, time.strftime("%H:%M:%S"), roots))
        self.writer.flush()
        return getattr(self.writer._file, "lost", None) is None

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        self.results = [*self.crashed, *map(self._result, self.records)]
        self.results.sort(key=lambda result: (result.system, result.symptom, result.check))
        self.roots = work_out(self.results, self.run.files.explanations)
        listed = {name: system.symptoms for name, system in self.run.systems.items()}
        consider(self.roots, self.results, self.run.files.explanations, listed)
        self.run.notes += leave_out(self.results, self.run.known, self.run.baseline, time.time())
        self.run.notes += settled(self.run, self.results)
        checklist = self._checklist()
        if checklist is not None:
            self.items = verdict.tick(checklist, self.results, self.run.attested)
        self.code = int(session.exitstatus)
        if self.code in (0, 1, 5):
            self.code = verdict.exit_code(self.results, self.run.gate, self.items, checklist)
        if self._is_cut_short(session) and self.code != verdict.FOUND:
            self.code = int(pytest.ExitCode.INTERRUPTED)
        self._write()
        self.ended = self.code if self.is_whole else verdict.with_output_missing(self.code)
        session.exitstatus = self.ended
        if self.config.option.paste:
            capture: Any = self.config.pluginmanager.get_plugin("capturemanager")
            stream = sys.stderr if places.takes_standard_output(self.named) else sys.stdout
            with capture.global_and_fixture_disabled():
                print(printable(markdown.pasted(self)), end="", flush=True, file=stream)

    def _is_cut_short(self, session: pytest.Session) -> bool:
        """Whether pytest stopped before all checks were told (-x, --maxfail): the others are not known."""
        left = len(session.items) - len(self.results) if session.shouldfail or session.shouldstop else 0
        if left > 0:
            self.run.notes.append(f"stopped early: {left} checks were not looked at; leave -x and --maxfail out")
        return left > 0

    def _checklist(self) -> Any:
        if not self.run.checklist:
            return None
        system, name = self.run.checklist
        return self.run.systems[system].settings.checklists[name]

    def document(self) -> dict[str, Any]:
        run = {
            "id": self.run.id,
            "environment": self.run.environment.name,
            "started": self.run.started_text,
            "duration_s": round(time.monotonic() - self.begun, 3),
            "selection": self.run.selection,
            "gate": self.run.gate,
            "exit_code": self.code,
        }
        if self.run.baseline:
            run["baseline"] = self.run.baseline["run"]["id"]
        if self.run.settling:
            run["settled_s"] = self.run.settling.took_s
        return document.document(run, self.results, self.roots, self.run.checklist, self.items)

    def _write(self) -> None:
        """Everything that was asked for: what can't be written keeps nothing else from being written."""
        log = junit.take_over(self.config)
        made: dict[str, Callable[[], str]] = {
            "--results": cache(lambda: document.as_text(self.document())),
            "--markdown": cache(self._markdown),
            "--metrics": self._metrics,
            "--junitxml": cache(lambda: junit.text(log)),
        }
        if self.config.option.allure_report_dir:
            self._write_allure()
        for flag, path, what in self._files():
            with self._telling(what, is_asked_for=path in self.named.values() or bool(self.out)):
                text = made[flag]()
                if text:
                    outputs.write(path, text)
                self.is_kept |= flag == "--results"
        if self.folder:
            places.point_latest(self.folder)
            places.forget_old_runs(self.folder.parent)
        self.is_whole &= bool(self.folder) or not self.out  # of a folder that could not be made the run has told

    @property
    def out(self) -> str | None:
        return places.named_folder(self.config)

    def _files(self) -> Iterator[tuple[str, Path, str]]:
        """What is written: the option it belongs to, where, and how that is told."""
        for flag, name in places.IN_FOLDER.items() if self.folder else ():
            path = (self.folder or Path()) / name
            yield flag, path, str(path)
        yield from ((flag, path, f"{flag} {path}") for flag, path in self.named.items())

    def _write_allure(self) -> None:
        is_named = not self.folder or not self._allure().is_relative_to(self.folder)
        with self._telling(f"{self._allure()} (Allure's results)", is_asked_for=is_named or bool(self.out)):
            allure.finish(self._allure(), self)
            allure.require_whole()

    @contextmanager
    def _telling(self, what: str, *, is_asked_for: bool = True) -> Iterator[None]:
        """One sentence on what can't be written; on standard error where the terminal's report does not show it."""
        try:
            yield
        except OSError as error:
            sentence = f"{what} can't be written: {error.strerror}"
            self.is_whole &= not is_asked_for
            self.run.notes.append(sentence)
            if streams.lost_output() or self.config.option.no_summary:
                streams.say(sentence)

    def _allure(self) -> Path:
        """Allure's own files: in the run's folder, or where --alluredir says."""
        return Path(self.config.invocation_params.dir, self.config.option.allure_report_dir)

    def _metrics(self) -> str:
        from runbook_checks.reports import metrics

        return unobeyed(metrics.of_run(self))

    def _markdown(self) -> str:
        return unobeyed(markdown.summary(self))

    @property
    def notes(self) -> list[str]:
        """What else there is to tell of the run."""
        return [self.run.redaction.line(note) for note in self.run.notes]

    def pytest_terminal_summary(self) -> None:
        is_about_few = bool(self.run.domains)
        telling = terminal.Telling(self.writer, self.reproduce(), self.escalation, shows_links=is_about_few)
        telling.roots(self.roots)
        if self.run.checklist:
            telling.checklist(self.run.checklist, self.items)
        telling.skipped(self.results, self.run.gate)
        telling.left(self.run.ledger.left())
        telling.notes([*self.notes, *self.run.redaction.warnings])
        where = places.as_typed(self.folder) if self.folder else ""
        telling.last(self.results, self.roots, self.ended, self.run.gate, where)

    def escalation(self, system: str, severity: str) -> str:
        """Whom to call, as the system's runbook has it."""
        level = self.run.systems[system].settings.escalation.get(severity)
        if level is None:
            return ""
        within = f"within {level.within_min:g} min: " if level.within_min else ""
        later = "".join(f"; after {rung.after_min:g} min {', '.join(rung.who)}" for rung in level.then)
        return within + ", ".join(level.who) + later

    def reproduce(self) -> str:
        faults = "".join(f" --fault {fault}" for fault in self.run.faults)
        program = "pytest" if self.config.invocation_params.dir == self.config.rootpath else "runbook-checks"
        return f"{program} --env {shlex.quote(self.run.named)}{faults}"


def settled(run: Any, results: list[Result]) -> Iterator[str]:
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


class _Quiet:
    """A stream that everything pytest prints goes through: what a library or a crash prints is redacted here."""

    def __init__(self, stream: Any, redact: Any) -> None:
        self._stream, self._redact = stream, redact

    def write(self, text: str) -> int:
        return int(self._stream.write(self._redact(text)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _left_by_killed_runs(run: Any, folder: Path) -> Iterator[str]:
    others = (path for path in folder.parent.iterdir() if places.RUN_FOLDER.fullmatch(path.name) and path != folder)
    for killed, (system, what) in run.ledger.of_killed_runs(sorted(others)):
        yield f"the run {killed} was ended before it could tell what it left on {system}, marked as synthetic: {what}"


def _read_by(config: pytest.Config, run: Any) -> Iterator[Path]:
    """The files that somebody writes and a run reads; a baseline is a document, and may be renewed."""
    yield from run.files.sources
    if config.option.known:
        yield config.invocation_params.dir / config.option.known


def pytest_configure(config: pytest.Config) -> None:
    run: Any = config.pluginmanager.get_plugin(RUN)
    option = config.option
    if run is None:
        return
    if option.collectonly or option.list_symptoms:
        option.xmlpath = option.allure_report_dir = None  # nothing is written
        return
    run.write = outputs.write
    worker = getattr(config, "workerinput", None)
    if worker is None:
        named = places.named_files(config)
        places.require_writable(config, named, _read_by(config, run))
        places.require_folder(config)
        folder = places.own_folder(config, run)
        config.pluginmanager.register(Reports(config, run, folder, named), "runbook-checks-reports")
        # Ours runs before the plugins that read these options.
        if folder and not option.allure_report_dir:
            option.allure_report_dir = str(folder / "allure")
        if folder and not getattr(option, "xmlpath", "unloaded"):
            option.xmlpath = str(folder / "junit.xml")
        if folder:
            run.notes += _left_by_killed_runs(run, folder)
    else:
        option.allure_report_dir = worker["allure_report_dir"]
        folder = Path(worker["folder"]) if worker["folder"] else None
    if folder:
        run.ledger.keep_in(folder)
    if option.allure_report_dir:
        allure.install(config, run)
