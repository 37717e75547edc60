"""The terminal report: roots with cause, evidence and remedy, at 80 columns, with or without colour."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from runbook_checks.config.untrusted_text import clean
from runbook_checks.results.model import OUTCOMES
from runbook_checks.results.verdict import counts, not_verified
from runbook_checks.results.wording import word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from _pytest._io import TerminalWriter

    from runbook_checks.results.finished_run import FinishedRun
    from runbook_checks.results.model import Finding
    from runbook_checks.results.root_graph import Node
    from runbook_checks.results.roots import Root

MOST_FINDINGS = 20
WIDTH = 80
_STATES = {"ticked": "[x]", "crossed": "[!]", "unanswered": "[?]", "attested": "[a]"}
# pytest's letter for each outcome, and its colour.
LETTERS = {"clear": (".", "green"), "found": ("F", "red"), "unknown": ("?", "yellow"), "skipped": ("s", "yellow")}
_COLOURS = {"found": "red", "unknown": "yellow"}


class TerminalReport:
    """The report of a run on a terminal."""

    def __init__(self, writer: TerminalWriter, finished: FinishedRun) -> None:
        self.writer, self.finished, self.run = writer, finished, finished.run
        self.width = max(60, min(writer.fullwidth, 110))

    def write(self, code: int, where: str) -> None:
        """Write the report; `where` is the folder of the reports, or empty."""
        self._roots(self.finished.analysis.roots)
        self._checklist()
        self._skipped()
        self._left()
        for note in [*self.finished.notes, *self.run.redaction.warnings]:
            self._wrapped(f"note: {note}")
        self._last(code, where)

    def _roots(self, roots: Sequence[Root]) -> None:
        shown = roots[:MOST_FINDINGS]
        for root in shown:
            self.writer.line()
            self._head(root.node)
            if root.finding is None:
                self._field("seen", root.result.reason or "")
                self._field("resource", root.name)
            else:
                self._finding(root.finding)
                self._field("escalate", self.finished.escalation(root.result.system, root.severity))
            self._alternatives(root)
            self._field("reproduce", f"{self.finished.reproduce} {word(root.result.check)}", wrap=False)
            self._explained(root.result.system, root.explains)
        if len(roots) > len(shown):
            self.writer.line(f"\n... and {len(roots) - len(shown)} more root causes; see the results document")

    def _head(self, node: Node) -> None:
        subject = f"#{clean(node.subject)}" if node.subject else ""
        name = f"{node.severity} {node.result.symptom} [{node.result.system}]{subject}"
        what = f"FOUND  {node.cause or 'cause unknown'}" if node.finding else "UNKNOWN"
        colour = _COLOURS["found" if node.finding else "unknown"]
        gap = " " * max(2, 54 - len(name))
        self.writer.write(name, bold=True)
        if len(name) + len(gap) + len(what) > self.width:
            self.writer.line()
            gap = " " * 14
        self.writer.line(gap + what, **{colour: True})

    def _alternatives(self, root: Root) -> None:
        """Write one line for each; the results document and Allure have the full text."""
        for name, text in self.finished.analysis.alternatives(root.node.observation).lines(root.result.system):
            self._field(name, textwrap.shorten(clean(text), self.width - 14, placeholder=" ..."))

    def _finding(self, finding: Finding) -> None:
        not_counted = self.finished.analysis.not_counted.get(finding)
        if not_counted:
            self._field("excluded", not_counted)
        self._field("seen", finding.seen)
        self._field("wanted", finding.wanted)
        self._field("because", finding.because)
        for number, step in enumerate(finding.remedy):
            self._field("" if number else "remedy", step)
        # With --domain the whole chain is shown, to locate the finding in it.
        links = finding.evidence.get("links") if self.run.domains else None
        for number, link in enumerate(links if isinstance(links, list) else ()):
            self._field("" if number else "chain", str(link), indent=12)

    def _explained(self, system: str, nodes: Sequence[Node]) -> None:
        for number, node in enumerate(nodes[:MOST_FINDINGS]):
            subject = f"#{node.subject}" if node.subject else ""
            what = f"found {node.cause or ''}".rstrip() if node.finding else "unknown"
            elsewhere = f" [{node.result.system}]" if node.result.system != system else ""
            name = f"{node.severity} {node.result.symptom}{elsewhere}{subject}"
            self._field("" if number else "explains", f"{name}  {what}")
        if len(nodes) > MOST_FINDINGS:
            self._field("", f"... and {len(nodes) - MOST_FINDINGS} more")

    def _field(self, name: str, text: str, *, wrap: bool = True, indent: int = 0) -> None:
        lead = f"   {name:<10} "
        text = clean(text)
        room = self.width - len(lead)
        more = " " * indent
        for line in textwrap.wrap(text, room, break_on_hyphens=False, subsequent_indent=more) if wrap else [text]:
            self.writer.line(lead + line)
            lead = " " * len(lead)

    def _checklist(self) -> None:
        if not self.run.checklist:
            return
        system, name = self.run.checklist
        self.writer.line()
        self.writer.line(f"Checklist {name} [{system}]", bold=True)
        for item in self.finished.items:
            note = {"attested": "  attested, not verified", "unanswered": "  unanswered"}.get(item.state, "")
            line = f"  {_STATES[item.state]} {clean(item.item)}{note}"
            colour = {"crossed": {"red": True}, "unanswered": {"yellow": True}}.get(item.state, {})
            self.writer.line(line, **colour)

    def _skipped(self) -> None:
        unseen = not_verified(self.finished.results, self.run.gate)
        if unseen:
            self.writer.line()
            self.writer.line("Not verified:", bold=True)
        for result in unseen:
            self._wrapped(f"  {result.severity} {result.symptom} [{result.system}]: {result.reason}")

    def _left(self) -> None:
        for system in dict.fromkeys(system for system, _ in self.run.left):
            self.writer.line()
            self.writer.line(f"Test data left on {system}, marked as synthetic:", bold=True)
            for whose, line in self.run.left:
                if whose == system:
                    self._wrapped(f"  {line}")

    def _wrapped(self, text: str) -> None:
        for line in textwrap.wrap(
            clean(text) if not text.startswith(" ") else text,
            self.width,
            subsequent_indent="    ",
            break_on_hyphens=False,
        ):
            self.writer.line(line)

    def _last(self, code: int, where: str) -> None:
        self.writer.line()
        results, gate = in_words(self.finished), f"Gate {self.run.gate}: {meaning(code)} (exit {code})."
        is_short = len(f"{results} {gate}") <= self.width
        for line in [f"{results} {gate}"] if is_short else [results, gate]:
            self.writer.line(line, bold=True)
        if where:
            self.writer.line(f"reports: {where}")


def look(number: int, clock: str, roots: Sequence[Root]) -> str:
    """One pass of several, in one line."""
    if not roots:
        return f"{clock} pass {number}: all clear"
    shown = [f"{root.severity} {root.name}{f' {root.finding.cause}' if root.finding else ''}" for root in roots]
    more = f" and {len(shown) - 5} more" if len(shown) > 5 else ""
    return clean(f"{clock} pass {number}: {'; '.join(shown[:5])}{more}")


def in_words(finished: FinishedRun) -> str:
    """The numbers of root causes, of the results that they explain, and of checks by outcome, in sentences.

    They add up: every result that is found or unknown belongs to a root or is explained by one. A result may have
    several findings, each with its own root.
    """
    results, roots = finished.results, finished.analysis.roots
    findings, explained = sum(len(result.findings) for result in results), _number_explained(finished)
    names = {outcome: outcome for outcome in OUTCOMES}
    if findings != counts(results)["found"]:
        names["found"] = f"found ({findings} findings)"
    sentences = [_several(len(roots), "root cause")] if roots else []
    if explained:
        sentences[-1] += f", {_several(explained, 'result')} explained by {'it' if len(roots) == 1 else 'them'}"
    counted = ", ".join(f"{number} {names[name]}" for name, number in counts(results).items() if number)
    return " ".join(f"{sentence}." for sentence in (*sentences, counted or "Nothing checked"))


def _number_explained(finished: FinishedRun) -> int:
    """The number of results that are found or unknown and are not the result of a root."""
    of_roots = {id(root.result) for root in finished.analysis.roots}
    return sum(result.outcome in ("found", "unknown") and id(result) not in of_roots for result in finished.results)


def _several(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number != 1 else ''}"


def meaning(code: int) -> str:
    """The meaning of an exit code."""
    words = {
        0: "passed",
        1: "failed",
        2: "interrupted",
        3: "internal error",
        4: "usage error",
        5: "nothing verified",
        10: "unknown",
    }
    return words.get(code, "error")
