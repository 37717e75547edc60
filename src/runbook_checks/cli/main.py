"""Run the checks from any folder: `runbook-checks ...` takes pytest's command line, ours, and subcommands.

Nothing in that folder decides: no conftest.py, no settings of pytest, no module named as one of ours, and none of the
variables that pytest and Python read. CHECKS_ADDOPTS adds options to every run.
"""

from __future__ import annotations

import os
import sys
from itertools import pairwise
from pathlib import Path

if not __package__:  # started by its path
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from runbook_checks.cli import subcommands
from runbook_checks.locations import IN_CLONE, SETTINGS, SUITE, cache_folder

# Python reads these at its start, and each can change what is imported or how it runs.
READ_BY_PYTHON = ("PYTHONPATH", "PYTHONHOME", "PYTHONINSPECT", "PYTHONOPTIMIZE", "PYTHONWARNINGS")
# pytest, its plugins and pytest-xdist read theirs; Allure's test plan deselects what it does not name.
READ_BY_PYTEST = ("PYTEST_", "ALLURE_TESTPLAN_PATH")
USAGE_ERROR = 4


def main(arguments: list[str] | None = None) -> int:
    """Run with the product's settings; the exit code is the run's."""
    words = sys.argv[1:] if arguments is None else arguments
    if not sys.flags.isolated and any(name in os.environ for name in READ_BY_PYTHON):
        restart_isolated(words)
    if words[:1] and words[0] in subcommands.NAMES:
        return subcommands.call(words[0], words[1:])
    if words == ["--version"]:
        return subcommands.show_version()
    try:
        words = [*added_options(), *(_after_run(words[1:]) if words[:1] == ["run"] else words)]
    except ValueError as error:
        print(f"CHECKS_ADDOPTS: {error}; mend its quotes, as a shell reads them", file=sys.stderr)
        return USAGE_ERROR
    return _run(words)


def restart_isolated(words: list[str]) -> None:
    """Start Python anew with -I: it reads no variable of its own, and imports nothing from the working directory."""
    os.execv(sys.executable, [sys.executable, "-I", os.path.abspath(__file__), *words])  # noqa: S606 - no shell


def added_options() -> list[str]:
    """The options in CHECKS_ADDOPTS; ValueError where a quote is left open."""
    import shlex

    return shlex.split(os.environ.get("CHECKS_ADDOPTS", ""))


def _run(words: list[str]) -> int:
    import pytest

    for name in [name for name in os.environ if name.startswith(READ_BY_PYTEST)]:
        del os.environ[name]
    from runbook_checks.output import streams

    # The word after --deselect stays as it is: pytest compares it with the names that reports print.
    found = [word if before == "--deselect" else _found(word, words) for before, word in pairwise(["", *words])]
    return streams.ended("runbook-checks", lambda: pytest.main([*_settings(), *found]))


def _settings() -> list[str]:
    """The settings of every run. The root is the working directory, for pytest shows paths from there."""
    settings = [
        "--noconftest",
        f"--rootdir={os.getcwd()}",
        "-c",
        str(SETTINGS),
        "-p",
        "runbook_checks.cli.pytest_plugin",
    ]
    return [*settings, "-o", f"cache_dir={SUITE / '.pytest_cache' if IN_CLONE else cache_folder() / 'pytest'}"]


def _after_run(words: list[str]) -> list[str]:
    """`run ENV ...`: the environment is positional after the subcommand."""
    return [f"--env={words[0]}", *words[1:]] if words and not words[0].startswith("-") else words


def _found(word: str, words: list[str]) -> str:
    """A check's name as every report prints it, from any folder; `./checks/x.py` is a file of that folder."""
    path, _, function = word.partition("::")
    if not path.startswith("checks/") or not path.endswith(".py"):
        return word
    files = [folder / path for folder in _suites(words) if (folder / path).is_file()]
    holding = [file for file in files if f"def {function.partition('[')[0]}(" in file.read_text(encoding="utf-8")]
    found = (holding or files)[:1]
    return str(found[0]) + word[len(path) :] if found else word


def _suites(words: list[str]) -> list[Path]:
    """The folders of the suites that a run's checks are from, the team's first."""
    from runbook_checks.config.environment_files import NoSuchEnvironment, find_environment, suite_here, suite_of

    pairs = zip(words, [*words[1:], ""], strict=True)
    named = [after if word == "--env" else word[6:] for word, after in pairs if word == "--env" or word[:6] == "--env="]
    try:
        team = suite_of(find_environment((named or [os.environ.get("CHECKS_ENV", "")])[-1]))
    except NoSuchEnvironment:
        team = suite_here()
    return [team, SUITE] if team else [SUITE]


if __name__ == "__main__":
    sys.exit(main())
