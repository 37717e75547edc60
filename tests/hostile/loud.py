"""A plugin that prints what a library might: words that a CI runner obeys, by every way that leads to the terminal."""

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
    """Here nothing is captured."""
    thread = threading.Thread(target=_end_badly)
    thread.start()
    thread.join()


def _end_badly() -> None:
    raise RuntimeError(WORDS)


def pytest_collection_finish(session: pytest.Session) -> None:
    if session.config.option.verbose > 1:
        raise RuntimeError(WORDS)
