"""The code blocks in the documents."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.harness import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DOCUMENTS = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *sorted((PROJECT / "docs").glob("*.md"))]
_FENCE = re.compile(r"^```(\S*)[ ]?(.*?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: the first word after its fence, the rest of that line, and its text."""

    document: Path
    line: int
    language: str
    note: str
    text: str

    def __str__(self) -> str:
        return f"{self.document.relative_to(PROJECT)}:{self.line}"


def blocks(*languages: str) -> list[Block]:
    """Return every block of these languages, in all documents."""
    return [block for document in DOCUMENTS for block in _blocks(document) if block.language in languages]


def _blocks(document: Path) -> Iterator[Block]:
    text = document.read_text(encoding="utf-8")
    for found in _FENCE.finditer(text):
        yield Block(document, text.count("\n", 0, found.start()) + 1, found[1], found[2].strip(), found[3])


def commands() -> list[tuple[str, str]]:
    """Return every command line in the documents, with its place."""
    shown = []
    for block in blocks("sh"):
        for number, line in enumerate(block.text.splitlines(), 1):
            if line.strip() and not line.startswith("#"):
                shown.append((f"{block.document.relative_to(PROJECT)}:{block.line + number}", line))
    return shown
