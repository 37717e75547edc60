"""Find possible changes in a module: comparisons, conditions, limits, keywords of queries."""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from quality.mutation.sql import changes_of_queries
from quality.mutation.wording import WORDING, is_docstring, is_not_a_condition, is_part_of_sentence, is_stopgap, is_text
from tests.harness import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMPARED = {
    ast.Lt: ("<", ("<=", ">=")),
    ast.LtE: ("<=", ("<", ">")),
    ast.Gt: (">", (">=", "<=")),
    ast.GtE: (">=", (">", "<")),
    ast.Eq: ("==", ("!=",)),
    ast.NotEq: ("!=", ("==",)),
    ast.Is: ("is", ("is not",)),
    ast.IsNot: ("is not", ("is",)),
    ast.In: ("in", ("not in",)),
    ast.NotIn: ("not in", ("in",)),
}
BOUNDARIES = ({"<", "<="}, {">", ">="})


@dataclass(frozen=True)
class Mutant:
    """One change: its place, the old text and the new text."""

    path: str
    where: str
    """The function, or the name of the constant; otherwise empty."""
    line: int
    start: int
    end: int
    before: str
    after: str
    text: str
    """The line without its indentation."""
    names: tuple[str, ...] = ()
    """Outside functions: the names through which the change has an effect."""
    lines: tuple[int, int] = (0, 0)
    """In a function: the lines of the statement; the change has no effect unless one of them is run."""
    number: int = 1
    """A number that distinguishes equal changes of a line."""

    @property
    def is_boundary(self) -> bool:
        """Whether only a value that exactly equals its limit distinguishes the two."""
        return {self.before, self.after} in BOUNDARIES

    @property
    def change(self) -> str:
        again = f" ({self.number})" if self.number > 1 else ""
        return f"{self.before} -> {self.after}{again}".strip()

    @property
    def key(self) -> tuple[str, str, str, str]:
        """The identity of the change, independent of line numbers."""
        return self.path, self.where, self.text, self.change

    @property
    def name(self) -> str:
        return f"{self.path}:{self.line}: {self.change}"

    def applied(self, source: str) -> str:
        """Return the module's text with the change."""
        raw = source.encode()
        return (raw[: self.start] + self.after.encode() + raw[self.end :]).decode()


def mutants(path: Path) -> list[Mutant]:
    """Return every change to one module that still compiles."""
    module = _Module(path)
    seen: Counter[tuple[str, str, str, str]] = Counter()
    made = []
    for mutant in sorted(module.mutants(), key=lambda one: (one.start, one.after)):
        seen[mutant.key] += 1
        made.append(replace(mutant, number=seen[mutant.key]))
    return made


class _Module:
    def __init__(self, path: Path) -> None:
        source = path.read_text()
        self.path, self.raw, self.source = path.relative_to(PROJECT).as_posix(), source.encode(), source
        self.tree = ast.parse(source)
        self.texts = source.splitlines()
        self.starts = [0]
        for line in source.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line.encode()))

    def mutants(self) -> Iterator[Mutant]:
        for node in self.tree.body:
            words = self.path.startswith("checks/") and getattr(node, "name", "") in WORDING
            if not (words or (isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING")):
                yield from self._within(node, "", (), (0, 0))

    def _within(
        self, node: ast.AST, where: str, names: tuple[str, ...], lines: tuple[int, int], *, is_wording: bool = False
    ) -> Iterator[Mutant]:
        """Yield the changes to a node and its children; with `is_wording` the node only affects message texts."""
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            where, names = f"{where}.{node.name}".lstrip("."), ()
            for default in (*node.args.defaults, *filter(None, node.args.kw_defaults)):
                yield from self._within(default, where, (), (node.lineno, node.end_lineno or 0))
            for child in node.body:
                yield from self._within(child, where, (), (0, 0))
            return
        if isinstance(node, ast.ClassDef):
            for child in node.body:
                yield from self._within(child, f"{where}.{node.name}".lstrip("."), (node.name,), (0, 0))
            return
        if isinstance(node, ast.stmt):
            if is_docstring(node):
                return
            inner = [child.lineno for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]
            lines = (node.lineno, min(inner, default=(node.end_lineno or node.lineno) + 1) - 1)
            stored = tuple(_stored(node))
            is_wording = is_wording or is_text(node)
            if names or not where:
                names, where = (*names, *stored), where or ".".join(stored)
        elif isinstance(node, ast.Slice) or is_not_a_condition(node):
            return
        if not is_wording:
            for (start, end), after in self._changes(node):
                yield self._mutant(start, end, after, where, names, lines)
        for part in ast.iter_child_nodes(node):
            only_wording = is_wording or is_part_of_sentence(node, part)
            yield from self._within(part, where, names, lines, is_wording=only_wording)
        if isinstance(node, ast.Constant | ast.JoinedStr) and not is_wording:
            begin = self._begin(node)
            for start, end, after in changes_of_queries(self.raw[begin : self._end(node)].decode()):
                yield self._mutant(begin + start, begin + end, after, where, names, lines)

    def _mutant(
        self, start: int, end: int, after: str, where: str, names: tuple[str, ...], lines: tuple[int, int]
    ) -> Mutant:
        line = self.raw.count(b"\n", 0, start) + 1
        text, before = self.texts[line - 1].strip(), self.raw[start:end].decode()
        return Mutant(self.path, where, line, start, end, before, after, text, names, lines)

    def _changes(self, node: ast.AST) -> Iterator[tuple[tuple[int, int], str]]:
        if isinstance(node, ast.Compare):
            yield from self._comparisons(node)
        elif isinstance(node, ast.BoolOp) and not is_stopgap(node):
            sign, other = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
            for left, right in zip(node.values, node.values[1:], strict=False):
                yield from ((place, other) for place in self._sign(left, right, sign))
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            yield (self._begin(node), self._begin(node) + len("not")), ""
        elif isinstance(node, ast.Constant) and _is_amount(node.value):
            yield (self._begin(node), self._end(node)), repr(2 * node.value)  # type: ignore[operator]

    def _comparisons(self, node: ast.Compare) -> Iterator[tuple[tuple[int, int], str]]:
        operands = [node.left, *node.comparators]
        for left, operator, right in zip(operands, node.ops, operands[1:], strict=False):
            sign, others = COMPARED[type(operator)]
            for place in self._sign(left, right, sign):
                yield from ((place, other) for other in others)
        for operand in operands:
            if isinstance(operand, ast.Constant) and type(operand.value) is int and operand.value in (0, 1):
                yield (self._begin(operand), self._end(operand)), str(operand.value + 1)

    def _sign(self, left: ast.expr, right: ast.expr, sign: str) -> Iterator[tuple[int, int]]:
        """Yield the position of the operator between two operands."""
        found = self.raw.find(sign.encode(), self._end(left), self._begin(right))
        if found >= 0:
            yield found, found + len(sign)

    def _begin(self, node: ast.expr) -> int:
        return self.starts[node.lineno - 1] + node.col_offset

    def _end(self, node: ast.expr) -> int:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self.starts[node.end_lineno - 1] + node.end_col_offset


def _is_amount(value: object) -> bool:
    return isinstance(value, int | float) and value not in (0, 1)


def _stored(node: ast.AST) -> Iterator[str]:
    for name in ast.walk(node):
        if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store):
            yield name.id
