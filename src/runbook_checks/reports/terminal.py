"""What does a person read first? Roots with cause, evidence and remedy, at 80 columns, with or without colour."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from runbook_checks.config.untrusted_text import clean
from runbook_checks.results.alternatives import in_a_line
from runbook_checks.results.verdict import counts, not_verified
from runbook_checks.results.wording import word

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from _pytest._io import TerminalWriter

    from runbook_checks.results.model import Finding, Result
    from runbook_checks.results.root_graph import Node
    from runbook_checks.results.roots import Root
    from runbook_checks.results.verdict import Ticked

MOST_FINDINGS = 20
WIDTH = 80
_STATES = {"ticked": "[x]", "crossed": "[!]", "unanswered": "[?]", "attested": "[a]"}
_COLOURS = {"found": "red", "unknown": "yellow"}


class Telling:
    """Writes the report of a run to a terminal."""

    def __init__(
        self,
        writer: TerminalWriter,
        reproduce: str,
        escalation: Callable[[str, str], str],
        *,
        shows_links: bool = False,
    ) -> None:
        self.writer, self.reproduce, self.escalation = writer, reproduce, escalation
        self.shows_links = shows_links
        self.width = max(60, min(writer.fullwidth, 110))

    def roots(self, roots: list[Root]) -> None:
        shown = roots[:MOST_FINDINGS]
        for root in shown:
            self.writer.line()
            self._head(root.result, root.finding)
            if root.finding is None:
                self._field("seen", root.result.reason or "")
                self._field("resource", root.name)
            else:
                self._finding(root.finding)
                self._field("escalate", self.escalation(root.result.system, root.severity))
            self._rivals(root)
            self._field("reproduce", f"{self.reproduce} {word(root.result.check)}", wrap=False)
            self._explained(root.result.system, root.explains)
        if len(roots) > len(shown):
            self.writer.line(f"\n... and {len(roots) - len(shown)} more roots; the results document has them all")

    def _head(self, result: Result, finding: Finding | None) -> None:
        severity = finding.severity if finding else result.severity
        subject = f"#{clean(finding.subject)}" if finding and finding.subject else ""
        name = f"{severity} {result.symptom} [{result.system}]{subject}"
        what = f"FOUND  {finding.cause or 'cause not told'}" if finding else "UNKNOWN"
        colour = _COLOURS["found" if finding else "unknown"]
        gap = " " * max(2, 54 - len(name))
        self.writer.write(name, bold=True)
        if len(name) + len(gap) + len(what) > self.width:
            self.writer.line()
            gap = " " * 14
        self.writer.line(gap + what, **{colour: True})

    def _rivals(self, root: Root) -> None:
        """A line each: the results document and Allure have it all."""
        for name, text in in_a_line(root.rivals, root.result.system):
            self._field(name, textwrap.shorten(clean(text), self.width - 14, placeholder=" ..."))

    def _finding(self, finding: Finding) -> None:
        if finding.not_counted:
            self._field("uncounted", finding.not_counted)
        self._field("seen", finding.seen)
        self._field("wanted", finding.wanted)
        self._field("because", finding.because)
        for number, step in enumerate(finding.remedy):
            self._field("" if number else "remedy", step)
        # Asked about one domain, a person wants to see the whole chain, and where in it this is.
        for number, link in enumerate(finding.evidence.get("links", ()) if self.shows_links else ()):
            self._field("" if number else "chain", link, indent=12)

    def _explained(self, system: str, nodes: list[Node]) -> None:
        for number, (result, finding) in enumerate(nodes[:MOST_FINDINGS]):
            severity = finding.severity if finding else result.severity
            subject = f"#{finding.subject}" if finding and finding.subject else ""
            what = f"found {finding.cause or ''}".rstrip() if finding else "unknown"
            elsewhere = f" [{result.system}]" if result.system != system else ""
            self._field("" if number else "explains", f"{severity} {result.symptom}{elsewhere}{subject}  {what}")
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

    def checklist(self, name: tuple[str, str], items: Iterable[Ticked]) -> None:
        self.writer.line()
        self.writer.line(f"Checklist {name[1]} [{name[0]}]", bold=True)
        for item in items:
            note = {"attested": "  attested, not verified", "unanswered": "  unanswered"}.get(item.state, "")
            line = f"  {_STATES[item.state]} {clean(item.item)}{note}"
            colour = {"crossed": {"red": True}, "unanswered": {"yellow": True}}.get(item.state, {})
            self.writer.line(line, **colour)

    def skipped(self, results: list[Result], gate: str) -> None:
        unseen = not_verified(results, gate)
        if unseen:
            self.writer.line()
            self.writer.line("Not verified:", bold=True)
        for result in unseen:
            self._wrapped(f"  {result.severity} {result.symptom} [{result.system}]: {result.reason}")

    def left(self, what: list[tuple[str, str]]) -> None:
        for system in dict.fromkeys(system for system, _ in what):
            self.writer.line()
            self.writer.line(f"Left on {system}, marked as synthetic:", bold=True)
            for whose, line in what:
                if whose == system:
                    self._wrapped(f"  {line}")

    def notes(self, notes: Iterable[str]) -> None:
        for note in notes:
            self._wrapped(f"note: {note}")

    def _wrapped(self, text: str) -> None:
        for line in textwrap.wrap(
            clean(text) if not text.startswith(" ") else text,
            self.width,
            subsequent_indent="    ",
            break_on_hyphens=False,
        ):
            self.writer.line(line)

    def last(self, results: list[Result], roots: list[Root], code: int, gate: str, where: str) -> None:
        counted = (
            ", ".join(f"{number} {name}" for name, number in counts(results).items() if number) or "nothing checked"
        )
        told = f"{len(roots)} root{'s' if len(roots) != 1 else ''}; " if roots else ""
        self.writer.line()
        self.writer.line(f"{told}{counted}; gate {gate}: {meaning(code)} (exit {code})", bold=True)
        if where:
            self.writer.line(f"reports: {where}")


def look(number: int, clock: str, roots: list[Root]) -> str:
    """A look among several, in one line."""
    if not roots:
        return f"{clock} look {number}: all clear"
    told = [f"{root.severity} {root.name}{f' {root.finding.cause}' if root.finding else ''}" for root in roots]
    more = f" and {len(told) - 5} more" if len(told) > 5 else ""
    return clean(f"{clock} look {number}: {'; '.join(told[:5])}{more}")


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
