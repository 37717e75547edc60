"""Try changes to probes and handles: with the tests that run the line, then with checks in states of the lab.

Such a change affects many checks, so it is tried only where its line is run: with the tests that run most of its
module, and with `RUNS` runs of checks, in states that differ as much as possible.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quality.mutation import states
from quality.mutation.changed import Changed, change_from_here_on
from quality.mutation.reach import is_reached
from quality.mutation.trying import CheckProcesses, Tried
from tests.harness import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from quality.mutation.mutants import Mutant
    from tests.harness import LabClient

RUNS = 10
TESTS, TESTS_S = 60, 15.0
MAP = PROJECT / ".cache" / "mutation" / "tests.json"
PATIENCE_S = 60.0
Lines = dict[str, set[int]]


class Tests:
    """The tests that run each line, mapped once for all of tests/probes by quality.mutation.mapped.

    With selected test files the map is always made again; this is for testing the campaign itself.
    """

    def __init__(self, files: Sequence[str] = ()) -> None:
        path = MAP.with_name("some.json") if files else MAP
        if files or not path.is_file():
            _make_map(path, files or ["tests/probes"])
        found: dict[str, Any] = json.loads(path.read_text())
        passed = {name: test for name, test in found.items() if "failed" not in test and "lines" in test}
        self._seconds = {name: test["seconds"] for name, test in passed.items()}
        self._lines = {name: {path: set(some) for path, some in test["lines"].items()} for name, test in passed.items()}

    def of(self, mutant: Mutant) -> list[str]:
        """Return the tests that run the line: one for each way through the module first, the most specific first."""
        fitting = [name for name, lines in self._lines.items() if is_reached(mutant, lines)]
        fitting.sort(key=lambda name: (-self._share(name, mutant.path), self._seconds[name]))
        ways = {frozenset(self._lines[name].get(mutant.path, ())): name for name in reversed(fitting)}
        firsts = set(ways.values())
        chosen, spent_s = list[str](), 0.0
        for name in sorted(fitting, key=lambda name: name not in firsts):
            if len(chosen) < TESTS and (not chosen or spent_s + self._seconds[name] <= TESTS_S):
                spent_s += self._seconds[name]
                chosen.append(name)
        return chosen

    def _share(self, name: str, path: str) -> float:
        """Return the share of a module in the lines that a test runs."""
        lines = self._lines[name]
        return len(lines.get(path, ())) / max(1, sum(map(len, lines.values())))


def _make_map(path: Path, tests: Sequence[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    words = ["-c", "tests/pytest.ini", "-q", "-p", "no:cacheprovider", "-p", "quality.mutation.mapped", *tests]
    variables = os.environ | {"MUTATION_MAP": str(path)}
    subprocess.run([sys.executable, "-m", "pytest", *words], cwd=PROJECT, env=variables, check=False)


def failed_test(mutant: Mutant, tests: list[str], folder: Path) -> str | None:
    """Return a test that fails twice with the change and passes without it."""
    while tests:
        failed = _failed(mutant, tests, folder)
        if not failed:
            return None
        if not _failed(None, failed, folder) and _failed(mutant, failed, folder):
            return failed[0]
        tests = tests[tests.index(failed[0]) + 1 :]
    return None


def _failed(mutant: Mutant | None, tests: list[str], folder: Path) -> list[str]:
    """Return the first test that fails or hangs."""
    failed_file = folder / "failed"
    failed_file.unlink(missing_ok=True)
    pid = os.fork()
    if pid == 0:
        try:
            os.setpgid(0, 0)
            _run_tests(mutant, tests, folder, failed_file)
        finally:
            os._exit(0)
    end = time.monotonic() + PATIENCE_S
    while os.waitpid(pid, os.WNOHANG)[0] == 0:
        if time.monotonic() > end:
            os.killpg(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            break
        time.sleep(0.05)
    return failed_file.read_text().splitlines() if failed_file.is_file() else tests[:1]


def _run_tests(mutant: Mutant | None, tests: list[str], folder: Path, failed_file: Path) -> None:
    log = os.open(folder / "tests.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number in (1, 2):
        os.dup2(log, number)
    os.chdir(PROJECT)
    if mutant:
        change_from_here_on(Changed(mutant), folder)
    import pytest

    failed: list[str] = []

    class Noting:
        def pytest_runtest_logstart(self, nodeid: str) -> None:
            failed_file.write_text(nodeid)

        def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
            if report.failed:
                failed.append(report.nodeid)
                print(report.longreprtext)

    words = ["-c", "tests/pytest.ini", "-x", "-q", "-p", "no:cacheprovider"]
    code = pytest.main([*words, *(f"tests/{test}" for test in tests)], plugins=[Noting()])
    names = failed[:1] if code in (0, 1) else tests[:1]
    failed_file.write_text("\n".join(names))


def tried(lab: LabClient, folder: Path, mutants: Iterable[Mutant], tests: Tests, most_s: float) -> list[Tried]:
    done = [Tried(mutant) for mutant in mutants]
    for number, one in enumerate(done, 1):
        by_tests(one, tests, folder)
        print(f"{number} {one.mutant.name}: {one.seen_by or f'not detected by {one.runs} tests'}", flush=True)
    by_states(done, lab, folder, most_s)
    return done


def by_tests(one: Tried, tests: Tests, folder: Path) -> None:
    fitting = tests.of(one.mutant)
    one.runs += len(fitting)
    one.seen_by = failed_test(one.mutant, fitting, folder) if fitting else None


def by_states(done: list[Tried], lab: LabClient, folder: Path, most_s: float) -> None:
    """Run the healthy lab first; then only the checks that run the module there."""
    rows, end = states.rows(), time.monotonic() + most_s
    usual: dict[str, Lines] = {}
    ways: dict[Mutant, Counter[str]] = {one.mutant: Counter() for one in done}
    with CheckProcesses(lab, folder, [row["check"] for row in rows]) as processes:
        for state, those in states.by_state(rows, states.own).items():
            alive = [one for one in done if one.seen_by is None and ways[one.mutant].total() < RUNS]
            paths = {one.mutant.path for one in alive}
            checks = [row["check"] for row in those if paths & set(usual.get(row["check"], paths))]
            if not checks or state.settings or time.monotonic() > end:
                continue
            with state.entered(lab):
                for check in checks:
                    usual.setdefault(check, _run_check(check, alive, processes, ways, str(state)))
            print(f"{sum(one.seen_by is None for one in done)} undetected, {state}", flush=True)


def _run_check(
    check: str, alive: list[Tried], processes: CheckProcesses, ways: dict[Mutant, Counter[str]], state: str
) -> Lines:
    """Run a check and return the lines that it runs."""
    expected, run = processes.traced(check)
    way = f"{check.partition('[')[0]} {expected['outcome']} {expected.get('findings', [])[:1]}"
    for one in alive:
        counts = ways[one.mutant]
        if one.seen_by or counts[way] or counts.total() >= RUNS or not is_reached(one.mutant, run):
            continue
        counts[way] += 1
        one.runs += 1
        if processes.differ(one.mutant, check, expected):
            one.seen_by = f"{state}, {check}"
            processes.close(one.mutant)
    return run
