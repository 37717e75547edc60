"""Make one round: look, remember, decide what to tell, deliver it, and show that the watcher lives."""

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
from runbook_checks.monitor.incidents import Incidents
from runbook_checks.monitor.looking import NoDocument
from runbook_checks.monitor.memoryless import Told, at_sight, fingerprint
from runbook_checks.monitor.observing import look
from runbook_checks.monitor.references import text_of
from runbook_checks.monitor.shown import Shown
from runbook_checks.monitor.store import Store, TooNew, begun_anew, copied, is_spoilt, opened

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
    """One round of the monitor, for one environment; whoever makes it holds the lock."""

    files: Files
    path: Path
    folder: Path
    at: float = field(default_factory=time.time)
    said: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    gap: str = ""
    adopts: bool = False
    remark: str = ""
    """What stands at the end of each message."""

    def __post_init__(self) -> None:
        self.rules = self.files.environment.monitoring or Monitoring()
        self.vault = self.files.vault(Redaction())
        self.channels = Channels(self.rules, self.vault)
        self.name = self.files.environment.name

    def go(self, get: Callable[[], Document]) -> int:
        """All of it; 0 where everything was done, 1 where the monitor itself was in trouble."""
        document: Document | None = None
        try:
            document = get()
        except NoDocument as none:
            self.troubles.append(str(none))
        before = list(self.said), list(self.troubles)
        try:
            self._with_memory(document)
        except (sqlite3.Error, OSError, TooNew) as error:
            self.said, self.troubles = before
            self._without_memory(document, str(error))
        return 1 if self.troubles else 0

    def _with_memory(self, document: Document | None) -> None:
        path = self.folder / HISTORY
        before = list(self.said), list(self.troubles)
        store, lost = opened(path)
        try:
            self._all(store, document, lost)
        except sqlite3.DatabaseError as error:
            if not is_spoilt(error):
                raise
            # It opened, and then could not be read: put it aside and go through the round again.
            store.close()
            self.said, self.troubles = before
            store, lost = begun_anew(path, error)
            self._all(store, document, lost)
        finally:
            store.close()
        Told(self.folder, self.at).forget()

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
        """What the clock and the schedule have to say, before anything is compared with now."""
        went_back = timekeeping.mend(store, self.at)
        last = float(store.note("last_round") or self.at)
        was_blind = Told(self.folder, self.at).anything_since(last)
        self.gap = schedule.gap(last, self.at, self.rules.every_min, was_blind=was_blind)
        if self.gap:
            states.begin_anew(store)
        for sentence in (lost, went_back, self.gap):
            if sentence:
                self._tell_own(store, sentence)
        aside = schedule.stepped_aside(self.folder)
        if aside:
            self.said.append(f"{aside} runs stepped aside while one took too long")
        store.keep("last_round", self.at)

    def _tidy(self, store: Store) -> None:
        """Not after a gap: a clock that is ahead for one round must not make all of the past too old."""
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
        marks = list(states.take_in(store, look(document), self.at))
        for words in messages.together(word for state, mark in marks for word in incidents.follow(state, mark)):
            title = messages.title(words, self.name)
            body = messages.body(words, self.files.systems, link) + self.remark
            channels = outbox.queue(store, self.rules, words, self.at, title, body)
            self.said.append(title + ("" if channels else " (no channel is told)"))

    def _known(self) -> Known:
        path = self.path.parent / "known" / self.path.name
        if not path.is_file():
            return NOTHING
        from runbook_checks.config.load import read_known

        try:
            return read_known(path)
        except BadFile as bad:
            self.troubles.append(f"nothing counts as acknowledged: {bad.problems[0]}")
            return NOTHING

    def _failures(self, store: Store) -> None:
        """Tell of runs that come to nothing once it is no chance, and when they do again."""
        before = int(store.note("failed") or 0)
        failed = before + 1 if self.troubles else 0
        store.keep("failed", failed)
        if failed == FAILED_TWICE:
            self._tell_own(store, f"the monitor can't do its work: {self.troubles[0]}")
        elif before >= FAILED_TWICE and not failed:
            self._tell_own(store, "the monitor does its work again")

    def _tell_own(self, store: Store, sentence: str) -> None:
        self.said.append(sentence)
        outbox.queue_own(store, self.rules, self.at, f"[{self.name}] monitor: {sentence}", f"{sentence}\n")

    def _deliver(self, store: Store) -> None:
        self.troubles += outbox.deliver(store, self.rules, self.channels.send, self.at, self.name)

    def _show(self, store: Store, *, is_whole: bool) -> None:
        """Metrics, status page and ping: whatever fails there, the messages are sent by now."""
        was_in_trouble = bool(self.troubles)
        shown = Shown(self.files, self.rules, self.vault, self.folder, self.at, is_whole, was_in_trouble)
        try:
            shown.show(store)
        except OSError as error:
            shown.troubles.append(f"metrics and status page could not be made: {error.strerror or error}")
        self.troubles += shown.troubles

    def _without_memory(self, document: Document | None, error: str) -> None:
        """The history can't be written, as on a full disk: what is found is told by the same rules, from memory."""
        sentence = "the history can't be written"
        self.troubles.append(f"{sentence} ({error})")
        self.rules = at_sight(self.rules)
        self.remark = f"{sentence}: until it can, this is told anew every half hour, and that it is over is not told\n"
        store = copied(self.folder / HISTORY)
        try:
            with store.transaction():
                timekeeping.mend(store, self.at)
                self._take_in(store, document, self._known())
                body = "\n".join([*self.troubles, self.remark, *(document["roots"] if document else [])])
                outbox.queue_own(store, self.rules, self.at, f"[{self.name}] monitor: {sentence}", f"{body}\n")
            self._deliver_once(store)
            self._show(store, is_whole=document is not None)
        finally:
            store.close()

    def _deliver_once(self, store: Store) -> None:
        """Without memory: nothing where just the same was told lately."""
        told = Told(self.folder, self.at)
        if not told.is_known(store):
            what = fingerprint(store)
            self._deliver(store)
            if not store.row("SELECT 1 FROM waiting JOIN message ON message.id = message WHERE at = ?", self.at):
                told.note(what)
