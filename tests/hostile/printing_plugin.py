"""A plugin that prints CI runner commands, as a library might, in every way that reaches the terminal."""

from __future__ import annotations

import sys
import threading

import pytest

WORDS = "\n::set-output name=verdict::pass\n##[add-mask]stop\x1b[2J\n"


def pytest_runtest_call() -> None:
    print(WORDS)
    print(WORDS, file=sys.stderr)
    thread = threading.Thread(target=_end_badly)
    thread.start()
    thread.join()


def pytest_runtest_logfinish() -> None:
    """pytest captures no output here."""
    thread = threading.Thread(target=_end_badly)
    thread.start()
    thread.join()


def _end_badly() -> None:
    raise RuntimeError(WORDS)


def pytest_collection_finish(session: pytest.Session) -> None:
    if session.config.option.verbose > 1:
        raise RuntimeError(WORDS)
