"""How are the checks run from anywhere? `runbook-checks ...` takes pytest's command line, and ours."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
SETTINGS = PROJECT / "pyproject.toml"


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """The product's checks are run where the caller names none, whatever folder that is done from."""
    if config.args_source is pytest.Config.ArgsSource.INVOCATION_DIR:
        config.args = [str(PROJECT / "checks")]


def main(arguments: list[str] | None = None) -> int:
    """Run with the product's settings; the exit code is the run's."""
    words = sys.argv[1:] if arguments is None else arguments
    gc.disable()  # nothing of what is loaded now is garbage; fixtures/engine.py switches it on again
    settings = [f"--rootdir={PROJECT}", f"--confcutdir={PROJECT / 'checks'}", "-c", str(SETTINGS)]
    sys.path.insert(0, str(PROJECT))
    from conftest import pytest_plugins

    # conftest.py names the plugins, and may only do so where pytest starts from: here they are named outright, and
    # for pytest-xdist's workers as well. Not by -p: pytest would look through every installed package for each.
    named = os.environ.get("PYTEST_PLUGINS")
    os.environ["PYTEST_PLUGINS"] = ",".join([*([named] if named else []), "ci.command", *pytest_plugins])
    return int(pytest.main([*settings, *map(_found, words)]))


def _found(word: str) -> str:
    """A check's name as every report prints it, from any folder."""
    is_ours = word.startswith("checks/") and not Path(word.partition("::")[0]).exists()
    return str(PROJECT / word) if is_ours else word


if __name__ == "__main__":
    sys.exit(main())
