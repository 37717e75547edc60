"""What does the text of a YAML file say, event by event?

The parser's events are taken as they come: composing by the library instead crashes on deep nesting, takes
tags for what they are not, and says of a mistake what only its makers understand.
"""

from __future__ import annotations

import re
from math import isfinite
from typing import TYPE_CHECKING, Any

import yaml

from runbook_checks.config.addresses import quoted
from runbook_checks.config.strict_yaml import BadFile, Node, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_NODES = 200_000
MAX_DEPTH = 64
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NULLS = {"", "~", "null", "Null", "NULL"}
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")

_IN_QUOTES = "text that begins with {} stands in quotes"
_NOT_ALIGNED = "indented like nothing above it, or something stands after a closed quote or bracket"
_COLON = "a key without its colon, or text that holds ': ' and stands in no quotes"
_UNCLOSED = ("a quote is not closed", "a bracket or brace is not closed")
# What PyYAML and libyaml say where a file is no YAML, and what a person would say. The first that fits counts.
_SAYINGS = {
    "escape": "a backslash in double quotes means nothing there; use single quotes",
    "cannot start any token": _IN_QUOTES.format("@, ` or %"),
    "mapping values are not allowed": _COLON,
    "could not find expected ':'": _COLON,
    "quoted scalar": _UNCLOSED[0],
    "did not find expected ','": _UNCLOSED[1],
    "expected ',' or": _UNCLOSED[1],
    "block sequence entries are not allowed": "a list entry where none is due; put it on a line of its own",
    "did not find expected key": _NOT_ALIGNED,
    "did not find expected '-'": _NOT_ALIGNED,
    "expected <block end>": _NOT_ALIGNED,
    "block scalar": _IN_QUOTES.format("> or |"),
    "node content": "a value is missing between brackets, or begins with a sign that is no text",
    "unexpected ':'": _COLON,
    "directive": _IN_QUOTES.format("%"),
    "anchor": _IN_QUOTES.format("& or *"),
    "alias": _IN_QUOTES.format("& or *"),
    "tag": _IN_QUOTES.format("!"),
}


def parsed(text: str, file: str) -> Node:
    """The one document in a text; BadFile where there isn't one of plain YAML."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _Reader(file, yaml.parse(text, Loader=loader)).document()
    except yaml.MarkedYAMLError as error:
        raise BadFile([_not_yaml(file, error, text)]) from None
    except yaml.reader.ReaderError as error:
        character = error.character if isinstance(error.character, int) else ord(error.character)
        what = f"holds the control character U+{character:04X}; take it out"
        raise BadFile([Problem(file, "", text.count("\n", 0, error.position) + 1, what)]) from None


def _not_yaml(file: str, error: yaml.MarkedYAMLError, text: str) -> Problem:
    """A sentence of ours for the parser's, which may quote the file, and so a secret."""
    words = f"{error.problem or ''} {error.context or ''}"
    saying = next((saying for part, saying in _SAYINGS.items() if part in words), None)
    marks = (error.problem_mark, error.context_mark)
    mark = next(filter(None, reversed(marks) if saying in _UNCLOSED else marks), None)
    what = saying or "something is wrong here, or just before"
    if mark and re.match(r" *\t", "".join(text.splitlines()[mark.line : mark.line + 1])):
        what = "a tab at the start of the line; indent with blanks"
    if "nesting depth" in words:  # libyaml 0.2.6 has a limit of its own
        return Problem(file, "", mark.line + 1 if mark else 1, "nests too deeply")
    return Problem(file, "", mark.line + 1 if mark else 1, f"is not YAML: {what}")


class _Reader:
    """Makes Nodes of events, and notes what YAML allows and we don't."""

    def __init__(self, file: str, events: Iterator[Any]) -> None:
        self.file, self.events = file, events
        self.problems: list[Problem] = []
        self.nodes = 0
        self.anchors: dict[str, tuple[Node, int] | None] = {}

    def document(self) -> Node:
        """The one document of the stream."""
        node: Node | None = None
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                if node is not None:
                    self._refuse("", event, "holds a second document after '---'; one file holds one")
                    break
                node = self._node(next(self.events), "", 0)
        if node is None or (node.value is None and not self.problems):
            raise BadFile([Problem(self.file, "", 1, "is empty")])
        if self.problems:
            raise BadFile(self.problems, node)
        return node

    def _refuse(self, path: str, event: Any, text: str) -> None:
        self.problems.append(Problem(self.file, path, event.start_mark.line + 1, text))

    def _node(self, event: Any, path: str, depth: int) -> Node:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, path)
        before = self.nodes
        self._count(1, event, depth)
        if event.anchor:
            self.anchors[event.anchor] = None
        if event.tag is not None and not _is_text_by_tag(event):
            self._refuse(path, event, f"tags (!...) mean nothing here; {_IN_QUOTES.format('!')}")
        node = Node(self._value(event, path, depth), self.file, event.start_mark.line + 1)
        if event.anchor:
            self.anchors[event.anchor] = (node, self.nodes - before)
        return node

    def _value(self, event: Any, path: str, depth: int) -> Any:
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path, depth)
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event)
        entries: list[Node] = []
        while not isinstance(inner := next(self.events), yaml.SequenceEndEvent):
            entries.append(self._node(inner, f"{path}[{len(entries)}]", depth + 1))
        return entries

    def _alias(self, event: Any, path: str) -> Node:
        known = self.anchors.get(event.anchor)
        line = event.start_mark.line + 1
        if known is None:
            what = "inside" if event.anchor in self.anchors else "before"
            self._refuse(path, event, f"an alias (*) stands {what} what it names; {_IN_QUOTES.format('*')}")
            return Node(None, self.file, line)
        node, size = known
        self._count(size, event)
        return Node(node.value, self.file, line)

    def _count(self, more: int, event: Any, depth: int = 0) -> None:
        self.nodes += more
        if self.nodes > MAX_NODES or depth > MAX_DEPTH:
            what = "nests too deeply" if depth > MAX_DEPTH else "repeats too much, by anchors and aliases"
            raise BadFile([Problem(self.file, "", event.start_mark.line + 1, what)])

    def _mapping(self, path: str, depth: int) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self._key(event, path, depth, entries)
            inner = f"{path}.{key}" if path else key or ""
            value = self._node(next(self.events), inner, depth + 1)
            if key is not None:
                # An error about a key is looked for where the key stands, not where its block begins.
                entries[key] = Node(value.value, value.file, event.start_mark.line + 1)
        return entries

    def _key(self, event: Any, path: str, depth: int, entries: dict[str, Node]) -> str | None:
        if not isinstance(event, yaml.ScalarEvent) or event.tag is not None:
            self._refuse(path, event, "a key must be a plain word")
            self._node(event, path, depth + 1)
            return None
        key = str(event.value)
        if key == "<<" and not event.style:
            self._refuse(path, event, "'<<' merges nothing here; write the keys out")
        elif key in entries:
            self._refuse(path, event, f"key {quoted(key)} is given twice, first on line {entries[key].line}")
        else:
            return key
        return None


def _is_text_by_tag(event: Any) -> bool:
    """A lone `!` says that a scalar is text."""
    return isinstance(event, yaml.ScalarEvent) and event.tag == "!"


def _scalar(event: Any) -> Any:
    text: str = event.value
    if event.style or event.tag == "!":
        return text
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _INTEGER.fullmatch(text) and len(text) < 40:
        return int(text, 0 if text[:2] in ("0o", "0x") else 10)
    if _FLOAT.fullmatch(text) and len(text) < 40:
        number = float(text)
        return number if isfinite(number) else text
    return text
