"""A folder with the wheels of all pinned packages, so that the tests install without a package index.

It is filled once, verified with the hashes of the requirements files, and then used without a network.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.harness import PROJECT

FOLDER = PROJECT / ".cache" / "wheelhouse"
NEEDED = ("requirements-dev.txt", "tests/wheel/requirements.txt")
OPTIONAL = "requirements-postgres.txt"  # has no wheels for some machines
DOWNLOAD = ("download", "--quiet", "--no-input", "--no-deps", "--require-hashes", "--only-binary", ":all:")


def wheelhouse() -> Path:
    """Return the folder, filled if necessary; the test fails if the package index is unreachable then."""
    FOLDER.parent.mkdir(exist_ok=True)
    with alone(FOLDER.parent / "wheelhouse.lock"):
        if not (FOLDER / _key()).exists():
            _fill()
    return FOLDER


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Allow one process at a time."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _key() -> str:
    """Return the name of the file that marks the folder as complete for these requirements and this Python."""
    texts = b"\0".join((PROJECT / name).read_bytes() for name in (*NEEDED, OPTIONAL))
    return f"{hashlib.sha256(texts + sys.version.encode()).hexdigest()[:16]}.whole"


def _fill() -> None:
    new_path = FOLDER.with_name("wheelhouse.tmp")
    shutil.rmtree(new_path, ignore_errors=True)
    for name in NEEDED:
        done = _download(name, new_path)
        if done.returncode != 0:
            pytest.fail(f"The package index must be reachable the first time.\n{done.stderr[-2000:]}")
    _download(OPTIONAL, new_path)
    (new_path / _key()).touch()
    shutil.rmtree(FOLDER, ignore_errors=True)
    new_path.rename(FOLDER)


def _download(requirements: str, to: Path) -> subprocess.CompletedProcess[str]:
    words = [*pip(), *DOWNLOAD, "--dest", str(to), "--requirement", requirements]
    return subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, check=False)


def pip() -> list[str]:
    """Return the command for pip, which is missing at first in a virtual environment made by uv."""
    python = [sys.executable, "-I", "-m"]
    if find_spec("pip") is None:
        subprocess.run([*python, "ensurepip", "--default-pip"], capture_output=True, check=True)
    return [*python, "pip"]
