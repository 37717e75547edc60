"""Does CONTRIBUTING's example work? Its pieces are put where it says, in a copy, and the lab is broken that way."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.docs.blocks import Block, blocks
from tests.harness import PROJECT, run

if TYPE_CHECKING:
    from pathlib import Path

SYMPTOM, CAUSE = "database.wrong-time-zone", "not-utc"
PARTS = ("checks", "ci", "docs", "environments", "fixtures", "lab", "reports", "runbooks", "src")


def pieces() -> dict[str, Block]:
    """The blocks that say which file they belong to."""
    here = [block for block in blocks("yaml", "python") if block.document.name == "CONTRIBUTING.md"]
    return {block.note: block for block in here if "/" in block.note}


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the suite with the symptom added."""
    copy = tmp_path_factory.mktemp("copy") / "suite"
    for part in PARTS:
        shutil.copytree(PROJECT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__", "out"))
    for name in ("conftest.py", "pyproject.toml", "README.md"):
        shutil.copy(PROJECT / name, copy)
    for name, block in pieces().items():
        path = copy / name
        text = path.read_text() if path.exists() else ""
        if "symptoms:\n" in text:
            path.write_text(text.replace("symptoms:\n", f"symptoms:\n{block.text}", 1))
        else:
            path.write_text(
                (f"{text}\n\n{block.text}" if path.suffix == ".py" else f"{text}\n{block.text}") if text else block.text
            )
    return copy


def imported_from(folder: Path) -> dict[str, str]:
    """The copy's code, in place of what is installed."""
    return {"PYTHONPATH": f"{folder / 'src'}:{folder / 'lab' / 'src'}"}


def test_the_example_names_all_three_places() -> None:
    folders = {name.split("/")[0] for name in pieces()}
    assert folders == {"runbooks", "checks", "lab"}


def test_added_symptom_is_clear_in_the_healthy_lab(extended: Path, tmp_path: Path) -> None:
    ran = run("--env", "lab", "-m", "database", cwd=extended, out=tmp_path, variables=imported_from(extended))
    assert ran.results[SYMPTOM]["outcome"] == "clear", ran.output()


def test_added_symptom_is_found_with_its_cause(extended: Path, tmp_path: Path) -> None:
    words = ("--env", "lab", "-m", "database", "--fault", f"{SYMPTOM}:{CAUSE}")
    ran = run(*words, cwd=extended, out=tmp_path, variables=imported_from(extended))
    (finding,) = ran.results[SYMPTOM]["findings"]
    assert finding["cause"] == CAUSE, ran.output()
    assert finding["because"] == "sessions in ai_customer_service begin in Asia/Shanghai"
    assert "<" not in "".join(finding["remedy"])


def test_added_pieces_are_in_style(extended: Path) -> None:
    files = [name for name in pieces() if name.endswith(".py")]
    for words in (["check", *files], ["format", "--check", *files]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *words], cwd=extended, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout
