"""Group sessions that wait for locks by the session that they all wait for in the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runbook_checks.probes.sql.activity import Waiting


@dataclass(frozen=True)
class Chain:
    """A root blocker and the sessions that wait for it. In a cycle each waits for the next."""

    root: Waiting
    waiting: tuple[Waiting, ...]
    cycle: tuple[Waiting, ...] = ()

    @property
    def longest_s(self) -> float:
        return max(one.waits_s for one in self.waiting)


def chains(sessions: Iterable[Waiting]) -> list[Chain]:
    """One chain for each root blocker and for each cycle, the longest wait first.

    A session that waits for several roots is in each of their chains.
    """
    by_pid = {session.pid: session for session in sessions}
    waiting = [session for session in by_pid.values() if session.blockers]
    ahead = {session.pid: _ahead(session, by_pid) for session in waiting}
    roots = {pid for pids in ahead.values() for pid in pids if not by_pid[pid].blockers}
    found = [Chain(by_pid[root], tuple(one for one in waiting if root in ahead[one.pid])) for root in roots]
    return sorted([*found, *_cycles(by_pid, ahead)], key=lambda chain: -chain.longest_s)


def _ahead(session: Waiting, by_pid: dict[int, Waiting]) -> set[int]:
    """All sessions that a session waits for, directly or not; itself too, if it is in a cycle."""
    seen: set[int] = set()
    todo = list(session.blockers)
    while todo:
        pid = todo.pop()
        if pid in by_pid and pid not in seen:
            seen.add(pid)
            todo += by_pid[pid].blockers
    return seen


def _cycles(by_pid: dict[int, Waiting], ahead: dict[int, set[int]]) -> Iterator[Chain]:
    inside = sorted(pid for pid, pids in ahead.items() if pid in pids)
    while inside:
        members = [pid for pid in inside if pid in ahead[inside[0]] and inside[0] in ahead[pid]]
        order = [by_pid[members[0]]]
        while (following := next((pid for pid in order[-1].blockers if pid in members), members[0])) != members[0]:
            order.append(by_pid[following])
            if len(order) > len(members):
                break
        behind = tuple(by_pid[pid] for pid, pids in ahead.items() if members[0] in pids)
        yield Chain(order[0], behind, tuple(order))
        inside = [pid for pid in inside if pid not in members]
