"""Open, update and resolve incidents, and yield the events to report."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runbook_checks.config.runbook import Rung
from runbook_checks.monitor.snapshot import CLEAR, EXPLAINED, ROOT
from runbook_checks.monitor.states import has_come, has_gone, key_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runbook_checks.config.acknowledgements import Known
    from runbook_checks.config.monitoring import Monitoring
    from runbook_checks.config.runbook import Chosen, Escalation, Rung
    from runbook_checks.monitor.snapshot import Details, Key
    from runbook_checks.monitor.states import State
    from runbook_checks.monitor.store import Row, Store

UNWATCHED_S = 24 * 3600.0  # an incident that no run checked for this long is closed with a notification


@dataclass(frozen=True)
class Event:
    """An event of an incident, and the roles to notify beside the severity's channels."""

    kind: str
    """alert, graver, reminder, escalation, resolved or unwatched."""
    incident: int
    key: Key
    severity: str
    began: float
    lasted_s: float
    details: Details
    note: str = ""
    who: tuple[str, ...] = ()


class Incidents:
    """Updates incidents, state by state, and yields events to report."""

    def __init__(self, store: Store, rules: Monitoring, known: Known, systems: dict[str, Chosen], at: float) -> None:
        self.store, self.rules, self.known, self.systems, self.at = store, rules, known, systems, at
        self.open = {key_of(row): row for row in store.rows("SELECT * FROM incident WHERE ended IS NULL")}

    def follow(self, state: State, mark: str) -> Iterator[Event]:
        """Update the incident of one state after a run."""
        incident = self.open.get(state.key)
        if incident is None:
            if not has_come(state, mark, self.rules):
                return
            incident = self._opened(state)
        if mark == CLEAR and state.clears == 1:
            self._change(incident, cleared=self.at)
        if mark == ROOT:
            yield from self._still_there(incident, state)
        elif mark == CLEAR and has_gone(state, incident["severity"], self.rules):
            yield from self._ended(incident, state, "resolved")
        elif self.at - state.looked_at > UNWATCHED_S:
            yield from self._ended(incident, state, "unwatched")
        elif mark not in (EXPLAINED, CLEAR):  # the root of an explained one is reported; a clear one may soon end
            yield from self._lasting(incident, state)

    def _opened(self, state: State) -> Row:
        key = state.key
        number = self.store.run(
            "INSERT INTO incident (system, symptom, subject, severity, began, opened, told)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            *(key.system, key.symptom, key.subject, state.severity, state.since, self.at, json.dumps(state.details)),
        )
        return self._row(number)

    def _row(self, number: int) -> Row:
        row = self.store.row("SELECT * FROM incident WHERE id = ?", number)
        assert row is not None
        return row

    def _still_there(self, incident: Row, state: State) -> Iterator[Event]:
        is_graver = state.severity < incident["severity"]
        gravest, details = min(state.severity, incident["severity"]), json.dumps(state.details)
        self._change(incident, severity=gravest, told=details, cleared=None)
        acknowledged = self._acknowledged(state)
        if acknowledged:
            self._change(incident, acknowledged=acknowledged)
        elif incident["acknowledged"]:
            self._change(incident, acknowledged="", alerted=None)
        row = self._row(incident["id"])
        if acknowledged or self.known.window(state.key.system, self.at):
            return
        if row["alerted"] is None:
            note = f"the acknowledgement {incident['acknowledged']} has ended" if incident["acknowledged"] else ""
            self._change(row, alerted=self.at, rung=0)
            yield self._event("alert", row, state, note=note, who=self._called(state))
        elif is_graver:
            note = f"it was {incident['severity']} before"
            yield self._event("graver", row, state, note=note, who=self._called(state))
        else:
            yield from self._lasting(row, state)

    def _lasting(self, row: Row, state: State) -> Iterator[Event]:
        """The next escalation or a reminder, when due; nothing for an acknowledged incident."""
        key = state.key
        if row["alerted"] is None or row["acknowledged"] or self.known.window(key.system, self.at):
            return
        rungs = list(_rungs(self._escalation(state)))
        reached = sum(self.at - row["alerted"] >= rung.after_min * 60 for rung in rungs)
        remind_s = self.rules.rule(row["severity"]).remind_min * 60
        if reached > row["rung"]:
            rung = rungs[reached - 1]
            self._change(row, rung=reached)
            note = f"not acknowledged for {rung.after_min:g} min"
            yield self._event("escalation", row, state, note=note, who=tuple(rung.who))
        elif remind_s and self.at - row["last_told"] >= remind_s:
            yield self._event("reminder", row, state, who=self._called(state))

    def _ended(self, row: Row, state: State, how: str) -> Iterator[Event]:
        self._change(row, ended=self.at, how=how)
        if row["last_told"] is not None:
            yield self._event(how, row, state)

    def _event(self, kind: str, row: Row, state: State, note: str = "", who: tuple[str, ...] = ()) -> Event:
        self._change(row, last_told=self.at)
        now = self._row(row["id"])
        lasted = (now["cleared"] or self.at) - now["began"]
        details = json.loads(now["told"])
        return Event(kind, now["id"], state.key, now["severity"], now["began"], lasted, details, note, who)

    def _change(self, row: Row, **values: Any) -> None:
        columns = ", ".join(f"{name} = ?" for name in values)
        self.store.run(f"UPDATE incident SET {columns} WHERE id = ?", *values.values(), row["id"])  # noqa: S608 - names of ours

    def _acknowledged(self, state: State) -> str:
        key = state.key
        return self.known.current(key.symptom, key.system, key.subject or None, state.details.get("cause"), self.at)

    def _escalation(self, state: State) -> Escalation | None:
        chosen = self.systems.get(state.key.system)
        return chosen.settings.escalation.get(state.severity) if chosen else None  # type: ignore[call-overload]

    def _called(self, state: State) -> tuple[str, ...]:
        level = self._escalation(state)
        return tuple(level.who) if level else ()


def _rungs(level: Escalation | None) -> Iterator[Rung]:
    """The later levels of an escalation; without any, the first level again when the response is due."""
    if level is None:
        return
    if level.then:
        yield from level.then
    elif level.within_min:
        yield Rung(after_min=level.within_min, who=level.who)
