"""The Allure report: allure-pytest's results with the runbook's text, redacted in one place."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from allure_commons import hookimpl, plugin_manager
from allure_commons.logger import AllureFileLogger
from allure_commons.model2 import Attachment, Label, Parameter, StatusDetails, TestResult, TestStepResult
from allure_commons.utils import md5, uuid4

from runbook_checks.config.untrusted_text import clean
from runbook_checks.output import files as outputs
from runbook_checks.reports.csv_table import table
from runbook_checks.reports.markdown import with_commands
from runbook_checks.reports.terminal import MOST_FINDINGS
from runbook_checks.results.alternatives import Alternatives
from runbook_checks.results.model import carried_by
from runbook_checks.results.wording import filled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from allure_commons.model2 import TestResultContainer

    from runbook_checks.config.redaction import Redaction
    from runbook_checks.config.run import Run
    from runbook_checks.config.runbook import Symptom
    from runbook_checks.results.analysis import Analysis
    from runbook_checks.results.finished_run import FinishedRun
    from runbook_checks.results.model import Reading, Result
    from runbook_checks.results.roots import Root

SEVERITIES = {"P0": "blocker", "P1": "critical", "P2": "normal", "P3": "minor"}
STATUSES = {"clear": "passed", "found": "failed", "unknown": "broken", "skipped": "skipped"}
_OWN_LABELS = ("epic", "feature", "story", "severity", "environment")


LOGGER = "runbook-checks-allure"
_KINDS = {"txt": "text/plain", "json": "application/json", "png": "image/png", "csv": "text/csv"}


class Logger:
    """Writes Allure's files in place of allure-pytest's logger.

    Text that allure-pytest adds is redacted here; a Result is redacted already.
    """

    def __init__(self, run: Run, folder: Path) -> None:
        self.run, self.folder = run, folder
        self.trouble: str | None = None
        """Why a file could not be written."""
        self._checked: Result | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Replace allure-pytest's own logger, which is already registered, until allure-pytest unregisters it."""
        theirs = next(one for one in plugin_manager.get_plugins() if isinstance(one, AllureFileLogger))
        plugin_manager.unregister(theirs)
        plugin_manager.register(self)
        session.config.add_cleanup(lambda: plugin_manager.register(theirs))
        session.config.add_cleanup(lambda: plugin_manager.unregister(self))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the result until allure-pytest finishes its own."""
        self._checked = carried_by(report) or self._checked

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Workers of pytest-xdist write their files themselves."""
        self.trouble = self.trouble or getattr(node, "workeroutput", {}).get("allure_trouble")

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.trouble and hasattr(session.config, "workeroutput"):
            session.config.workeroutput["allure_trouble"] = self.trouble

    @hookimpl
    def report_result(self, result: TestResult) -> None:
        checked, self._checked = self._checked, None
        _redact(result, self.run.redaction)
        self._write_result(result, checked)

    def _write_result(self, result: TestResult, checked: Result | None) -> None:
        if checked is not None:
            system = self.run.systems[checked.system]
            add_result(result, checked, system.symptoms[checked.symptom], self.attach)
            area, severity = checked.symptom.split(".")[0], SEVERITIES[checked.severity]
            title = system.settings.title or system.name
            values = (title, area, checked.symptom, severity, self.run.environment.name)
            result.labels = [label for label in result.labels if label.name not in _OWN_LABELS]
            result.labels += [Label(name=n, value=v) for n, v in zip(_OWN_LABELS, values, strict=True)]
        self._write_item(result)

    @hookimpl
    def report_container(self, container: TestResultContainer) -> None:
        """Write set-up and clean-up if they contain anything: pytest sets up a check's parameters too."""
        steps = [*container.befores, *container.afters]
        for step in steps:
            _redact(step, self.run.redaction)
        if any(step.steps or step.attachments or step.status not in (None, "passed") for step in steps):
            self._write_item(container)

    @hookimpl
    def report_attached_data(self, body: str | bytes, file_name: str) -> None:
        """Write other plugins' attachments, such as captured output."""
        text = body if isinstance(body, str) else body.decode("utf-8", "surrogateescape")
        self._write(file_name, self.run.redaction.text(text))

    @hookimpl
    def report_attached_file(self, source: str, file_name: str) -> None:
        self.report_attached_data(Path(source).read_bytes(), file_name)

    def attach(self, name: str, value: Any, ending: str = "") -> Attachment:
        """Write evidence as a file beside the results: text, a picture (PNG, as bytes), or any other value as JSON."""
        ending = ending or ("txt" if isinstance(value, str) else "png" if isinstance(value, bytes) else "json")
        body = value if isinstance(value, str | bytes) else _json(value)
        source = f"{uuid4()}-attachment.{ending}"
        self._write(source, body)
        return Attachment(name=name, source=source, type=_KINDS[ending])

    def _write_item(self, item: Any) -> None:
        self._write(item.file_pattern.format(prefix=uuid4()), json.dumps(_plain(item), ensure_ascii=False))

    def _write(self, name: str, content: str | bytes) -> None:
        """Write a file. A full disk does not end the run; `require_whole` reports it."""
        try:
            if isinstance(content, str):
                outputs.write(self.folder / name, content)
            else:
                (self.folder / name).write_bytes(content)
        except OSError as error:
            self.trouble = self.trouble or error.strerror or str(error)

    def redact_again(self) -> None:
        """Remove the secrets that became known after a check's files were written, also by workers."""
        for path in sorted(self.folder.iterdir()):
            if path.suffix in (".json", ".txt", ".csv") and path.stat().st_mtime >= self.run.started - 1:
                before = path.read_text(encoding="utf-8")
                after = _redacted_file(path, before, self.run.redaction)
                if after != before:
                    outputs.write(path, after)

    def require_whole(self) -> None:
        """OSError where one of the files could not be written."""
        if self.trouble:
            raise OSError(0, self.trouble)

    def write_crashed(self, result: Result) -> None:
        """Write the result of a check whose worker crashed: allure-pytest writes none (allure-python #825)."""
        path, _, function = result.check.partition("::")
        full_name = f"{path.removesuffix('.py').replace('/', '.')}#{function.partition('[')[0]}"
        crashed = TestResult(uuid=uuid4(), fullName=full_name, testCaseId=md5(full_name), historyId=md5(result.check))
        crashed.name, crashed.status, crashed.stage = result.check, "broken", "finished"
        is_known = result.symptom in self.run.systems[result.system].symptoms
        self._write_result(crashed, result if is_known else None)


