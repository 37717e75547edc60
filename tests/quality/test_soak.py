"""A few runs leave nothing behind; `make soak` makes hundreds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from quality.soak.__main__ import LEFT_BEHIND, main

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.slow
def test_few_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--runs", "21", "--separate", "3", "--keep", str(tmp_path)])
    assert code == 0, capsys.readouterr().out
    within = [json.loads(line) for line in (tmp_path / "inside.jsonl").read_text().splitlines()]
    assert {sample["code"] for sample in within} == {0, 1}  # a healthy lab, and hostile far ends
    # A run's objects are freed although its process continues; a check that timed out may end a moment later.
    assert [sample["runs_kept"] for sample in within][-1] <= 3, within
    separate = [json.loads(line) for line in (tmp_path / "separate.jsonl").read_text().splitlines()]
    assert separate[-1]["folders"] == 3
    assert {name: separate[-1][name] for name in LEFT_BEHIND} == dict.fromkeys(LEFT_BEHIND, 0)
