"""The repository does not name the machine or the package mirror on which it was made."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Split, so that this file does not match.
FOLDERS = (
    r"(?<![\w.$}~-])/(?:ho" + r"me|ro" + r"ot|wo" + r"rk|Us" + r"ers|opt/py" + r"pi|tmp/t" + r"ry)/|\.\./sha" + "red"
)
HOSTS = "|".join(["pypi" + r"\.org/simple", "files" + r"\.pythonhosted", "registry" + r"\.npmjs"])
OPTIONS = "|".join(["--find" + "-links", "--(?:extra-)?index" + "-url"])


def tracked() -> list[Path]:
    """Return the files under version control, and those about to be added."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    reported = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    if reported.returncode != 0:
        pytest.skip("not a git checkout")
    paths = [ROOT / name for name in reported.stdout.split("\0") if name]
    return [path for path in paths if path.is_file()]


@pytest.mark.parametrize(
    ("pattern", "what"),
    [(FOLDERS, "a folder of one machine"), (HOSTS, "a package registry"), (OPTIONS, "where packages come from")],
)
def test_no_file_names(pattern: str, what: str) -> None:
    found = []
    for path in tracked():
        text = path.read_text(encoding="utf-8", errors="ignore")
        for number, line in enumerate(text.splitlines(), 1):
            if re.search(pattern, line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:90]}")
    assert not found, f"names {what}; say it without:\n" + "\n".join(found)


def test_no_generated_file_is_tracked() -> None:
    made = re.compile(r"(^|/)(\.venv|\.cache|\.toolbox|node_modules|__pycache__|reports/out)/")
    assert not [path for path in tracked() if made.search(path.relative_to(ROOT).as_posix())]
