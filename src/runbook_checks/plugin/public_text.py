"""Know what anybody can read: a run's files, the names of its checks, pytest's own lines.

A secret that equals a piece of it is no secret there: names and lines that hold it stay as they are.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runbook_checks.locations import SUITE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runbook_checks.config.run import Run

OUTCOMES = "clear found unknown skipped CLEAR FOUND UNKNOWN SKIPPED"


class PublicText:
    """Tells whether words are public. Asked of words that equal a secret, which is rare, it reads the files then."""

    def __init__(self, sources: Iterable[Path]) -> None:
        self._sources = sources
        self._words = [OUTCOMES]

    def add_names_of(self, run: Run) -> None:
        """What a run says about itself."""
        self._words += [run.id, run.named, run.selection, run.environment.name, *run.systems, str(run.known)]

    def __call__(self, words: str) -> bool:
        return any(words in text for text in [*self._words, *self._files])

    @cached_property
    def _files(self) -> list[str]:
        return [*(str(path.relative_to(SUITE)) for path in SUITE.glob("checks/*.py")), *self._read()]

    def _read(self) -> Iterator[str]:
        import _pytest.terminal

        pages = [*self._sources, *SUITE.glob("runbooks/**/*.yaml"), Path(_pytest.terminal.__file__)]
        for path in pages:
            with suppress(OSError, UnicodeDecodeError):
                yield path.read_text(encoding="utf-8")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """pytest is about to print the check's name."""
        self._words.append(nodeid)
