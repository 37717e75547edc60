"""The values of a YAML file, each with its line, and the mistakes in it."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runbook_checks.config.addresses import hidden
from runbook_checks.config.untrusted_text import clean, unobeyed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True)
class Problem:
    """One mistake in one file: where it stands and what to do, in one sentence."""

    file: str
    path: str
    line: int
    text: str

    def __str__(self) -> str:
        where = f"{self.file}: {hidden(self.path)}: " if self.path else f"{self.file}: "
        return unobeyed(clean(f"{where}{self.text} (line {self.line})"))


class BadFile(Exception):
    """A file that can't be used; `problems` are all its mistakes, `node` what could be read in spite of them."""

    def __init__(self, problems: Iterable[Problem], node: Node | None = None) -> None:
        self.node = node
        self.problems = sorted(set(problems), key=lambda p: (p.file, p.line, p.path, p.text))
        super().__init__("\n".join(map(str, self.problems)))

    def __reduce__(self) -> tuple[Any, ...]:
        return BadFile, (self.problems,)


@dataclass(frozen=True)
class Node:
    """A value of a YAML document with the place it came from.

    `value` is a dict of name to Node, a list of Node, or a str, int, float, bool or None.
    """

    value: Any
    file: str
    line: int

    def plain(self) -> Any:
        """The value alone, without places."""
        if isinstance(self.value, dict):
            return {name: node.plain() for name, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    def at(self, path: Iterable[str | int]) -> Node:
        """The node at a path, or the deepest one on the way there."""
        node = self
        for step in path:
            inner: Node | None = None
            if isinstance(node.value, dict):
                inner = node.value.get(step)
            elif isinstance(node.value, list) and isinstance(step, int) and step < len(node.value):
                inner = node.value[step]
            if inner is None:
                break
            node = inner
        return node

    def get(self, name: str) -> Node | None:
        return self.value.get(name) if isinstance(self.value, dict) else None

    def items(self) -> Iterator[tuple[str, Node]]:
        return iter(self.value.items()) if isinstance(self.value, dict) else iter(())

    def under(self, name: str) -> Iterator[tuple[str, Node]]:
        """What a mapping of that name holds, if there is one."""
        node = self.get(name)
        return node.items() if node else iter(())

    def entries(self, name: str) -> Iterator[Node]:
        """What a list of that name holds, if there is one."""
        node = self.get(name)
        return iter(node.value) if node and isinstance(node.value, list) else iter(())

    def over(self, below: Node | None) -> Node:
        """This node laid over another: mappings merge name by name, nothing takes away, anything else replaces."""
        if below is None or not isinstance(below.value, dict) or not isinstance(self.value, dict):
            return self
        merged = dict(below.value)
        for name, node in self.value.items():
            if node.value is None and name in merged:
                del merged[name]
            else:
                merged[name] = node.over(merged.get(name))
        return Node(merged, self.file, self.line)

    def opened(self, name: str) -> Node:
        """The same, where nothing behind a name means a mapping with nothing in it."""
        node = self.get(name)
        if node is None or node.value is not None:
            return self
        return Node({**self.value, name: Node({}, node.file, node.line)}, self.file, self.line)


def suggestion(word: object, known: Iterable[str]) -> str:
    """The tail of a sentence: `; did you mean 'x'?`, or nothing where no known word is near."""
    near = get_close_matches(str(word), list(known), n=1, cutoff=0.6)
    return f"; did you mean '{near[0]}'?" if near else ""


def shown(path: Path) -> str:
    """A file's name as a person would type it: relative to here where it lies below."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
