"""The summary of a run in Markdown for a CI job's page: roots, remedies, checklist, counts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runbook_checks.config.remedy_commands import fenced
from runbook_checks.config.untrusted_text import clean, unmentioned
from runbook_checks.reports.terminal import in_words, meaning
from runbook_checks.results.verdict import not_verified
from runbook_checks.results.wording import word

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runbook_checks.results.analysis import Analysis
    from runbook_checks.results.finished_run import FinishedRun
    from runbook_checks.results.model import Finding
    from runbook_checks.results.root_graph import Node
    from runbook_checks.results.roots import Root

MOST = 10
_SIGNS = {0: "✅", 1: "❌", 10: "⏸️"}
_BOXES = {"ticked": "[x]", "crossed": "[ ] ❌", "unanswered": "[ ] ❔", "attested": "[x] (attested)"}
# Characters in far ends' text that Markdown or HTML would interpret.
_SPECIAL = re.compile(r"([\\`*_\[\]<>|#&~$])")
_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)")


def summary(finished: FinishedRun) -> str:
    """The whole summary."""
    return "\n".join(_lines(finished)) + "\n"


def _lines(finished: FinishedRun) -> Iterator[str]:
    run, code, roots = finished.run, finished.code, finished.analysis.roots
    yield f"## {_SIGNS.get(code, '⚠️')} {_plain(run.environment.name)}: {meaning(code)}"
    yield ""
    what = fenced(clean(run.selection)) if run.selection else "all checks"
    yield f"{what}, gate {run.gate}, exit code {code}: {in_words(finished)}"
    for root in roots[:MOST]:
        yield from _root(root, finished)
    if len(roots) > MOST:
        yield f"\n… and {len(roots) - MOST} more root causes; see the results document."
    if run.checklist:
        yield f"\n### Checklist {run.checklist[1]} ({run.checklist[0]})\n"
        yield from (f"- {_BOXES[item.state]} {_plain(item.item)}" for item in finished.items)
    unseen = not_verified(finished.results, run.gate)
    if unseen:
        yield "\n### Not verified\n"
        yield from (f"- {r.severity} {r.symptom} ({r.system}): {_plain(r.reason or '')}" for r in unseen)
    if finished.notes:
        yield ""
        yield from (f"- {_plain(note)}" for note in finished.notes)
    yield f"\nRun {run.id}."


def _root(root: Root, finished: FinishedRun) -> Iterator[str]:
    result, finding, analysis = root.result, root.finding, finished.analysis
    subject = f" {_plain(root.node.subject)}" if root.node.subject else ""
    what = (root.node.cause or "cause unknown") if finding else "unknown"
    yield f"\n### {root.severity} {result.symptom} ({result.system}){subject}: {what}\n"
    if finding is None:
        yield f"- **seen** {_plain(result.reason or '')}"
    else:
        yield from _finding(finding, analysis.not_counted.get(finding))
        escalation = finished.escalation(result.system, root.severity)
        if escalation:
            yield f"- **escalate** {_plain(escalation)}"
    alternatives = analysis.alternatives(root.node.observation).lines(result.system)
    yield from (f"- **{name}** {_plain(text)}" for name, text in alternatives)
    if root.explains:
        yield f"- **explains** {', '.join(_explained(node) for node in root.explains[:MOST])}"
    yield f"- **reproduce** {fenced(clean(f'{finished.reproduce} {word(result.check)}'))}"


def _finding(finding: Finding, not_counted: str | None) -> Iterator[str]:
    if not_counted:
        yield f"- **not counted** {_plain(not_counted)}"
    for name in ("seen", "wanted", "because"):
        yield f"- **{name}** {_plain(getattr(finding, name))}"
    if finding.remedy:
        yield "- **remedy**"
        yield from (f"  {number}. {with_commands(step)}" for number, step in enumerate(finding.remedy, 1))


def _explained(node: Node) -> str:
    return f"{node.result.symptom} ({'found' if node.finding else 'unknown'})"


def _plain(text: str) -> str:
    return escaped(clean(text))


def escaped(text: str) -> str:
    """Text escaped for Markdown, without mentions of people or issues."""
    return unmentioned(_SPECIAL.sub(r"\\\1", text))


def with_commands(step: str) -> str:
    """A filled-in sentence of a runbook, escaped outside of its commands (config.remedy_commands.fenced)."""
    text, end, parts = clean(step), 0, []
    for span in _SPAN.finditer(text):
        parts += [escaped(text[end : span.start()]), span[0]]
        end = span.end()
    return "".join([*parts, escaped(text[end:])])


def pasted(finished: FinishedRun, ended: int) -> str:
    """The summary for a chat: plain lines in a code fence, with the roots and the first step of each remedy."""
    run, analysis = finished.run, finished.analysis
    lines = [f"{run.environment.name} {run.started_text}: {meaning(ended)} (exit {ended})"]
    for root in analysis.roots[:MOST]:
        lines += _pasted_root(root, analysis)
    if len(analysis.roots) > MOST:
        lines.append(f"... and {len(analysis.roots) - MOST} more root causes")
    lines += [in_words(finished), *map(clean, finished.notes)]
    # Another fence in the text would close ours.
    return "```\n" + "\n".join(lines).replace("```", "'''") + "\n```\n"


def _pasted_root(root: Root, analysis: Analysis) -> Iterator[str]:
    result, finding = root.result, root.finding
    subject = f" {clean(root.node.subject)}" if root.node.subject else ""
    what = (root.node.cause or "cause unknown") if finding else "UNKNOWN"
    yield f"{root.severity} {result.symptom} [{result.system}]{subject}: {what}"
    if finding is None:
        yield f"   seen    {clean(result.reason or '')}"
    else:
        yield f"   seen    {clean(finding.seen)}"
        yield f"   because {clean(finding.because)}"
        if finding.remedy:
            yield f"   remedy  {clean(finding.remedy[0])}"
        if finding in analysis.not_counted:
            yield f"   not counted: {clean(analysis.not_counted[finding])}"
    if root.explains:
        yield f"   explains {len(root.explains)} more results"
