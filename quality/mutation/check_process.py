"""Run single checks in forked processes that have already loaded the project.

Starting Python and loading the project took most of the time of a run. The campaign's process has loaded only the
libraries; its child loads the project, with one module changed, and collects the checks; a child of that child runs one
check and reports its verdict.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quality.mutation.changed import Changed, change_from_here_on, change_here
from quality.mutation.traced import traced
from tests.forked import LIBRARIES
from tests.harness import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from quality.mutation.mutants import Mutant
    from quality.mutation.reach import Lines
    from runbook_checks.results.model import Result

Verdict = dict[str, Any]
PATIENCE_S = 90.0
_PR_SET_PDEATHSIG = 1


def load_libraries() -> None:
    """Import the libraries before the first fork, but none of the project."""
    for name in LIBRARIES:
        import_module(name)


class CheckProcess:
    """A process that has loaded the project, with or without a change to one module of the probes.

    A change to a module of checks needs no new process: nothing else imports it, so each run can change it.
    """

    def __init__(
        self, state: Path, folder: Path, checks: Iterable[str], mutant: Mutant | None = None, env: str = "lab"
    ) -> None:
        ours, theirs = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                ours.close()
                _serve(theirs, state, folder, _functions(checks), mutant, env)
            finally:
                os._exit(1)
        self._listen(ours, theirs)

    def _listen(self, ours: socket.socket, theirs: socket.socket) -> None:
        theirs.close()
        ours.settimeout(PATIENCE_S)
        self.socket, self.answers = ours, ours.makefile("r")

    @classmethod
    def spawned(cls, state: Path, folder: Path, checks: Iterable[str]) -> CheckProcess:
        """Start a new process with the unchanged project: forking is unsafe in a process with threads."""
        process = cls.__new__(cls)
        ours, theirs = socket.socketpair()
        words = [str(theirs.fileno()), str(state), str(folder), *_functions(checks)]
        command = [sys.executable, "-m", "quality.mutation.check_process", *words]
        process.pid = subprocess.Popen(command, cwd=PROJECT, pass_fds=[theirs.fileno()]).pid
        process._listen(ours, theirs)
        return process

    def verdict(self, check: str, mutant: Mutant | None = None) -> Verdict:
        """Return the check's verdict on the lab's current state: outcome, resource, findings, what it left."""
        return self._request({"check": check, "changed": mutant and vars(Changed(mutant))})

    def traced(self, check: str) -> tuple[Verdict, Lines]:
        """Return the verdict, and the lines of the project that were run; slower."""
        verdict = self._request({"check": check, "is_traced": True})
        return verdict, {file: set(lines) for file, lines in verdict.pop("lines", {}).items()}

    def _request(self, question: dict[str, Any]) -> dict[str, Any]:
        try:
            self.socket.sendall(json.dumps(question).encode() + b"\n")
            return dict(json.loads(self.answers.readline()))
        except TimeoutError:
            return {"outcome": "timed out"}
        except (OSError, ValueError):
            return {"outcome": "did not start"}

    def close(self) -> None:
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            os.kill(self.pid, signal.SIGKILL)  # it does not have its own process group yet
        os.waitpid(self.pid, 0)
        self.answers.close()
        self.socket.close()


def _functions(checks: Iterable[str]) -> list[str]:
    return sorted({check.partition("[")[0] for check in checks})


def _serve(asked: socket.socket, state: Path, folder: Path, checks: list[str], mutant: Mutant | None, env: str) -> None:
    os.setpgid(0, 0)
    _end_with_parent()
    log = os.open(folder / "checks.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number in (1, 2):
        os.dup2(log, number)
    for name in [name for name in os.environ if name.startswith(("PYTEST_", "CHECKS_", "LAB_"))]:
        del os.environ[name]
    os.environ |= {"CHECKS_LAB": str(state), "CHECKS_OUT": str(folder / "out"), "COLUMNS": "80"}
    os.chdir(PROJECT)
    if mutant:
        change_from_here_on(Changed(mutant), folder)
    import pytest

    # Serial: no check may run before it is requested.
    pytest.main(["--env", env, "--serial", *checks], plugins=[_Answering(asked)])


class _Answering:
    def __init__(self, asked: socket.socket) -> None:
        self.asked = asked

    def pytest_runtestloop(self, session: Any) -> bool:
        items = {item.nodeid: item for item in session.items}
        for line in self.asked.makefile("r"):
            question = json.loads(line)
            answer = _in_a_child(session, items.get(question["check"]), question)
            self.asked.sendall(json.dumps(answer).encode() + b"\n")
        os._exit(0)


def _in_a_child(session: Any, item: Any, question: dict[str, Any]) -> dict[str, Any]:
    if item is None:
        return {"outcome": "not collected"}
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            _end_with_parent()
            os.close(reading)
            if question.get("changed"):
                change_here(question["changed"], item)
            answer = _traced(session, item) if question.get("is_traced") else _run_check(session, item)
            with open(writing, "w") as pipe:
                json.dump(answer, pipe)
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading) as pipe:
        text = pipe.read()
    os.waitpid(pid, 0)
    return dict(json.loads(text or '{"outcome": "crashed"}'))


def _traced(session: Any, item: Any) -> dict[str, Any]:
    lines: Lines = {}
    with traced(lines):
        verdict = _run_check(session, item)
    return verdict | {"lines": {file: sorted(seen) for file, seen in list(lines.items())}}


def _run_check(session: Any, item: Any) -> Verdict:
    import pytest

    from runbook_checks.plugin.result_maker import result_of
    from runbook_checks.plugin.run import run_of

    run = run_of(session.config)
    run.started = time.time()
    bodies = session.config.pluginmanager.get_plugin("runbook-checks-bodies")
    bodies.look([item])
    body = bodies.body(item)
    if isinstance(body.error, pytest.skip.Exception):
        return {"outcome": "skipped", "resource": None, "findings": []}
    return _verdict(result_of(item, body, run))


def _verdict(result: Result) -> Verdict:
    """What counts; numbers in a subject may be a process' or a statement's, and differ from look to look."""
    findings = sorted(
        f"{one.severity} {one.cause} {_without_digits(one.subject or '')}".strip() for one in result.findings
    )
    is_broken = result.outcome == "unknown" and "the check itself failed" in (result.reason or "")
    outcome = "crashed" if is_broken else result.outcome
    put = sum("left" in reading.facts for reading in result.readings)
    taken = sum(reading.title.startswith("not on the target") for reading in result.readings)
    return {"outcome": outcome, "resource": result.resource, "findings": findings, "left": put - taken}


def _without_digits(text: str) -> str:
    return "".join("0" if letter.isdigit() else letter for letter in text)


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    _number, _state, _folder, *_checks = sys.argv[1:]
    _serve(socket.socket(fileno=int(_number)), Path(_state), Path(_folder), _checks, None, "lab")
