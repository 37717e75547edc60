"""docs/architecture.md shows the floors that are tested, and the names in it and in CONTRIBUTING exist."""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any

import pytest

from tests.harness import PROJECT
from tests.product.test_floors import ENGINE, FLOORS

PAGE = PROJECT / "docs" / "architecture.md"
TEXT = PAGE.read_text()
FIGURE = TEXT.partition("```text\n")[2].partition("```")[0].splitlines()
PACKAGES = slice(7, 33)  # the figure's columns
DOTTED = re.compile(rf"`((?:{'|'.join(filter(None, FLOORS))})(?:\.\w+)+)`")
PATH = re.compile(r"`((?:[\w.-]+/)+[\w.-]*)`")
MOST_LINES, MOST_FUNCTIONS, COLUMNS = 120, 15, 80


def floors_shown() -> dict[str, int]:
    """Return the packages in the figure, each with the number of its floor."""
    lines = [line for line in FIGURE if re.match(r" \d ", line)]
    return {package: int(line[1]) for line in lines for package in line[PACKAGES].split()}


def test_page_is_short() -> None:
    assert len(TEXT.splitlines()) <= MOST_LINES
    assert max(map(len, FIGURE)) <= COLUMNS
    flow = TEXT.partition("## One reading")[2].partition("\n## ")[0]
    assert 8 <= len(set(DOTTED.findall(flow))) <= MOST_FUNCTIONS


def test_figure_has_every_package_above_what_it_imports() -> None:
    shown = floors_shown()
    assert set(shown) == set(FLOORS) - {""}
    wrong = [
        f"{package} imports {other}"
        for package, floor in shown.items()
        for other in FLOORS[package]
        if shown[other.partition(".")[0]] >= floor
    ]
    assert not wrong, f"move these to higher floors in {PAGE.name}: {wrong}"


def test_table_shows_what_each_package_may_import() -> None:
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|$", TEXT, re.MULTILINE)
    shown = {"" if package == ENGINE else package: set(re.findall(r"`([\w.]+)`", may)) for package, may in rows}
    assert shown == FLOORS, f"the table in {PAGE.name} and tests/product/test_floors.py differ"


@pytest.mark.parametrize("name", sorted(set(DOTTED.findall(TEXT))))
def test_names_exist(name: str) -> None:
    assert exists(f"{ENGINE}.{name}"), f"{PAGE.name} names {name}"


def exists(dotted: str) -> bool:
    """Whether a dotted name is a module, or an object in one."""
    words, found = dotted.split("."), None
    for number in range(len(words), 0, -1):
        try:
            found = import_module(".".join(words[:number]))
        except ModuleNotFoundError:
            continue
        return _leads(found, words[number:])
    return False


def _leads(found: Any, names: list[str]) -> bool:
    for name in names:
        if not hasattr(found, name):
            return False
        found = getattr(found, name)
    return True


@pytest.mark.parametrize("document", ["docs/architecture.md", "CONTRIBUTING.md"])
def test_files_and_folders_exist(document: str) -> None:
    named = set(PATH.findall(re.sub(r"```.*?```", "", (PROJECT / document).read_text(), flags=re.DOTALL)))
    gone = [path for path in sorted(named) if not (PROJECT / path).exists() and not path.startswith("dist/")]
    assert not gone, f"{document} names files that do not exist: {gone}"
