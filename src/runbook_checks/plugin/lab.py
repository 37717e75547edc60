"""How does choosing the lab start it? As a child process, never imported: it shares no code with what looks at it."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runbook_checks.plugin.lab_command import lab_command
from runbook_checks.plugin.run import has_run, run_of
from runbook_checks.probes.core.child_environment import clean

if TYPE_CHECKING:
    from runbook_checks.config.run import Run

STATE = "CHECKS_LAB"  # a running lab's state file: that lab is used, and left running
PATIENCE_S = 60.0


class Lab:
    """The lab for one run: started here, or one that runs already; its faults applied, and undone at the end."""

    def __init__(self, run: Run, faults: list[str]) -> None:
        self.run, self.faults = run, faults
        self.child: subprocess.Popen[bytes] | None = None
        self.folder: tempfile.TemporaryDirectory[str] | None = None
        self.control = ""
        self.applied: list[str] = []

    def begin(self) -> None:
        """Start the lab where none runs; it comes up while the checks are collected."""
        if not os.environ.get(STATE):
            self._spawn()

    def ready(self) -> None:
        """Wait until it is up, and break it as asked."""
        state = self._state(Path(os.environ[STATE]))
        os.environ.update(state["variables"])
        self.control = state["control"]
        for part, why in state.get("missing", {}).items():
            self.run.notes.append(f"the lab has no {part}: {why}")
        for fault in self.faults:
            self.apply(fault)

    def _spawn(self) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="checks-lab-")
        # A file, for nobody reads while the lab runs: a full pipe would stop it.
        self._said = (Path(self.folder.name) / "said").open("w+b")
        state = Path(self.folder.name) / "state.json"
        words = lab_command("--state", str(state))
        words += [word for name in self.run.systems for word in ("--system", name)]
        self.child = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self._said, env=clean()
        )
        os.environ[STATE] = str(state)

    def _state(self, path: Path) -> dict[str, Any]:
        end = time.monotonic() + PATIENCE_S
        while not path.is_file():
            if self.child is not None and self.child.poll() is not None:
                self._said.seek(0)
                said = self._said.read().decode(errors="replace").strip().splitlines()
                raise pytest.UsageError(f"the lab did not start: {said[-1] if said else self.child.returncode}")
            if time.monotonic() > end:
                raise pytest.UsageError(f"the lab did not start within {PATIENCE_S:.0f} s")
            time.sleep(0.01)
        return dict(json.loads(path.read_text()))

    def apply(self, fault: str) -> None:
        self._ask("POST", fault)
        self.applied.append(fault)

    def _ask(self, method: str, fault: str) -> None:
        import urllib.error
        import urllib.request

        data = json.dumps({"fault": fault}).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.control}/faults", data, headers, method=method)  # noqa: S310 - http
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            opener.open(request, timeout=30).close()
        except urllib.error.HTTPError as error:
            said = json.loads(error.read() or b"{}")
            raise pytest.UsageError(f"--fault {fault}: {said.get('error', error)}") from None

    def stop(self) -> None:
        if self.child is None:
            for fault in reversed(self.applied):
                with suppress(OSError, pytest.UsageError):
                    self._ask("DELETE", fault)
            return
        self.child.terminate()
        try:
            self.child.wait(10)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        os.environ.pop(STATE, None)
        if self.folder:
            self._said.close()
            self.folder.cleanup()


def known_faults(run: Run) -> list[str]:
    """The faults asked for, each with its system; one that there isn't, or that fits several, is refused beforehand."""
    from runbook_checks.config.strict_yaml import suggestion
    from runbook_checks.plugin.list_symptoms import lab_faults

    faults = {f["fault"]: f["systems"] for f in lab_faults()}
    known = []
    for given in run.faults:
        name, _, system = given.partition("@")
        if name not in faults:
            raise pytest.UsageError(
                f"--fault {given}: the lab has no such fault{suggestion(name, faults)} (runbook-checks lab --list)"
            )
        fitting = [s for s in faults[name] if s in run.systems] or faults[name]
        if system and system not in fitting:
            raise pytest.UsageError(f"--fault {given}: {system} has no such fault (it is one of {', '.join(fitting)})")
        if not system and len(fitting) > 1:
            candidates = ", ".join(f"{name}@{s}" for s in fitting)
            raise pytest.UsageError(f"--fault {given}: fits several systems; say which: {candidates}")
        if not set(fitting) & {*run.systems}:
            raise pytest.UsageError(f"--fault {given}: {' and '.join(fitting)} is not among the chosen systems")
        known.append(f"{name}@{system or fitting[0]}")
    return known


class LabOfRun:
    """Starts the lab with the session and stops it at the end. Workers of pytest-xdist inherit its variables."""

    def __init__(self, run: Run, faults: list[str]) -> None:
        self.lab = Lab(run, faults)
        self.is_up = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        self.lab.begin()
        if session.config.getoption("tx", None):
            self._wait()  # before xdist starts its workers, so that they inherit the variables

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> None:
        if session.items and not self.is_up and not session.testsfailed:
            self._wait()

    def _wait(self) -> None:
        self.is_up = True
        self.lab.ready()

    def pytest_unconfigure(self) -> None:
        self.lab.stop()


def pytest_configure(config: pytest.Config) -> None:
    option = config.option
    if not has_run(config) or option.collectonly or option.list_symptoms:
        return
    run = run_of(config)
    if run.environment.lab and not hasattr(config, "workerinput"):
        faults = known_faults(run) if run.faults else []
        config.pluginmanager.register(LabOfRun(run, faults), "runbook-checks-lab")