def install(config: pytest.Config, run: Run) -> None:
    """Register our logger before allure-pytest creates its own."""
    folder = config.invocation_params.dir / config.option.allure_report_dir
    config.pluginmanager.register(Logger(run, folder), LOGGER)


def logger_of(config: pytest.Config) -> Logger | None:
    """The logger of a run that writes Allure's files."""
    logger = config.pluginmanager.get_plugin(LOGGER)
    return logger if isinstance(logger, Logger) else None


def _redact(item: Any, redaction: Redaction) -> None:
    """Redact the free text of a result or step; its name, labels and status are our own names."""
    item.description, item.descriptionHtml = redaction.tree([item.description, item.descriptionHtml])
    if item.statusDetails is not None:
        details = item.statusDetails
        details.message, details.trace = redaction.tree([details.message, details.trace])
    for parameter in item.parameters:
        parameter.value = redaction.tree(parameter.value)
    for step in item.steps:
        step.name = redaction.tree(step.name)
        _redact(step, redaction)


def _redacted_file(path: Path, content: str, redaction: Redaction) -> str:
    """The content of one of Allure's files; of our own names only those that a far end may choose are redacted."""
    if path.suffix != ".json":
        return redaction.text(content)
    is_attachment = path.stem.endswith("-attachment")
    value = json.loads(content)
    return _json(redaction.tree(value) if is_attachment else _redacted_words(value, redaction))


def _redacted_words(value: Any, redaction: Redaction, within: str = "") -> Any:
    """The JSON of a result with the free text in it redacted, as `_redact` does it to a model.

    within  the key that the value is below; steps and attachments are named after readings and subjects
    """
    if isinstance(value, list):
        return [_redacted_words(entry, redaction, within) for entry in value]
    if isinstance(value, dict):
        return {key: _redacted_words(entry, redaction, _place(within, key)) for key, entry in value.items()}
    if isinstance(value, str) and within == "message":
        parts = enumerate(_OWN_WORDS.split(value))
        return "".join(part if number % 2 else redaction.text(part) for number, part in parts)
    if isinstance(value, str) and within in _FREE:
        return redaction.text(value)
    return redaction.name(value) if isinstance(value, str) and within in _NAMED else value


# What `message` writes at the beginnings of lines, around the free text.
_OWN_WORDS = re.compile(
    r"^((?:found|unknown|skipped) [a-z0-9.-]+\[[a-z0-9-]+\](?: [a-z0-9 -]+$|(?=:))"
    r"|(?:seen|wanted|because|remedy|perhaps|ruled out)(?=:))",
    re.MULTILINE,
)
_FREE = ("trace", "description", "descriptionHtml")
_NAMED = ("steps.name", "attachments.name")


def _place(within: str, key: str) -> str:
    return f"{within}.name" if key == "name" and within in ("steps", "attachments") else key


def _plain(item: Any) -> Any:
    """A model of allure_commons as JSON, without empty values."""
    if hasattr(item, "__attrs_attrs__"):
        values = ((attribute.name, getattr(item, attribute.name)) for attribute in item.__attrs_attrs__)
        return {name: _plain(value) for name, value in values if value or value is False}
    return [_plain(entry) for entry in item] if isinstance(item, list) else item


