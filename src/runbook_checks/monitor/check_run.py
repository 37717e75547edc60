"""Run the checks in a separate process with a timeout, so that no failure of theirs stops the monitor."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from runbook_checks.config.results_document import as_document
from runbook_checks.locations import COMMAND

if TYPE_CHECKING:
    from runbook_checks.config.results_document import Document

NOTHING_KNOWN = Path(__file__).with_name("nothing-known.yaml")
PIPE = "RUNBOOK_CHECKS_PIPE"
SHORTEST_S = 60.0
AFTERWARDS_S = 5.0  # to read the rest of the document after the run has ended
ROOM = 1 << 16  # bytes; with less free space the run writes no files
# No output folder, no capture in temporary files, no cache.
WITHOUT_FILES = ("--out", f"{os.devnull}/none", "--capture=sys", "-p", "no:cacheprovider")


class NoDocument(Exception):
    """The run produced no results; the sentence says why."""


def run_checks(
    environment: Path, select: str, folder: Path, limit_s: float, *, with_metrics: bool
) -> tuple[Document, str]:
    """Run the checks on an environment; their results document, read through a pipe, and an error message or "".

    The run's files and metrics go to `folder`. If it cannot be written to, the run writes no files. If the disk fills
    up during the run and no results arrive, the run is repeated without files.
    """
    words = [
        f"--env={environment}",
        "-m",
        select,
        "-q",
        "-p",
        "runbook_checks.monitor.results_pipe",
        "--known",
        str(NOTHING_KNOWN),
    ]
    metrics = folder / "run.prom"
    with suppress(OSError):
        metrics.unlink(missing_ok=True)
    if _takes_files(folder):
        files = ["--out", str(folder / "runs"), *(["--metrics", str(metrics)] if with_metrics else [])]
        try:
            return _run([*words, *files], limit_s)
        except NoDocument:
            if _takes_files(folder):
                raise
    return _run([*words, *WITHOUT_FILES], limit_s)


def _takes_files(folder: Path) -> bool:
    try:
        with tempfile.TemporaryFile(dir=folder, buffering=0) as room:
            return room.write(b"\0" * ROOM) == ROOM
    except OSError:
        return False


def _run(words: list[str], limit_s: float) -> tuple[Document, str]:
    reading, writing = os.pipe()
    environ = {name: value for name, value in os.environ.items() if name != "CHECKS_ADDOPTS"} | {PIPE: str(writing)}
    command = [sys.executable, "-I", str(COMMAND), *words]
    try:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, env=environ, start_new_session=True, pass_fds=[writing]
        )
    finally:
        os.close(writing)
    reader = _PipeReader(reading)
    try:
        code = child.wait(max(SHORTEST_S, limit_s))
    except subprocess.TimeoutExpired:
        raise NoDocument(f"the checks timed out after {max(SHORTEST_S, limit_s):g} s") from None
    finally:
        _end(child)
        text = reader.text()
    return _whole(text, code)


class _PipeReader:
    """Reads the pipe in a thread, since a full pipe would block the run."""

    def __init__(self, reading: int) -> None:
        self._parts: list[bytes] = []
        self._thread = Thread(target=self._read, args=(reading,), daemon=True)
        self._thread.start()

    def _read(self, reading: int) -> None:
        with os.fdopen(reading, "rb", buffering=0) as pipe:
            while part := pipe.read(ROOM):
                self._parts.append(part)

    def text(self) -> str:
        self._thread.join(AFTERWARDS_S)
        return b"".join(self._parts).decode("utf-8", "replace")


def _whole(text: str, code: int) -> tuple[Document, str]:
    """The document, which is valid even if another output of the run is missing."""
    try:
        document = _document(text, "the output of the checks")
    except NoDocument:
        raise NoDocument(f"the checks ended with exit code {code} and no results") from None
    verified = document["run"]["exit_code"]
    if verified not in (0, 1, 10):
        raise NoDocument(f"the checks ended with exit code {verified}" + (" (nothing verified)" if code == 5 else ""))
    incomplete = f"the checks ended with exit code {code}: their results are used, but some of their files are missing"
    return document, incomplete if code != verified else ""


def _end(child: subprocess.Popen[bytes]) -> None:
    """Kill the run and every process it started."""
    if child.poll() is None:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def read_document(path: Path) -> Document:
    """A results document from a file."""
    try:
        return _document(path.read_text(encoding="utf-8"), str(path))
    except (OSError, ValueError) as error:
        raise NoDocument(f"{path} is not a results document: {error}") from None


def _document(text: str, where: str) -> Document:
    try:
        value = json.loads(text)
        # JSON can escape half of a surrogate pair, which no database, mail or page can hold.
        document = as_document(json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")))
    except ValueError as error:
        raise NoDocument(f"{where} is not a results document: {error}") from None
    if document is None:
        raise NoDocument(f"{where} is not a results document of schema 1")
    return document
