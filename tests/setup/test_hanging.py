"""A test that hangs fails with its name, in one process and in several."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
HANGING = textwrap.dedent("""
    import time

    def test_waits_for_ever():
        time.sleep(600)

    def test_comes_after():
        pass
""")
# The timeout is an exception, which the test's own cleanup may swallow.
BLOCKED = textwrap.dedent("""
    import time

    def test_cannot_be_interrupted():
        while True:
            try:
                time.sleep(600)
            except BaseException:
                pass
""")


def ran(folder: Path, text: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a test file with the project's own pytest settings, but with limits of a second or two."""
    (folder / "test_it.py").write_text(text)
    limits = ["-o", "timeout=1", "-o", "faulthandler_timeout=2"]
    command = [sys.executable, "-m", "pytest", "-c", str(TESTS / "pytest.ini"), "--rootdir", ".", *limits, *words, "."]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("spread", [(), ("-n", "2")], ids=["alone", "spread"])
def test_hanging_test_fails_with_its_name(tmp_path: Path, spread: tuple[str, ...]) -> None:
    done = ran(tmp_path, HANGING, *spread)
    assert done.returncode == 1, done.stderr
    assert "FAILED test_it.py::test_waits_for_ever - Failed: Timeout" in done.stdout
    assert "1 failed, 1 passed" in done.stdout


def test_blocked_test_ends_its_worker_and_is_named(tmp_path: Path) -> None:
    done = ran(tmp_path, BLOCKED, "-n", "2")
    assert done.returncode == 1, done.stderr
    assert "crashed while running 'test_it.py::test_cannot_be_interrupted'" in done.stdout


def test_blocked_test_ends_the_run_and_shows_where(tmp_path: Path) -> None:
    done = ran(tmp_path, BLOCKED)
    assert done.returncode == 1, done.stdout
    assert "in test_cannot_be_interrupted" in done.stderr