def add_result(result: TestResult, checked: Result, text: Symptom, attach: Callable[..., Attachment]) -> None:
    """Add the runbook's text, the readings as steps and the evidence as attachments to Allure's result."""
    result.name = f"{checked.symptom}: {text.title}"
    result.description = description(text)
    result.start = int(checked.started * 1000)
    result.stop = result.start + int(checked.duration_s * 1000)
    result.parameters = [Parameter(name="system", value=checked.system)]
    result.status = STATUSES[checked.outcome]
    if checked.outcome != "clear":
        result.statusDetails = StatusDetails(message="\n".join(message(checked)), trace=checked.trace)
    result.steps = [*result.steps, *(_step(reading, attach) for reading in checked.readings)]
    if sum(bool(finding.subject) for finding in checked.findings) > 1:
        result.attachments.append(attach("findings", table(checked.findings), "csv"))
    for finding in checked.findings[:MOST_FINDINGS]:  # the table has all
        name = f"evidence {finding.subject or finding.cause or ''}".strip()
        result.attachments.append(attach(name, {"seen": finding.seen, "wanted": finding.wanted, **finding.evidence}))


def message(checked: Result) -> Iterator[str]:
    """The lines that Allure shows first; the categories of roots match the first one."""
    head = f"{checked.outcome} {checked.name()}"
    if checked.outcome in ("unknown", "skipped"):
        yield f"{head}: {checked.reason}"
    for finding in checked.findings[:MOST_FINDINGS]:
        yield f"{head} {finding.cause or 'cause unknown'}"
        yield from (f"{name}: {getattr(finding, name)}" for name in ("seen", "wanted", "because"))
        yield from (f"remedy: {step}" for step in finding.remedy)
        yield from (f"{name}: {said}" for name, said in Alternatives.of(finding).lines(checked.system))
    if len(checked.findings) > MOST_FINDINGS:
        yield f"... and {len(checked.findings) - MOST_FINDINGS} more"


def description(text: Symptom) -> str:
    """The runbook's text of a symptom, in Markdown."""
    causes = []
    for name, cause in text.causes.items():
        causes.append(f"- **{name}**: {with_commands(filled(cause.because, {}))}")
        causes += [f"  - {with_commands(filled(step, {}))}" for step in cause.remedy]
    return f"{with_commands(text.why)}\n\n**Causes and remedies**\n\n" + "\n".join(causes)


def _step(reading: Reading, attach: Callable[..., Attachment]) -> TestStepResult:
    start = int(reading.started * 1000)
    return TestStepResult(
        name=clean(reading.title),
        status="broken" if "no_reading" in reading.facts else "passed",
        start=start,
        stop=start + int(reading.duration_s * 1000),
        attachments=[
            *([attach("facts", reading.facts)] if reading.facts else []),
            *(attach(name, base64.b64decode(picture)) for name, picture in reading.pictures.items()),
        ],
    )


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False, default=str)


def finish(folder: Path, finished: FinishedRun) -> None:
    """Write the files that need the finished run: categories of roots, environment, known issues."""
    run = finished.run
    lines = {
        "environment": run.environment.name,
        "tier": run.environment.tier,
        "effects": run.environment.effects,
        "run": run.id,
        "systems": ", ".join(run.systems),
        "selection": run.selection or "all",
        "gate": run.gate,
        "exit": str(finished.code),
    }
    outputs.write(folder / "environment.properties", "".join(f"{k} = {clean(v)}\n" for k, v in lines.items()))
    analysis = finished.analysis
    categories = [*(_category(root, analysis) for root in analysis.roots), *_CATEGORIES]
    outputs.write(folder / "categories.json", _json(categories))
    outputs.write(folder / "resolutions.json", _json(list(_accepted(finished.results, analysis))))


def _accepted(results: Iterable[Result], analysis: Analysis) -> Iterator[dict[str, str]]:
    """Allure's known issues: findings that do not count, with the reason."""
    for result in results:
        reasons = sorted({analysis.not_counted.get(finding, "") for finding in result.findings})
        if reasons and all(reasons):
            pattern = rf"^found {re.escape(result.name())}[\s\S]*"
            yield {"resolution": "accepted", "comment": "; ".join(reasons), "messageRegexp": pattern}


_CATEGORIES = [
    {"name": "Found", "matchedStatuses": ["failed"]},
    {"name": "Unknown", "matchedStatuses": ["broken"]},
    {"name": "Not verified", "matchedStatuses": ["skipped"]},
]


def _category(root: Root, analysis: Analysis) -> dict[str, Any]:
    cause = f" ({root.node.cause})" if root.node.cause else ""
    names = {root.result.name(), *(result.name() for result, _ in root.explains)}
    alternatives = analysis.alternatives(root.node.observation).lines(root.result.system)
    return {
        "name": f"Root: {root.severity} {root.name}{cause}",
        "description": "; ".join(f"{name} {said}" for name, said in alternatives),
        "matchedStatuses": ["failed", "broken"],
        "messageRegex": r"^(found|unknown) (" + "|".join(map(re.escape, sorted(names))) + r")[\s\S]*",
    }
