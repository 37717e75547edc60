"""Make one round: run the checks, update the history, queue and deliver messages, write page, metrics and heartbeat."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runbook_checks.config.acknowledgements import NOTHING, Known
from runbook_checks.config.monitoring import Monitoring
from runbook_checks.config.redaction import Redaction
from runbook_checks.config.strict_yaml import BadFile
from runbook_checks.monitor import identity, messages, outbox, schedule, states, timekeeping
from runbook_checks.monitor.channels import Channels
from runbook_checks.monitor.check_run import NoDocument
from runbook_checks.monitor.incidents import Incidents
from runbook_checks.monitor.references import text_of
from runbook_checks.monitor.round_outputs import RoundOutputs
from runbook_checks.monitor.snapshot import snapshot_of
from runbook_checks.monitor.store import Store, TooNew, copied, is_corrupt, opened, replaced
from runbook_checks.monitor.without_history import SentMark, alert_at_once, fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runbook_checks.config.files import Files
    from runbook_checks.config.results_document import Document

DAY_S = 86400.0
FAILED_TWICE = 2
HISTORY = "history.sqlite3"


@dataclass
class Round:
    """One round of the monitor for one environment; the caller holds the lock."""

    files: Files
    path: Path
    folder: Path
    at: float = field(default_factory=time.time)
    output: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    gap: str = ""
    adopts: bool = False
    remark: str = ""
    """The last line of each message."""

    def __post_init__(self) -> None:
        self.rules = self.files.environment.monitoring or Monitoring()
        self.vault = self.files.vault(Redaction())
        self.channels = Channels(self.rules, self.vault)
        self.name = self.files.environment.name

    def run(self, get: Callable[[], Document]) -> int:
        """Make the round; 0 where everything was done, 1 where the monitor itself failed."""
        document: Document | None = None
        try:
            document = get()
        except NoDocument as none:
            self.troubles.append(str(none))
        before = list(self.output), list(self.troubles)
        try:
            self._with_memory(document)
        except (sqlite3.Error, OSError, TooNew) as error:
            self.output, self.troubles = before
            self._without_memory(document, str(error))
        return 1 if self.troubles else 0

    def _with_memory(self, document: Document | None) -> None:
        path = self.folder / HISTORY
        before = list(self.output), list(self.troubles)
        store, lost = opened(path)
        try:
            self._all(store, document, lost)
        except sqlite3.DatabaseError as error:
            if not is_corrupt(error):
                raise
            # The file could be opened but not read: replace it and repeat the round.
            store.close()
            self.output, self.troubles = before
            store, lost = replaced(path, error)
            self._all(store, document, lost)
        finally:
            store.close()
        SentMark(self.folder, self.at).forget()

    def _all(self, store: Store, document: Document | None, lost: str) -> None:
        with store.transaction():
            identity.keep(store, self.path, adopts=self.adopts)
            self._notice_time(store, lost)
            known = self._known()
            self._failures(store)
            self._take_in(store, document, known)
            self._tidy(store)
        self._deliver(store)
        self._show(store, is_whole=document is not None)

    def _notice_time(self, store: Store, lost: str) -> None:
        """Handle a clock that went back and gaps in the schedule, before any time is compared with now."""
        went_back = timekeeping.clamp(store, self.at)
        last = float(store.note("last_round") or self.at)
        had_no_history = SentMark(self.folder, self.at).anything_since(last)
        self.gap = schedule.gap(last, self.at, self.rules.every_min, had_no_history=had_no_history)
        if self.gap:
            states.reset_counts(store)
        for sentence in (lost, went_back, self.gap):
            if sentence:
                self._report_own(store, sentence)
        skipped = schedule.skipped_runs(self.folder)
        if skipped:
            self.output.append(f"{skipped} runs skipped because an earlier one was still running")
        store.keep("last_round", self.at)

    def _tidy(self, store: Store) -> None:
        """Delete old history once a day; not after a gap, which may come from a clock that is ahead."""
        day = states.date_of(self.at)
        if store.note("tidied") != day and not self.gap:
            before = self.at - self.rules.keep_days * DAY_S
            store.forget(before, states.date_of(before))
            store.keep("tidied", day)

    def _take_in(self, store: Store, document: Document | None, known: Known) -> None:
        if document is None:
            return
        run, counts = document["run"], document["counts"]
        numbers = (counts["clear"], counts["found"], counts["unknown"], counts["skipped"])
        values = (self.at, run["id"], run["duration_s"], run["exit_code"], *numbers)
        store.run("INSERT OR REPLACE INTO run VALUES (?, ?, ?, ?, ?, ?, ?, ?)", *values)
        states.count_day(store, document, self.at)
        incidents = Incidents(store, self.rules, known, self.files.systems, self.at)
        link = text_of(self.rules.link, self.vault, self.troubles) or ""
        marks = list(states.take_in(store, snapshot_of(document), self.at))
        for events in messages.grouped(event for state, mark in marks for event in incidents.follow(state, mark)):
            title = messages.title(events, self.name)
            body = messages.body(events, self.files.systems, link) + self.remark
            channels = outbox.queue(store, self.rules, events, self.at, title, body)
            self.output.append(title + ("" if channels else " (no channel configured)"))

    def _known(self) -> Known:
        path = self.path.parent / "known" / self.path.name
        if not path.is_file():
            return NOTHING
        from runbook_checks.config.load import read_known

        try:
            return read_known(path)
        except BadFile as bad:
            self.troubles.append(f"acknowledgements ignored: {bad.problems[0]}")
            return NOTHING

    def _failures(self, store: Store) -> None:
        """Report the second failed round in a row, and the recovery from it."""
        before = int(store.note("failed") or 0)
        failed = before + 1 if self.troubles else 0
        store.keep("failed", failed)
        if failed == FAILED_TWICE:
            self._report_own(store, f"the monitor is failing: {self.troubles[0]}")
        elif before >= FAILED_TWICE and not failed:
            self._report_own(store, "the monitor works again")

    def _report_own(self, store: Store, sentence: str) -> None:
        self.output.append(sentence)
        outbox.queue_own(store, self.rules, self.at, f"[{self.name}] monitor: {sentence}", f"{sentence}\n")

    def _deliver(self, store: Store) -> None:
        self.troubles += outbox.deliver(store, self.rules, self.channels.send, self.at, self.name)

    def _show(self, store: Store, *, is_whole: bool) -> None:
        """Write metrics, status page and heartbeat, after the messages are sent: an error here delays no alert."""
        was_in_trouble = bool(self.troubles)
        shown = RoundOutputs(self.files, self.rules, self.vault, self.folder, self.at, is_whole, was_in_trouble)
        try:
            shown.write(store)
        except OSError as error:
            shown.troubles.append(f"metrics and status page could not be written: {error.strerror or error}")
        self.troubles += shown.troubles

    def _without_memory(self, document: Document | None, error: str) -> None:
        """Make the round without a history, as on a full disk, on a copy in memory."""
        sentence = "the history cannot be written"
        self.troubles.append(f"{sentence} ({error})")
        self.rules = alert_at_once(self.rules)
        self.remark = f"{sentence}: until then this message repeats every half hour, without a message when it ends\n"
        store = copied(self.folder / HISTORY)
        try:
            with store.transaction():
                timekeeping.clamp(store, self.at)
                self._take_in(store, document, self._known())
                body = "\n".join([*self.troubles, self.remark, *(document["roots"] if document else [])])
                outbox.queue_own(store, self.rules, self.at, f"[{self.name}] monitor: {sentence}", f"{body}\n")
            self._deliver_once(store)
            self._show(store, is_whole=document is not None)
        finally:
            store.close()

    def _deliver_once(self, store: Store) -> None:
        """Deliver without a history, unless the same messages were sent recently."""
        mark = SentMark(self.folder, self.at)
        if not mark.is_known(store):
            what = fingerprint(store)
            self._deliver(store)
            if not store.row("SELECT 1 FROM waiting JOIN message ON message.id = message WHERE at = ?", self.at):
                mark.note(what)
