"""Imports inside functions stand where the product's start-up needs them, and nowhere else.

Handles are the laziness boundary: a check names handles, a handle imports its probe when it is first used, and the
probe imports what it needs at the top of its module.
"""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

from tests.harness import PROJECT

ENGINE = PROJECT / "src" / "runbook_checks"
# How many such imports a package may have at most, and why it has any; all others have none.
ALLOWED = {
    "handles": (85, "the boundary: a run loads the probes of its own checks only"),
    "probes/auth": (5, "cryptography takes 70 ms, and only forged tokens need it"),
    "probes/backups": (1, "zstandard is an extra"),
    "probes/core": (1, "hypothesis takes 300 ms"),
    "probes/domains": (2, "incomplete chains are rare, and completing them takes an HTTP client"),
    "probes/http": (5, "requests takes 100 ms, and checks import this package for its types"),
    "probes/logs": (1, "botocore is an extra"),
    "probes/net": (3, "dnspython takes 100 ms, and only a named resolver needs it; idna and certifi are rarely needed"),
    "probes/openapi": (16, "schemathesis takes a second, and only the isolated process needs it"),
    "probes/providers": (9, "boto3 is an extra, and takes 650 ms"),
    "probes/tls": (14, "cryptography takes 70 ms, and many handshakes need none of it"),
    "probes/web": (13, "playwright is an extra, and psutil and selectolax are for pages only"),
    "config": (2, "pydantic and PyYAML take 120 ms, and a cached environment file needs neither"),
    "cli": (7, "a subcommand loads its own modules only"),
    "monitor": (3, "each way to publish a result loads its own libraries, some of them extras"),
    "plugin": (1, "the cached environment file, and the terminal of pytest"),
    "reports": (2, "each report loads its own libraries, one of them an extra"),
}


def inside_functions(tree: ast.Module) -> list[int]:
    """The lines of imports inside functions."""
    functions = [one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
    imports = [
        one for function in functions for one in ast.walk(function) if isinstance(one, ast.Import | ast.ImportFrom)
    ]
    return sorted({one.lineno for one in imports})


def package(folder: Path, file: Path) -> str:
    parts = file.relative_to(folder).parts[:-1]
    return "/".join(parts[: 2 if parts[:1] == ("probes",) else 1])


def places(folder: Path) -> dict[str, list[str]]:
    """FILE:LINE of each such import, by package."""
    found: dict[str, list[str]] = {}
    for file in sorted(folder.rglob("*.py")):
        lines = inside_functions(ast.parse(file.read_text()))
        found.setdefault(package(folder, file), []).extend(f"{file.relative_to(folder)}:{line}" for line in lines)
    return found


def test_engine_imports_inside_functions_only_where_it_is_allowed() -> None:
    found = places(ENGINE)
    counts = Counter({name: len(lines) for name, lines in found.items()})
    assert counts["handles"], "nothing was found at all"
    wrong = {name: found[name] for name, count in counts.items() if count > ALLOWED.get(name, (0, ""))[0]}
    assert not wrong, f"import these at the top of the module, or say in ALLOWED why not: {wrong}"


def test_checks_import_at_the_top_alone() -> None:
    assert [line for lines in places(PROJECT / "checks").values() for line in lines] == []


def test_imports_for_types_do_not_count() -> None:
    text = "if TYPE_CHECKING:\n    import a\ndef f():\n    import b\n    def g():\n        from c import d\nimport e\n"
    assert inside_functions(ast.parse(text)) == [4, 6]
