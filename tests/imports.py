"""The import graph of one of the project's packages, from its source; includes types and imports inside functions."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

DYNAMIC = ("import_module", "__import__")


@dataclass(frozen=True)
class ImportGraph:
    """Modules by dotted name, each with the modules of the same package that it imports."""

    package: str
    imports: dict[str, set[str]]
    outside: dict[str, set[str]]
    """Module -> imports from elsewhere, as written (`collections.abc`)."""

    @cached_property
    def cycles(self) -> list[list[str]]:
        """Return groups of modules that import each other, directly or indirectly; each sorted, the largest first."""
        return sorted(_components(self.imports), key=lambda names: (-len(names), names))

    @cached_property
    def packages(self) -> dict[tuple[str, str], list[str]]:
        """Return the imports from one part into another, as "module -> module", by the pair of parts.

        A part is a direct subpackage (`runbook_checks_lab.faults`), or a module directly in the package.
        """
        found: dict[tuple[str, str], list[str]] = {}
        for module, targets in sorted(self.imports.items()):
            for target in sorted(targets):
                parts = self._part(module), self._part(target)
                if parts[0] != parts[1]:
                    found.setdefault(parts, []).append(f"{module} -> {target}")
        return found

    def _part(self, module: str) -> str:
        return ".".join(module.split(".")[: self.package.count(".") + 2])


def import_graph(folder: Path, package: str) -> ImportGraph:
    """Read every module of the package; `folder` contains its __init__.py."""
    files = {_name(path.relative_to(folder), package): path for path in sorted(folder.rglob("*.py"))}
    imports: dict[str, set[str]] = {}
    outside: dict[str, set[str]] = {}
    for module, path in files.items():
        imports[module], outside[module] = set(), set()
        here = module if path.name == "__init__.py" else module.rpartition(".")[0]
        for name in _imported(ast.parse(path.read_text(encoding="utf-8")), here):
            target = _module_of(name, files)
            (imports if target else outside)[module].add(target or name)
        imports[module].discard(module)
    return ImportGraph(package, imports, outside)


def _name(path: Path, package: str) -> str:
    words = path.with_suffix("").parts
    return ".".join([package, *(words[:-1] if words[-1] == "__init__" else words)])


def _module_of(name: str, files: dict[str, Path]) -> str | None:
    """Return the module for `a.b.c`: the module a.b.c, or a.b if c is a name in it."""
    while name:
        if name in files:
            return name
        name = name.rpartition(".")[0]
    return None


def _imported(tree: ast.Module, here: str) -> Iterator[str]:
    """Yield the full names in import statements, and literal names passed to importlib."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute("." * node.level + (node.module or ""), here)
            yield from (base if alias.name == "*" else f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and _called(node.func) in DYNAMIC:
            words = [word.value for word in node.args[:1] if isinstance(word, ast.Constant)]
            yield from (_absolute(word, here) for word in words if isinstance(word, str))


def _absolute(name: str, here: str) -> str:
    bare = name.lstrip(".")
    level = len(name) - len(bare)
    if not level:
        return name
    words = here.split(".")[: len(here.split(".")) - level + 1]
    return ".".join([*words, bare] if bare else words)


def _called(function: ast.expr) -> str:
    return getattr(function, "attr", getattr(function, "id", ""))


def _components(graph: dict[str, set[str]]) -> list[list[str]]:
    """Return strongly connected components of two modules or more (Tarjan, SIAM J. Comput. 1, 146)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        index[module] = low[module] = len(index)
        stack.append(module)
        for target in sorted(graph[module]):
            if target not in index:
                visit(target)
                low[module] = min(low[module], low[target])
            elif target in stack:
                low[module] = min(low[module], index[target])
        if low[module] == index[module]:
            component = stack[stack.index(module) :]
            del stack[stack.index(module) :]
            if len(component) > 1:
                found.append(sorted(component))

    for module in sorted(graph):
        if module not in index:
            visit(module)
    return found
