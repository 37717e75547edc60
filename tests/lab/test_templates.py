"""Labs that start at the same moment create one complete template without errors."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from tests.harness import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

KEEP = (
    "import sys; from pathlib import Path; from runbook_checks_lab.servers.templates import keep; "
    "keep(*map(Path, sys.argv[1:]))"
)
FILES = 400


def test_concurrent_labs_create_one_complete_template(tmp_path: Path) -> None:
    data, cache = tmp_path / "data", tmp_path / "cache"
    data.mkdir()
    for number in range(FILES):
        (data / str(number)).write_bytes(b"x" * 50_000)
    template, left = cache / "mariadb-1f", cache / "mariadb-1f.4194303.tmp"
    left.mkdir(parents=True)  # from a process that no longer exists
    processes = [
        subprocess.Popen([sys.executable, "-c", KEEP, data, template], cwd=PROJECT, stderr=subprocess.PIPE)
        for _ in range(4)
    ]
    said = [process.communicate()[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, said
    assert len(list(template.iterdir())) == FILES
    assert list(cache.iterdir()) == [template]
