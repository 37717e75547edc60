"""The subcommands of runbook-checks, each imported when it is called."""

from __future__ import annotations

from importlib import import_module

_PLACES = {
    "gate": "runbook_checks.cli.gate:main",
    "compare": "runbook_checks.cli.compare:main",
    "monitor": "runbook_checks.monitor.__main__:run",
    "report": "runbook_checks.cli.allure_report:main",
    "lab": "runbook_checks.cli.lab:main",
}
NAMES = frozenset(_PLACES)


def call(name: str, words: list[str]) -> int:
    """Run a subcommand; its exit code."""
    from runbook_checks.output.streams import ended

    module, _, function = _PLACES[name].partition(":")
    run = getattr(import_module(module), function)
    return ended(name, lambda: run(words))


def show_version() -> int:
    """Print the versions of this package, pytest and Python."""
    import platform
    from importlib.metadata import version

    print("runbook-checks", version("runbook-checks"))
    print(f"pytest {version('pytest')}, Python {platform.python_version()}")
    return 0
