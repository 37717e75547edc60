"""Run the product as its users do: in its own process, against the lab."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError

from tests import forked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PROJECT = Path(__file__).resolve().parent.parent
SYSTEM = "ai-customer-service"


@dataclass
class Ran:
    """The output and files of one run of the product."""

    code: int
    stdout: str
    stderr: str
    folder: Path | None
    duration_s: float

    @property
    def document(self) -> dict[str, Any]:
        assert self.folder is not None, self.stdout + self.stderr
        return dict(json.loads((self.folder / "results.json").read_text()))

    @property
    def results(self) -> dict[str, dict[str, Any]]:
        """Results by symptom (one system)."""
        return {result["symptom"]: result for result in self.document["results"]}

    def outcomes(self, *outcomes: str) -> dict[str, dict[str, Any]]:
        return {name: result for name, result in self.results.items() if result["outcome"] in outcomes}

    def allure(self) -> list[dict[str, Any]]:
        assert self.folder is not None
        return [json.loads(path.read_text()) for path in (self.folder / "allure").glob("*-result.json")]

    def output(self) -> str:
        return self.stdout + self.stderr


@dataclass
class LabClient:
    """A client for a running lab's control address."""

    state: Path
    control: str
    variables: dict[str, str]
    missing: dict[str, str]
    out: Path
    systems: tuple[str, ...] = (SYSTEM,)
    runs: list[Ran] = field(default_factory=list)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.control}/{path}", data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.loads(answer.read())
        except HTTPError as error:
            raise AssertionError(f"{method} {path} {body}: {error.read().decode()}") from None

    @contextmanager
    def fault(self, *names: str) -> Iterator[None]:
        """Apply these faults."""
        with self._switched("faults", "fault", names):
            yield

    @contextmanager
    def outage(self, *names: str) -> Iterator[None]:
        """Remove these sources or privileges."""
        with self._switched("outages", "outage", names):
            yield

    @contextmanager
    def incident(self, *names: str) -> Iterator[None]:
        """Apply these incidents with all their consequences."""
        with self._switched("incidents", "incident", names):
            yield

    @contextmanager
    def boundary(self, *names: str) -> Iterator[None]:
        """Move the lab near these limits."""
        with self._switched("boundaries", "boundary", names):
            yield

    @contextmanager
    def _switched(self, path: str, key: str, names: tuple[str, ...]) -> Iterator[None]:
        try:
            for name in names:
                self.ask("POST", path, {key: name})
            yield
        finally:
            for name in reversed(names):
                self.ask("DELETE", path, {key: name})

    def _has_them(self, env: str) -> bool:
        """Whether the environment is the lab's, or a copy of it with changed settings."""
        text = (PROJECT / "environments" / "lab.yaml" if env == "lab" else Path(env)).read_text()
        return "\nlab: true" in text and all(f"\n  {system}:" in text for system in self.systems)

    def varied(self, system: str, settings: Mapping[str, Any]) -> str:
        """Write a copy of the lab's environment file with changed settings of one system; None removes a setting."""
        if not settings:
            return "lab"
        import yaml

        document = yaml.safe_load((PROJECT / "environments" / "lab.yaml").read_text())
        for place, value in settings.items():
            *way, last = place.split(".")
            here = document["systems"][system]
            for name in way:
                here = here.setdefault(name, {})
            if value is None and last in here:
                del here[last]
            else:
                here[last] = value
        path = self.state.with_name("varied.yaml")
        path.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True))
        return str(path)

    def check(self, *arguments: str, env: str = "lab", variables: dict[str, str] | None = None) -> Ran:
        """Run the product against this lab, with its system only (lab.yaml has all systems)."""
        named = [word for system in self.systems for word in ("--system", system)]
        named = named if self._has_them(env) and "--system" not in arguments else []
        return run(
            "--env",
            env,
            *named,
            *arguments,
            out=self.out,
            variables={"CHECKS_LAB": str(self.state)} | (variables or {}),
        )


def describe(ran: Ran) -> str:
    """Return the message of a failing test: every outcome that is not clear."""
    lines = [ran.stdout]
    for name, result in ran.outcomes("found", "unknown").items():
        lines.append(f"{result['outcome']} {name} {result['reason'] or ''} <- {result['explained_by']}")
        lines += [f"    {f['cause']} {f['seen']} <- {f['explained_by']}" for f in result["findings"]]
    return "\n".join(lines)


def run(
    *arguments: str,
    out: Path | None = None,
    variables: dict[str, str] | None = None,
    cwd: Path = PROJECT,
    timeout_s: float = 120,
    words: tuple[str, ...] = ("-m", "pytest"),
) -> Ran:
    """Run the product with a command line, in its own process."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "CHECKS_", "LAB_"))
    }
    environment |= {"COLUMNS": "80", "CHECKS_OUT": str(out)} if out else {"COLUMNS": "80"}
    environment |= variables or {}
    before = set(out.glob("2*")) if out and out.is_dir() else set()
    begun = time.monotonic()
    if words == ("-m", "pytest") and forked.fits(variables or {}, cwd):
        done = forked.pytest_run(arguments, environment, cwd, timeout_s)
    else:
        done = subprocess.run(
            [sys.executable, *words, *arguments],
            cwd=cwd, env=environment, capture_output=True, timeout=timeout_s, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    new = sorted(set(out.glob("2*")) - before) if out and out.is_dir() else []
    said, complained = (stream.decode(errors="surrogateescape") for stream in (done.stdout, done.stderr))
    return Ran(done.returncode, said, complained, new[-1] if new else None, time.monotonic() - begun)


def interruptible(words: Sequence[str], **more: Any) -> subprocess.Popen[str]:
    """Start a child of the tests that signals can stop, even if the tests themselves ignore them."""
    return subprocess.Popen(
        words,
        cwd=PROJECT,
        text=True,
        stdin=subprocess.DEVNULL,
        preexec_fn=heed_signals,  # noqa: PLW1509  it takes no lock
        **more,
    )


def heed_signals() -> None:
    """Restore the default signal handling: `nohup` and `&` ignore signals, and children inherit that."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def imported_from(project: Path) -> dict[str, str]:
    """Return the variable that makes Python import a copy's code instead of the installed one."""
    return {"PYTHONPATH": f"{project / 'src'}:{project / 'lab' / 'src'}"}


@contextmanager
def started_lab(folder: Path, *systems: str, project: Path = PROJECT) -> Iterator[LabClient]:
    """Start a lab with AI Customer Service or these systems, of this project or of a copy of it."""
    systems = systems or (SYSTEM,)
    state = folder / "lab.json"
    words = [sys.executable, "-m", "runbook_checks_lab", "--state", str(state)]
    words += [word for system in systems for word in ("--system", system)]
    with (folder / "said").open("w+") as said:
        code = {} if project == PROJECT else imported_from(project)
        child = subprocess.Popen(words, cwd=project, env=os.environ | code, stdin=subprocess.DEVNULL, stderr=said)
        try:
            end = time.monotonic() + 60
            while not state.is_file():
                assert child.poll() is None, (folder / "said").read_text()
                assert time.monotonic() < end, "the lab did not start within 60 s"
                time.sleep(0.02)
            reported = json.loads(state.read_text())
            yield LabClient(
                state, reported["control"], reported["variables"], reported["missing"], folder / "out", systems
            )
        finally:
            child.terminate()
            child.wait(20)
