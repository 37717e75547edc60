"""The import graph of tests/imports.py finds a cycle in every spelling of an import."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.imports import import_graph

CYCLE = [["ours.high.door", "ours.low"]]
DOWN = "from ours.low import step\n"


def _package(folder: Path, files: dict[str, str]) -> Path:
    for name, text in {"__init__.py": "", "high/__init__.py": "", "other.py": "import json\n", **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.mark.parametrize(
    "up",
    [
        "import ours.high.door\n",
        "from ours.high import door\n",
        "from ours.high.door import Door\n",
        "from .high.door import Door\n",
        "from .high import door\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ours.high.door import Door\n",
        "def step():\n    from ours.high.door import Door\n    return Door()\n",
        "from importlib import import_module\ndoor = import_module('ours.high.door')\n",
        "import importlib\ndoor = importlib.import_module('.high.door', __package__)\n",
    ],
)
def test_cycle_is_found(tmp_path: Path, up: str) -> None:
    assert import_graph(_package(tmp_path, {"low.py": up, "high/door.py": DOWN}), "ours").cycles == CYCLE


def test_no_cycle_without_the_import_back(tmp_path: Path) -> None:
    graph = import_graph(_package(tmp_path, {"low.py": "import ours.other\n", "high/door.py": DOWN}), "ours")
    assert graph.cycles == []
    assert graph.packages == {
        ("ours.high", "ours.low"): ["ours.high.door -> ours.low"],
        ("ours.low", "ours.other"): ["ours.low -> ours.other"],
    }
    assert graph.outside["ours.other"] == {"json"}


def test_long_cycle_is_one_cycle(tmp_path: Path) -> None:
    files = {"low.py": "import ours.other\n", "other.py": "from .high import door\n", "high/door.py": DOWN}
    assert import_graph(_package(tmp_path, files), "ours").cycles == [["ours.high.door", "ours.low", "ours.other"]]
