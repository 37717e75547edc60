"""What can be changed in a check: a comparison, a condition, a limit?"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

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


@dataclass(frozen=True)
class Mutant:
    """One change: the lines it stands in, what stood there, what stands there now."""

    module: str
    symptoms: tuple[str, ...]
    """The symptoms whose checks it can change."""
    line: int
    start: int
    end: int
    before: str
    after: str

    @property
    def is_boundary(self) -> bool:
        """Only a value that equals its limit to the last digit tells the two apart."""
        return {self.before, self.after} in ({"<", "<="}, {">", ">="})

    @property
    def name(self) -> str:
        return f"checks/{self.module}.py:{self.line}: {self.before} -> {self.after}"

    def applied(self, source: str) -> str:
        """The module's text with the change made."""
        raw = source.encode()
        return (raw[: self.start] + self.after.encode() + raw[self.end :]).decode()


def mutants(path: Path) -> list[Mutant]:
    """Every change to one module of checks."""
    source = path.read_text()
    return list(_Module(path.stem, source).mutants())


class _Module:
    def __init__(self, name: str, source: str) -> None:
        self.name, self.raw = name, source.encode()
        self.tree = ast.parse(source)
        lines = source.splitlines(keepends=True)
        self.starts = [0]
        for line in lines:
            self.starts.append(self.starts[-1] + len(line.encode()))
        self.functions = {node.name: node for node in self.tree.body if isinstance(node, ast.FunctionDef)}

    def mutants(self) -> Iterator[Mutant]:
        for node in self.tree.body:
            symptoms = self._symptoms(node)
            for inner in _judging(node) if symptoms else ():
                for place, after in self._changes(inner):
                    start, end = place
                    before = self.raw[start:end].decode()
                    yield Mutant(self.name, symptoms, self._line(start), start, end, before, after)

    def _symptoms(self, node: ast.stmt) -> tuple[str, ...]:
        """Those whose checks call the function, or use the name, that stands here."""
        names = {node.name} if isinstance(node, ast.FunctionDef) else set(_stored(node))
        reached: set[str] = set()
        while names - reached:
            reached |= names
            names = {f.name for f in self.functions.values() if any(_uses(f, name) for name in reached)} | reached
        found = (symptom for name in sorted(reached) for symptom in self._symptom_of(name))
        return tuple(dict.fromkeys(found))

    def _symptom_of(self, name: str) -> Iterator[str]:
        for decorator in getattr(self.functions.get(name), "decorator_list", []):
            if isinstance(decorator, ast.Call) and getattr(decorator.func, "id", "") == "symptom":
                yield ast.literal_eval(decorator.args[0])

    def _changes(self, node: ast.AST) -> Iterator[tuple[tuple[int, int], str]]:
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            sign, others = COMPARED[type(node.ops[0])]
            place = self._sign(node.left, node.comparators[0], sign)
            yield from ((place, other) for other in others if place)
        elif isinstance(node, ast.BoolOp):
            sign, other = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
            for left, right in zip(node.values, node.values[1:], strict=False):
                place = self._sign(left, right, sign)
                if place:
                    yield place, other
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            yield (self._begin(node), self._begin(node.operand)), ""
        elif isinstance(node, ast.Constant) and isinstance(node.value, int | float) and node.value > 1:
            yield (self._begin(node), self._end(node)), repr(node.value * 2)

    def _sign(self, left: ast.expr, right: ast.expr, sign: str) -> tuple[int, int] | None:
        """Where the sign stands between two operands."""
        begin = self._end(left)
        found = self.raw.find(sign.encode(), begin, self._begin(right))
        return (found, found + len(sign)) if found >= 0 else None

    def _begin(self, node: ast.expr) -> int:
        return self._at(node.lineno, node.col_offset)

    def _end(self, node: ast.expr) -> int:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self._at(node.end_lineno, node.end_col_offset)

    def _line(self, place: int) -> int:
        return self.raw.count(b"\n", 0, place) + 1

    def _at(self, line: int, column: int) -> int:
        return self.starts[line - 1] + column


def _judging(node: ast.AST) -> Iterator[ast.AST]:
    """What decides; not what is only told: f-strings, rounding, slices of texts, decorators, docstrings."""
    if isinstance(node, ast.JoinedStr | ast.Slice):
        return
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "round":
        return
    if isinstance(node, ast.keyword) and node.arg not in ("severity", "subject", "cause"):
        return
    yield node
    children = node.body if isinstance(node, ast.FunctionDef) else ast.iter_child_nodes(node)
    for child in children:
        yield from _judging(child)


def _stored(node: ast.AST) -> Iterator[str]:
    for name in ast.walk(node):
        if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store):
            yield name.id


def _uses(function: ast.FunctionDef, name: str) -> bool:
    return any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(function))
