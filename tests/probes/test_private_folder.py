"""A folder of ours in a shared place is one that nobody else made, may write to or lead elsewhere."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from probes.private_folder import private_folder


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "shared"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_same_folder_each_time_and_for_its_owner_alone(shared: Path) -> None:
    made = private_folder("x")
    assert made == private_folder("x")
    assert made.parent == shared
    assert made.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("kind", ["open", "link", "file", "another's"])
def test_one_that_somebody_else_prepared_is_not_used(shared: Path, tmp_path: Path, kind: str) -> None:
    usual = shared / f"runbook-checks-{os.geteuid()}-x"
    if kind == "open":
        usual.mkdir()
        usual.chmod(0o777)
    elif kind == "link":
        usual.symlink_to(tmp_path)
    elif kind == "file":
        usual.touch()
    elif os.geteuid():
        pytest.skip("only root can give a folder away")
    else:
        usual.mkdir(mode=0o700)
        os.chown(usual, 12345, 12345)
    made = private_folder("x")
    assert made not in (usual, tmp_path)
    assert made.stat().st_mode & 0o777 == 0o700
    assert made.stat().st_uid == os.geteuid()
