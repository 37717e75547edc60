"""Read a YAML file into nodes that know their lines; each mistake is one sentence with its place.

Plain scalars follow YAML 1.2's core schema, where `no` and `22:22` are text; PyYAML follows YAML 1.1 and reads False
and 1342. Duplicate keys (PyYAML lets the last one win), tags, merge keys and second documents are refused.
"""

from __future__ import annotations

import re
from math import isfinite
from typing import TYPE_CHECKING, Any

import yaml

from runbook_checks.config.addresses import quoted
from runbook_checks.config.strict_yaml import BadFile, Node, Problem, shown
from runbook_checks.inputs.regular_file import read_regular

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 4 << 20
MAX_NODES = 200_000
MAX_DEPTH = 64
_WORDS = {"": None, "~": None} | {
    form: value
    for word, value in {"null": None, "true": True, "false": False}.items()
    for form in (word, word.title(), word.upper())
}
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
MAX_DIGITS = 40

_IN_QUOTES = "text that begins with {} stands in quotes"
_ALIAS = f"an alias (*) stands {{}} what it names; {_IN_QUOTES.format('*')}"
_NOT_ALIGNED = "indented like nothing above it, or something stands after a closed quote or bracket"
_COLON = "a key without its colon, or text that holds ': ' and stands in no quotes"
_UNCLOSED = ("a quote is not closed", "a bracket or brace is not closed")
# The problems of PyYAML and libyaml, and our sentence for each. The first that fits counts.
_SENTENCES = {
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
    "undefined alias": _ALIAS.format("before"),
    "anchor": _IN_QUOTES.format("& or *"),
    "alias": _IN_QUOTES.format("& or *"),
    "tag": _IN_QUOTES.format("!"),
}


class _Loader(getattr(yaml, "CBaseLoader", yaml.BaseLoader)):  # type: ignore[misc]  # libyaml's, where PyYAML has it
    """Composes nodes without a tag where the file gives none."""

    def resolve(self, *_: Any) -> None:
        return None


def read_yaml(path: Path) -> Node:
    """The document in a file as a Node; BadFile where it isn't one document of plain YAML."""
    file = shown(path)
    try:
        raw = read_regular(path, MAX_BYTES)
    except OSError as error:
        raise BadFile([Problem(file, "", 1, f"can't be read: {error.strerror or error}")]) from None
    if len(raw) > MAX_BYTES:
        raise BadFile([Problem(file, "", 1, f"is larger than {MAX_BYTES >> 20} MiB")])
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise BadFile([Problem(file, "", line, "is not UTF-8; save it as UTF-8")]) from None
    try:
        return _Document(file).read(_Loader(text))
    except yaml.MarkedYAMLError as error:
        raise BadFile([_not_yaml(file, error, text)]) from None
    except yaml.reader.ReaderError as error:
        character = error.character if isinstance(error.character, int) else ord(error.character)
        what = f"holds the control character U+{character:04X}; take it out"
        raise BadFile([Problem(file, "", text.count("\n", 0, error.position) + 1, what)]) from None
    except RecursionError:  # PyYAML's own parser; libyaml has a limit
        raise BadFile([Problem(file, "", 1, "nests too deeply")]) from None


def _not_yaml(file: str, error: yaml.MarkedYAMLError, text: str) -> Problem:
    """Replace the parser's message, which may quote the file and so a secret."""
    words = f"{error.problem or ''} {error.context or ''}"
    sentence = next((sentence for part, sentence in _SENTENCES.items() if part in words), None)
    marks = (error.problem_mark, error.context_mark)
    mark = next(filter(None, reversed(marks) if sentence in _UNCLOSED else marks), None)
    what = f"is not YAML: {sentence or 'something is wrong here, or just before'}"
    if mark and re.match(r" *\t", "".join(text.splitlines()[mark.line : mark.line + 1])):
        what = "is not YAML: a tab at the start of the line; indent with blanks"
    if "nesting depth" in words:  # libyaml's own limit
        what = "nests too deeply"
    return Problem(file, "", mark.line + 1 if mark else 1, what)


class _Document:
    """Makes Nodes of PyYAML's, and notes what YAML allows and these files don't."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.count = 0

    def read(self, loader: Any) -> Node:
        """The one document of a stream."""
        composed = loader.get_node() if loader.check_node() else None
        node = self._node(composed, "", ()) if composed else None
        if composed and loader.check_node():
            self._refuse("", composed.end_mark, "holds a second document after '---'; one file holds one")
        if node is None or (node.value is None and not self.problems):
            raise BadFile([Problem(self.file, "", 1, "is empty")])
        if self.problems:
            raise BadFile(self.problems, node)
        return node

    def _refuse(self, path: str, mark: yaml.Mark, text: str) -> None:
        self.problems.append(Problem(self.file, path, mark.line + 1, text))

    def _node(self, composed: yaml.Node, path: str, above: tuple[yaml.Node, ...], key: yaml.Node | None = None) -> Node:
        """The node below those above; an error about a key's value is looked for where the key stands."""
        self.count += 1
        mark = (key or composed).start_mark
        if self.count > MAX_NODES or len(above) > MAX_DEPTH:
            what = "nests too deeply" if len(above) > MAX_DEPTH else "repeats too much, by anchors and aliases"
            line = max(each.start_mark.line for each in (*above, composed))  # aliases lead to lines above
            raise BadFile([Problem(self.file, "", line + 1, what)])
        if composed in above:
            self._refuse(path, mark, _ALIAS.format("inside"))
            return Node(None, self.file, mark.line + 1)
        if composed.tag:
            self._refuse(path, composed.start_mark, f"tags (!...) mean nothing here; {_IN_QUOTES.format('!')}")
        return Node(self._value(composed, path, (*above, composed)), self.file, mark.line + 1)

    def _value(self, composed: yaml.Node, path: str, above: tuple[yaml.Node, ...]) -> Any:
        if isinstance(composed, yaml.MappingNode):
            return self._mapping(composed, path, above)
        if isinstance(composed, yaml.SequenceNode):
            return [self._node(entry, f"{path}[{number}]", above) for number, entry in enumerate(composed.value)]
        assert isinstance(composed, yaml.ScalarNode)
        return composed.value if composed.style else _plain(composed.value)

    def _mapping(self, composed: yaml.MappingNode, path: str, above: tuple[yaml.Node, ...]) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        for key, value in composed.value:
            name = key.value if isinstance(key, yaml.ScalarNode) and not key.tag else None
            node = self._node(value, f"{path}.{name}" if path else name or "", above, key)
            if name is None:
                self._refuse(path, key.start_mark, "a key must be a plain word")
            elif name == "<<" and not key.style:
                self._refuse(path, key.start_mark, "'<<' merges nothing here; write the keys out")
            elif name in entries:
                what = f"key {quoted(name)} is given twice, first on line {entries[name].line}"
                self._refuse(path, key.start_mark, what)
            else:
                entries[name] = node
        return entries


def _plain(text: str) -> Any:
    """The value of a scalar without quotes."""
    if text in _WORDS:
        return _WORDS[text]
    if len(text) < MAX_DIGITS and _INTEGER.fullmatch(text):
        return int(text, 0 if text[:2] in ("0o", "0x") else 10)
    if len(text) < MAX_DIGITS and _FLOAT.fullmatch(text) and isfinite(number := float(text)):
        return number
    return text
