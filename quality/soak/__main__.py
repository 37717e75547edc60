"""python -m quality.soak [--runs 500] [--separate 500] [--write]: make many runs and verify that nothing accumulates.

The runs check a healthy lab and, in turn, far ends that hang, disconnect and send garbage. First all run in one
process, and its threads, sockets, files and memory are counted after each run. Then each runs in its own process, as
for users, and the far ends' sessions, locks and connections, temporary files and processes are counted.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import psycopg

import tests.misbehaving.http
import tests.misbehaving.postgres  # noqa: F401 - they fill the registry
from quality.soak.measures import Sample, of_the_far_end
from quality.soak.report import report, write
from tests.harness import PROJECT, SYSTEM, started_lab
from tests.hostile.product import dsn, environment_file, http, postgres
from tests.misbehaving.server import REGISTRY, FakeServer

HOSTILE = ("http.silent", "http.resets-mid-body", "postgres.silent-mid-query", "postgres.garbage-mid-query")
SELECTION = "health or database or logs"
TURNS = 5  # one in this many runs uses the hostile far ends
EVERY = 10
SETTLED_S = 5.0
LEFT_BEHIND = ("sessions", "advisory_locks", "idle_transactions", "close_wait", "zombies", "temporary")
"""None of these may remain once the far ends have noticed the end of the last run."""


@contextmanager
def far_ends(folder: Path) -> Iterator[tuple[list[list[str]], dict[str, str], psutil.Process]]:
    """Yield the command lines to run in turn, their variables, and the lab's process."""
    with ExitStack() as stack:
        systems, variables = {}, {"PLANTED_SECRET": "s" * 32, "PLANTED_TOKEN": "t" * 32}
        for number, name in enumerate(HOSTILE):
            server = stack.enter_context(FakeServer(REGISTRY[name]))
            variables[f"PLANTED_DSN_{number}"] = dsn(server.host, server.port)
            made = http(server.url, timeout_s=0.3) if name.startswith("http") else postgres(number)
            if "postgres" in made:
                made["postgres"] |= {"connect_timeout_s": 0.3, "statement_timeout_s": 0.3}
            systems[name.replace(".", "-")] = made | {"deadline_s": 2.0}
        hostile = environment_file(folder / "hostile", systems)
        before = set(psutil.Process().children())
        lab = stack.enter_context(started_lab(folder))
        (process,) = set(psutil.Process().children()) - before
        variables |= {"CHECKS_LAB": str(lab.state), **lab.variables}
        healthy = ["--env", "lab", "--system", SYSTEM, "-m", SELECTION]
        yield [*[healthy] * (TURNS - 1), [f"--env={hostile}", "-m", SELECTION]], variables, process


def inside(runs: int, kept: Path, folder: Path, lines: list[list[str]], variables: dict[str, str]) -> list[Sample]:
    if not runs:
        return []
    samples = kept / "inside.jsonl"
    words = ["\n".join([*line, f"--out={folder / 'out-inside'}"]) for line in lines]
    done = subprocess.run(
        [sys.executable, "-m", "quality.soak.inside", str(runs), str(samples), *words],
        cwd=PROJECT, env=os.environ | variables, text=True, check=False,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    if done.returncode:
        sys.exit(done.stderr)
    return [json.loads(line) for line in samples.read_text().splitlines()]


def separate(
    runs: int, kept: Path, folder: Path, lines: list[list[str]], variables: dict[str, str], lab: psutil.Process
) -> list[Sample]:
    """Make runs that each have their own process."""
    temporary, out = folder / "tmp", folder / "out-separate"
    for made in (temporary, out):
        made.mkdir()
    samples = []
    with psycopg.connect(variables["LAB_CS_MONITOR_DSN"], hostaddr="127.0.0.1", autocommit=True) as database:
        for number in range(1, runs + 1):
            begun = time.monotonic()
            _run(number, [*lines[number % len(lines)], f"--out={out}"], variables | {"TMPDIR": str(temporary)})
            if number % EVERY == 0 or number in (1, runs):
                took = round(time.monotonic() - begun, 3)
                seen = _settled(lambda: of_the_far_end(lab, database, temporary, out))
                samples.append({"run": number, "took_s": took, **seen})
                (kept / "separate.jsonl").write_text("".join(json.dumps(sample) + "\n" for sample in samples))
    return samples


def _run(number: int, words: list[str], variables: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        cwd=PROJECT, env=os.environ | variables, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode not in (0, 1, 10) or "Traceback" in done.stdout + done.stderr:
        sys.exit(f"run {number} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


def _settled(look: Callable[[], Sample]) -> Sample:
    """Wait until the far ends have noticed that the run's connections are closed."""
    until = time.monotonic() + SETTLED_S
    while any((seen := look())[name] for name in LEFT_BEHIND) and time.monotonic() < until:
        time.sleep(0.1)
    return seen


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m quality.soak", description=__doc__)
    parser.add_argument("--runs", type=int, default=500, help="within one process (500)")
    parser.add_argument("--separate", type=int, default=None, help="each in its own process (as many)")
    parser.add_argument("--keep", type=Path, help="folder for the samples, as lines of JSON")
    parser.add_argument("--write", action="store_true", help="write the figures into docs/hardening.md")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="checks-soak-") as name:
        folder = Path(name)
        with far_ends(folder) as (lines, variables, lab):
            kept = chosen.keep or folder
            within = inside(chosen.runs, kept, folder, lines, variables)
            runs = chosen.runs if chosen.separate is None else chosen.separate
            each = separate(runs, kept, folder, lines, variables, lab)
    text, is_level = report(within, each)
    print(text)
    if chosen.write:
        write(text)
    return 0 if is_level else 1


if __name__ == "__main__":
    sys.exit(main())
