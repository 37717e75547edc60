"""Generated deliveries use no predictable name in a shared temporary folder that another user could have created."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from tests.harness import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

CODE = """
from runbook_checks.suite.fixtures.deliveries import changed_deliveries
from hypothesis.configuration import storage_directory
assert len(list(changed_deliveries((b"x", "100", "ab" * 32), 6))) >= 3
storage_directory("unicode_data").create_if_missing()
"""


def test_caches_of_hypothesis_are_in_no_shared_folder(tmp_path: Path) -> None:
    environment = {"TMPDIR": str(tmp_path), "PYTHONPATH": str(PROJECT)}
    words = [sys.executable, "-c", CODE]
    subprocess.run(words, cwd=tmp_path, env=environment, check=True)
    assert list(tmp_path.iterdir()) == []
