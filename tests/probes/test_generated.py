"""Generated changes leave nothing under a name in a shared temporary folder that another user could have taken."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.harness import PROJECT

CODE = """
from fixtures.generated import changed_deliveries
from hypothesis.configuration import storage_directory
assert len(list(changed_deliveries((b"x", "100", "ab" * 32), 6))) >= 3
print(storage_directory("any").absolute())
"""


def test_caches_of_hypothesis_lie_in_no_shared_folder(tmp_path: Path) -> None:
    environment = {"TMPDIR": str(tmp_path), "PYTHONPATH": str(PROJECT)}
    words = [sys.executable, "-c", CODE]
    told = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True).stdout
    assert not Path(told.strip()).is_relative_to(tmp_path), told
    assert list(tmp_path.iterdir()) == []
