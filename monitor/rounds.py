"""What happens in one round? Look, remember, decide what to tell, deliver it, and show that the watcher lives."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from environments.monitoring import Monitoring
from environments.redaction import Redaction
from environments.references import Unresolved
from environments.strict_yaml import BadFile
from monitor import messages, outbox, schedule, states
from monitor.channels import Channels
from monitor.incidents import Incidents
from monitor.looking import NoDocument
from monitor.observing import look
from monitor.store import Store, TooNew, begun_anew, opened
from runbooks.known import NOTHING, Known, read_known

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runbooks.reading import Files

DAY_S = 86400.0
FAILED_TWICE = 2
WITHOUT_MEMORY = "told-without-memory"  # a file whose time says when that was
WITHOUT_MEMORY_S = 1800.0


@dataclass
class Round:
    """One round of the monitor, for one environment; whoever makes it holds the lock."""

    files: Files
    path: Path
    folder: Path
    at: float = field(default_factory=time.time)
    said: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rules = self.files.environment.monitoring or Monitoring()
        self.vault = self.files.vault(Redaction())
        self.channels = Channels(self.rules, self.vault)
        self.name = self.files.environment.name

    def go(self, get: Callable[[], dict[str, Any]]) -> int:
        """All of it; 0 where everything was done, 1 where the monitor itself was in trouble."""
        document: dict[str, Any] | None = None
        try:
            document = get()
        except NoDocument as none:
            self.troubles.append(str(none))
        try:
            store, lost = opened(self.folder / "history.sqlite3")
        except (sqlite3.Error, OSError, TooNew) as error:
            return self._without_memory(document, str(error))
        try:
            self._remember(store, document, lost)
            self._deliver(store)
            self._show(store, is_whole=document is not None)
        except (sqlite3.OperationalError, OSError) as error:
            return self._without_memory(document, str(error))
        except sqlite3.DatabaseError as error:
            return self._spoilt(store, error, document)
        finally:
            store.close()
        return 1 if self.troubles else 0

    def _spoilt(self, store: Store, error: sqlite3.DatabaseError, document: dict[str, Any] | None) -> int:
        """A file that opened, and then could not be read: put it aside and go through the round again."""
        store.close()
        self.said.clear()
        fresh, lost = begun_anew(self.folder / "history.sqlite3", error)
        try:
            self._remember(fresh, document, lost)
            self._deliver(fresh)
            self._show(fresh, is_whole=document is not None)
        finally:
            fresh.close()
        return 1

    def _remember(self, store: Store, document: dict[str, Any] | None, lost: str) -> None:
        known = self._known()
        with store.transaction():
            last = float(store.note("last_round") or self.at)
            gap = schedule.gap(last, self.at, self.rules.every_min)
            aside = schedule.stepped_aside(self.folder)
            if gap:
                states.begin_anew(store)
            for sentence in (lost, gap):
                if sentence:
                    self._tell_own(store, sentence)
            if aside:
                self.said.append(f"{aside} runs stepped aside while one took too long")
            store.keep("last_round", self.at)
            self._failures(store)
            if document is not None:
                self._take_in(store, document, known)
            day = states.date_of(self.at)
            if store.note("tidied") != day:
                before = self.at - self.rules.keep_days * DAY_S
                store.forget(before, states.date_of(before))
                store.keep("tidied", day)

    def _take_in(self, store: Store, document: dict[str, Any], known: Known) -> None:
        run, counts = document["run"], document["counts"]
        numbers = (counts["clear"], counts["found"], counts["unknown"], counts["skipped"])
        values = (self.at, run["id"], run["duration_s"], run["exit_code"], *numbers)
        store.run("INSERT OR REPLACE INTO run VALUES (?, ?, ?, ?, ?, ?, ?, ?)", *values)
        states.count_day(store, document, self.at)
        incidents = Incidents(store, self.rules, known, self.files.systems, self.at)
        link = self.text(self.rules.link) or ""
        marks = list(states.take_in(store, look(document), self.at))
        for words in messages.together(word for state, mark in marks for word in incidents.follow(state, mark)):
            title = messages.title(words, self.name)
            body = messages.body(words, self.files.systems, link)
            channels = outbox.queue(store, self.rules, words, self.at, title, body)
            self.said.append(title + ("" if channels else " (no channel is told)"))

    def _known(self) -> Known:
        path = self.path.parent / "known" / self.path.name
        if not path.is_file():
            return NOTHING
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
        self.troubles += outbox.deliver(store, self.channels.send, self.at)

    def _show(self, store: Store, *, is_whole: bool) -> None:
        """What shows that the watcher lives, and what it knows."""
        from monitor.shown import show

        self.troubles += show(self, store, is_whole=is_whole)
        (self.folder / WITHOUT_MEMORY).touch()
        os.utime(self.folder / WITHOUT_MEMORY, (0, 0))

    def text(self, reference: Any) -> str | None:
        """What a reference stands for; one that can't be resolved is a trouble of the monitor's."""
        if reference is None:
            return None
        try:
            return self.vault.value(reference)
        except Unresolved as unresolved:
            self.troubles.append(str(unresolved))
            return None

    def path_of(self, reference: Any) -> Path | None:
        """The same for a path, relative ones below the environment file's folder."""
        return None if self.text(reference) is None else self.vault.path(reference)

    def _without_memory(self, document: dict[str, Any] | None, error: str) -> int:
        """The history can't be written, as on a full disk: what is found is told at once, though not every time."""
        sentence = f"the history can't be written ({error})"
        self.troubles.append(sentence)
        mark = self.folder / WITHOUT_MEMORY
        with suppress(OSError):
            if self.at - mark.stat().st_mtime < WITHOUT_MEMORY_S:
                return 1
            os.utime(mark, (self.at, self.at))  # which a full disk has room for
        roots = document["roots"] if document else []
        body = "\n".join([sentence, "Alerts, reminders and what is resolved are not told until it can.", "", *roots])
        for channel in self.rules.rule(self.rules.watcher).channels:
            try:
                self.channels.send(channel, "watcher", f"[{self.name}] monitor: {sentence}", f"{body}\n")
            except outbox.NotDelivered as refused:
                self.troubles.append(f"{channel}: {refused}")
        return 1
