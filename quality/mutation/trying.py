"""Compare the verdicts of a changed module with those of the unchanged one, in every state of the lab."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from quality.mutation import states
from quality.mutation.check_process import CheckProcess, Verdict
from quality.mutation.reach import can_reach, is_reached

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from quality.mutation.mutants import Mutant
    from quality.mutation.reach import Lines
    from quality.mutation.states import Row, State
    from tests.harness import LabClient

SAME_WAY = 2


@dataclass
class Tried:
    """A mutant, what detected it (None: undetected), and the number of runs."""

    mutant: Mutant
    seen_by: str | None = None
    runs: int = 0
    ways: Counter[int] = field(default_factory=Counter)


class CheckProcesses:
    """One process for the unchanged project, and one for each undetected change to the probes."""

    def __init__(self, lab: LabClient, folder: Path, checks: list[str], env: str = "lab") -> None:
        self._lab, self.folder, self._checks, self._env = lab, folder, checks, env
        self._forgets = any("aura-flow" in check for check in checks)
        self._open: dict[Mutant | None, CheckProcess] = {}

    def _of(self, mutant: Mutant | None) -> CheckProcess:
        if mutant not in self._open:
            self._open[mutant] = CheckProcess(self._lab.state, self.folder, self._checks, mutant, self._env)
        return self._open[mutant]

    def differ(self, mutant: Mutant, check: str, expected: Verdict) -> bool:
        """Compare twice, because a busy machine can delay a response."""
        seen = self._seen(mutant, check)
        if seen == expected:
            return False
        again, repeated = self._seen(None, check), self._seen(mutant, check)
        return all(verdict not in (expected, again) for verdict in (seen, repeated))

    def _seen(self, mutant: Mutant | None, check: str) -> Verdict:
        self.forget()
        if mutant is None or mutant.path.startswith("checks/"):
            return self._of(None).verdict(check, mutant)
        return self._of(mutant).verdict(check)

    def traced(self, check: str) -> tuple[Verdict, Lines]:
        """Return the unchanged check's verdict and the lines it ran."""
        self.forget()
        return self._of(None).traced(check)

    def forget(self) -> None:
        """Clear the lab's request log: it refuses too many logins."""
        if self._forgets:
            self._lab.ask("DELETE", "requests")

    def close(self, mutant: Mutant) -> None:
        if mutant in self._open:
            self._open.pop(mutant).close()

    def __enter__(self) -> CheckProcesses:
        return self

    def __exit__(self, *_: object) -> None:
        while self._open:
            self._open.popitem()[1].close()


def tried(lab: LabClient, folder: Path, mutants: Iterable[Mutant], rows: list[Row]) -> list[Tried]:
    """Run these checks in the states that concern them, then in neighbouring states, until all mutants are detected."""
    done = [Tried(mutant) for mutant in mutants]
    checks = [row["check"] for row in rows]
    with CheckProcesses(lab, folder, checks) as processes:
        for about in (states.own, states.neighbours):
            for state, every in states.by_state(rows, about).items():
                alive = [one for one in done if one.seen_by is None]
                those = [row for row in every if any(can_reach(one.mutant, row["check"]) for one in alive)]
                if those:
                    print(f"{len(alive)} undetected, {state}", flush=True)
                    _in(state, lab, those, alive, processes)
                    for one in alive:
                        if one.seen_by:
                            processes.close(one.mutant)
    return done


def _in(state: State, lab: LabClient, rows: list[Row], alive: list[Tried], processes: CheckProcesses) -> None:
    checks = [row["check"] for row in rows]
    with state.entered(lab):
        if state.settings:
            with CheckProcesses(lab, processes.folder, checks, lab.varied(state.system, state.settings)) as varied:
                _compare(state, checks, alive, varied)
        else:
            _compare(state, checks, alive, processes)


def _compare(state: State, checks: list[str], alive: list[Tried], processes: CheckProcesses) -> None:
    for check in checks:
        expected, run = processes.traced(check)
        for one in alive:
            if (
                one.seen_by
                or not can_reach(one.mutant, check)
                or not is_reached(one.mutant, run)
                or not _is_new(one, state, check, run, expected)
            ):
                continue
            one.runs += 1
            if processes.differ(one.mutant, check, expected):
                one.seen_by = f"{state}, {check}"


def _is_new(one: Tried, state: State, check: str, run: Lines, expected: Verdict) -> bool:
    """Whether this run may add information: the same path to the same result does not, except near a limit."""
    end = (expected["outcome"], *expected.get("findings", ()))
    way = hash((check.partition("[")[0], end, frozenset(run.get(one.mutant.path, ()))))
    one.ways[way] += 1
    return state.kind == "boundary" or one.ways[way] <= SAME_WAY
