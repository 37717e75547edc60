"""The repository's language is plain English: docstrings are statements, and no habitual odd wording is left.

The rules find words, not bad sentences.
"""

from __future__ import annotations

import ast
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.harness import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDERS = ("src", "checks", "fixtures", "lab", "tests", "quality", "bench", "tools", "docs")
SUFFIXES = (".py", ".md", ".yaml", ".html", ".sh")
HERE = "tests/product/test_plain_english.py"  # quotes the words
_WORDING = re.compile(
    r"\b(?:nobody|whoever|whatever it|wherever it|that is none|of its own accord"
    r"|(?:can't|could|is to) be had|be had here|(?:is|are|was|were) told|told (?:of|as|beside)"
    r"|comes? to no end|c[ao]mes? to nothing|fell silent|leads? in a circle|(?:says|knows) nothing about|without leave"
    r"|no answer of it)\b",
    re.IGNORECASE,
)
_IS_NONE = re.compile(r'(?<!migration )(?<!")\bis none\b')  # prose: not Python's `is None`, nor a filled-in value
_NAMES = re.compile(
    r"_*(?:told|tells?|telling|hush\w*|zoo|beasts?|blinds?|heard|ordinary|keeper|apart|asked|beneath|rivals?|counted"
    r"|sense|way_back|squatter|weighed|looker)"
)
_QUESTION = re.compile(r"\?(\s|$)")
Definition = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def tracked() -> list[str]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True, check=False)  # noqa: S607
    if done.returncode:
        pytest.skip("not a git checkout")
    return [name for name in done.stdout.split("\0") if name.endswith(SUFFIXES) and (PROJECT / name).is_file()]


def sources() -> list[Path]:
    return [PROJECT / name for name in tracked() if name.endswith(".py") and name.startswith(FOLDERS)]


def definitions(path: Path) -> Iterator[Definition]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8", errors="replace"))):
        if isinstance(node, Definition):
            yield node


def test_docstrings_are_statements() -> None:
    questions = [
        f"{path.relative_to(PROJECT)}:{getattr(node, 'lineno', 1)}"
        for path in sources()
        for node in definitions(path)
        if _QUESTION.search((ast.get_docstring(node) or "").split("\n\n")[0])
    ]
    assert questions == [], "write what it does, not a question"


def test_names_say_what_they_are() -> None:
    modules = [str(path.relative_to(PROJECT)) for path in sources() if _NAMES.fullmatch(path.stem)]
    functions = [
        f"{path.relative_to(PROJECT)}:{node.lineno}: {node.name}"
        for path in sources()
        for node in definitions(path)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _NAMES.fullmatch(node.name)
    ]
    assert modules + functions == [], "use the field's term"


def test_no_text_has_odd_wording() -> None:
    found = [
        f"{name}:{number}: {line.strip()[:100]}"
        for name in tracked()
        if name != HERE
        for number, line in enumerate((PROJECT / name).read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if _WORDING.search(line) or _IS_NONE.search(line)
    ]
    assert found == [], "write a plain sentence: the acting party, the verb, the object"
