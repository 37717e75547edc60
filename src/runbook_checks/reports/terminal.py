"""What does a person read first? Roots with cause, evidence and remedy, at 80 columns, with or without colour."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from runbook_checks.config.untrusted_text import clean
from runbook_checks.results.verdict import counts, not_verified
from runbook_checks.results.wording import word

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from _pytest._io import TerminalWriter

    from runbook_checks.results.finished_run import FinishedRun
    from runbook_checks.results.model import Finding
    from runbook_checks.results.root_graph import Node
    from runbook_checks.results.roots import Root

MOST_FINDINGS = 20
WIDTH = 80
_STATES = {"ticked": "[x]", "crossed": "[!]", "unanswered": "[?]", "attested": "[a]"}
_COLOURS = {"found": "red", "unknown": "yellow"}


class TerminalReport:
    """The report of a run on a terminal."""

    def __init__(self, writer: TerminalWriter, finished: FinishedRun) -> None:
        self.writer, self.finished, self.run = writer, finished, finished.run
        self.width = max(60, min(writer.fullwidth, 110))

    def write(self, code: int, where: str) -> None:
        """All of it; `where` is the folder of the reports, where there is one."""
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
            self.writer.line(f"\n... and {len(roots) - len(shown)} more roots; the results document has them all")

    def _head(self, node: Node) -> None:
        subject = f"#{clean(node.subject)}" if node.subject else ""
        name = f"{node.severity} {node.result.symptom} [{node.result.system}]{subject}"
        what = f"FOUND  {node.cause or 'cause not told'}" if node.finding else "UNKNOWN"
        colour = _COLOURS["found" if node.finding else "unknown"]
        gap = " " * max(2, 54 - len(name))
        self.writer.write(name, bold=True)
        if len(name) + len(gap) + len(what) > self.width:
            self.writer.line()
            gap = " " * 14
        self.writer.line(gap + what, **{colour: True})

    def _alternatives(self, root: Root) -> None:
        """A line each: the results document and Allure have it all."""
        for name, text in self.finished.analysis.alternatives(root.node.item).lines(root.result.system):
            self._field(name, textwrap.shorten(clean(text), self.width - 14, placeholder=" ..."))

    def _finding(self, finding: Finding) -> None:
        not_counted = self.finished.analysis.not_counted.get(finding)
        if not_counted:
            self._field("uncounted", not_counted)
        self._field("seen", finding.seen)
        self._field("wanted", finding.wanted)
        self._field("because", finding.because)
        for number, step in enumerate(finding.remedy):
            self._field("" if number else "remedy", step)
        # Asked about one domain, a person wants to see the whole chain, and where in it this is.
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
            self.writer.line(f"Left on {system}, marked as synthetic:", bold=True)
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
        counted = in_words(counts(self.finished.results))
        number = len(self.finished.analysis.roots)
        roots = f"{number} root{'s' if number != 1 else ''}; " if number else ""
        self.writer.line()
        self.writer.line(f"{roots}{counted}; gate {self.run.gate}: {meaning(code)} (exit {code})", bold=True)
        if where:
            self.writer.line(f"reports: {where}")


def look(number: int, clock: str, roots: Sequence[Root]) -> str:
    """A look among several, in one line."""
    if not roots:
        return f"{clock} look {number}: all clear"
    shown = [f"{root.severity} {root.name}{f' {root.finding.cause}' if root.finding else ''}" for root in roots]
    more = f" and {len(shown) - 5} more" if len(shown) > 5 else ""
    return clean(f"{clock} look {number}: {'; '.join(shown[:5])}{more}")


def in_words(counted: dict[str, int]) -> str:
    """How many checks had each outcome, in words."""
    return ", ".join(f"{number} {name}" for name, number in counted.items() if number) or "nothing checked"


def meaning(code: int) -> str:
    """What an exit code says, in words."""
    words = {
        0: "clear",
        1: "found",
        2: "interrupted",
        3: "trouble of the checks' own",
        4: "bad usage",
        5: "nothing verified",
        10: "not known",
    }
    return words.get(code, "failed")


def letters(outcome: str) -> Iterator[str]:
    """pytest's short letter and long word for an outcome."""
    yield {"clear": ".", "found": "F", "unknown": "?", "skipped": "s"}[outcome]
    yield outcome.upper()
