"""Run the checks from any folder: `runbook-checks ...` accepts pytest's options, ours, and subcommands.

The folder has no influence: no conftest.py, no pytest settings, no module with the name of one of ours; nor have the
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

# Python reads these at its start; each can change imports or behaviour.
READ_BY_PYTHON = ("PYTHONPATH", "PYTHONHOME", "PYTHONINSPECT", "PYTHONOPTIMIZE", "PYTHONWARNINGS")
# Read by pytest, its plugins and pytest-xdist; Allure's test plan deselects the checks that it does not name.
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
        print(f"CHECKS_ADDOPTS: {error}; fix its quotes, which are read as by a shell", file=sys.stderr)
        return USAGE_ERROR
    return _run(words)


def restart_isolated(words: list[str]) -> None:
    """Restart Python with -I, which ignores its variables and imports nothing from the working directory."""
    os.execv(sys.executable, [sys.executable, "-I", os.path.abspath(__file__), *words])  # noqa: S606 - no shell


def added_options() -> list[str]:
    """The options in CHECKS_ADDOPTS; ValueError for an unclosed quote."""
    import shlex

    return shlex.split(os.environ.get("CHECKS_ADDOPTS", ""))


def _run(words: list[str]) -> int:
    import pytest

    for name in [name for name in os.environ if name.startswith(READ_BY_PYTEST)]:
        del os.environ[name]
    from runbook_checks.output import streams

    # The word after --deselect stays unchanged: pytest compares it with node ids.
    found = [word if before == "--deselect" else _found(word, words) for before, word in pairwise(["", *words])]
    return streams.ended("runbook-checks", lambda: pytest.main([*_settings(), *found]))


def _settings() -> list[str]:
    """The settings of every run. The root is the working directory, to which pytest shows relative paths."""
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
    """The path of a check given by its node id, from any folder; `./checks/x.py` is a file of that folder."""
    path, _, function = word.partition("::")
    if not path.startswith("checks/") or not path.endswith(".py"):
        return word
    files = [folder / path for folder in _suites(words) if (folder / path).is_file()]
    holding = [file for file in files if f"def {function.partition('[')[0]}(" in file.read_text(encoding="utf-8")]
    found = (holding or files)[:1]
    return str(found[0]) + word[len(path) :] if found else word


def _suites(words: list[str]) -> list[Path]:
    """The folders of a run's suites, the team's first."""
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
