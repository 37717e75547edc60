"""When is what said? Collects every check's record, works out the roots, and makes each report from them."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reports import allure, document, terminal, verdict
from reports.outcomes import Result, result_of
from reports.roots import Root, work_out

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

RUN = "runbook-checks-run"
RUN_FOLDER = re.compile(r"\d{8}T\d{6}-[0-9a-f]{6}")
KEPT_RUNS = 100
OUT = Path(__file__).resolve().parent / "out"


@dataclass(eq=False)
class Reports:
    """The reports of one run; on pytest-xdist's controller, of all its workers."""

    config: pytest.Config
    run: Any
    folder: Path | None
    results: list[Result] = field(default_factory=list)
    roots: list[Root] = field(default_factory=list)
    items: list[verdict.Ticked] = field(default_factory=list)
    left: list[tuple[str, str]] = field(default_factory=list)
    begun: float = field(default_factory=time.monotonic)
    code: int = 0

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        reporter: Any = self.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            reporter._tw._file = _Quiet(reporter._tw._file, self.run.redaction.text)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Workers of pytest-xdist read the command line anew, and know nothing of what was set since."""
        node.workerinput["allure_report_dir"] = self.config.option.allure_report_dir

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
            text = self.run.systems[record["system"]].symptoms.get(record["symptom"])
            self.results.append(result_of(record, text))
            self.left += [(record["system"], what) for what in record["left"]]
        elif str(report.when) == "???" or (report.failed and report.when != "call"):
            self._crashed(report)

    def _crashed(self, report: pytest.TestReport) -> None:
        """A worker that died took its check's record with it: the check is unknown, and said so everywhere."""
        system = report.nodeid.partition("[")[2].rstrip("]")
        if system not in self.run.systems or any(r.check == report.nodeid for r in self.results):
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
        self.results.append(result)
        if self.folder:
            allure.write_crashed(self.folder / "allure", result, self.run)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        self.results.sort(key=lambda result: (result.system, result.symptom, result.check))
        self.roots = work_out(self.results, self.run.files.explanations)
        checklist = self._checklist()
        if checklist is not None:
            self.items = verdict.tick(checklist, self.results, self.run.attested)
        self.code = int(session.exitstatus)
        if self.code in (0, 1, 5):
            self.code = verdict.exit_code(self.results, self.run.gate, self.items, checklist)
        if not self._write():
            self.code = int(pytest.ExitCode.INTERNAL_ERROR)
        session.exitstatus = self.code

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
        return document.document(run, self.results, self.roots, self.run.checklist, self.items)

    def _write(self) -> bool:
        text = document.as_text(self.run.redaction.tree(self.document()))
        if self.folder:
            document.write_atomically(self.folder / "results.json", text)
            allure.finish(self.folder / "allure", self)
            _point_latest(self.folder)
            _forget_old_runs(self.folder.parent)
        named = self.config.option.results
        if named:
            try:
                document.write_atomically(self.config.invocation_params.dir / named, text)
            except OSError as error:
                self.run.notes.append(f"--results {named} can't be written: {error.strerror}")
                return False
        return True

    def pytest_terminal_summary(self, terminalreporter: TerminalReporter) -> None:
        telling = terminal.Telling(terminalreporter._tw, self._reproduce(), self._escalation)
        telling.roots(self.roots)
        if self.run.checklist:
            telling.checklist(self.run.checklist, self.items)
        telling.skipped(self.results, self.run.gate)
        telling.left(self.left)
        telling.notes([*self.run.notes, *self.run.redaction.warnings])
        where = terminal_path(self.folder) if self.folder else ""
        telling.last(self.results, self.roots, self.code, self.run.gate, where)

    def _escalation(self, system: str, severity: str) -> str:
        """Whom to call, as the system's runbook has it."""
        level = self.run.systems[system].settings.escalation.get(severity)
        if level is None:
            return ""
        within = f"within {level.within_min:g} min: " if level.within_min else ""
        return within + ", ".join(level.who)

    def _reproduce(self) -> str:
        faults = "".join(f" --fault {fault}" for fault in self.run.faults)
        program = "pytest" if self.config.invocation_params.dir == self.config.rootpath else "runbook-checks"
        return f"{program} --env {self.run.named}{faults}"


def terminal_path(path: Path) -> str:
    """A path as a person here would type it."""
    with suppress(ValueError):
        return str(path.relative_to(Path.cwd()))
    return str(path)


def _point_latest(folder: Path) -> None:
    """reports/out/latest, moved over in one step: two runs at once leave one of them, never none."""
    link = folder.parent / "latest"
    spare = folder.parent / f".latest-{folder.name}"
    with suppress(OSError):
        spare.symlink_to(folder.name, target_is_directory=True)
        spare.replace(link)


def _require_writable(results: Path | None) -> None:
    """Refuse a results file that can't be written before any check ran, not after."""
    if results is None:
        return
    try:
        results.parent.mkdir(parents=True, exist_ok=True)
        if results.is_dir():
            raise IsADirectoryError(0, "it is a folder")
        tempfile.TemporaryFile(dir=results.parent).close()
    except OSError as error:
        raise pytest.UsageError(f"--results {results} can't be written: {error.strerror}") from None


def _forget_old_runs(base: Path) -> None:
    """A run every minute would fill the disk; only folders named as ours are touched."""
    runs = sorted(path for path in base.iterdir() if RUN_FOLDER.fullmatch(path.name))
    for old in runs[:-KEPT_RUNS]:
        shutil.rmtree(old, ignore_errors=True)


def _folder(config: pytest.Config, run: Any) -> Path | None:
    named = config.option.out or os.environ.get("CHECKS_OUT")
    base = config.invocation_params.dir / named if named else OUT
    folder = base / str(run.id)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        run.notes.append(f"no reports folder: {base} can't be written: {error.strerror} (--out FOLDER names another)")
        return None
    return folder


class _Quiet:
    """pytest's own words on the way: redacted too, whatever a library or a crash prints."""

    def __init__(self, stream: Any, redact: Any) -> None:
        self._stream, self._redact = stream, redact

    def write(self, text: str) -> int:
        return int(self._stream.write(self._redact(text)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def pytest_configure(config: pytest.Config) -> None:
    run: Any = config.pluginmanager.get_plugin(RUN)
    option = config.option
    if run is None or option.collectonly or option.list_symptoms:
        return
    worker = getattr(config, "workerinput", None)
    if worker is None:
        _require_writable(option.results and config.invocation_params.dir / option.results)
        folder = _folder(config, run)
        config.pluginmanager.register(Reports(config, run, folder), "runbook-checks-reports")
        # Ours runs before the plugins that read these options.
        if folder and not option.allure_report_dir:
            option.allure_report_dir = str(folder / "allure")
        if folder and not getattr(option, "xmlpath", "unloaded"):
            option.xmlpath = str(folder / "junit.xml")
    else:
        option.allure_report_dir = worker["allure_report_dir"]
    if option.allure_report_dir:
        allure.install(config, run)
