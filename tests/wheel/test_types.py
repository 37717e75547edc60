"""A team's own checks are type-checked against the installed engine."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.wheel import SLOW

if TYPE_CHECKING:
    from pathlib import Path

    from tests.wheel.environments import Venv

pytestmark = SLOW
CHECK = '''\
from runbook_checks import Found, symptom
from runbook_checks.handles.service import Service


@symptom("shop.closed")
def check_shop_is_open(service: Service) -> None:
    """Customers leave."""
    raise Found("closed", seen={seen}, wanted="an open door")
'''


@pytest.mark.parametrize(("seen", "code"), [('"a closed door"', 0), ("404", 1)])
def test_mypy_knows_the_types_of_the_engine(venv: Venv, tmp_path: Path, seen: str, code: int) -> None:
    (tmp_path / "shop.py").write_text(CHECK.format(seen=seen))
    words = [sys.executable, "-I", "-m", "mypy", "--strict", "--python-executable", venv.program("python"), "shop.py"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout
    assert done.stdout.count("error:") == code
