"""What anybody can read: a run's files, the names of its checks, pytest's own lines.

A secret that equals a piece of it is no secret there: names and lines that hold it stay as they are.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from runbook_checks.locations import SUITE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runbook_checks.plugin.run import Run

OUTCOMES = "clear found unknown skipped CLEAR FOUND UNKNOWN SKIPPED"


class Public:
    """Whether words are public. Asked only of those that equal a secret, which is rare: the files are read then."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.checks: set[str] = set()
        """The node ids of the checks that pytest has come to."""

    def __call__(self, words: str) -> bool:
        return any(words in text for text in [*self._texts, *self.checks])

    @cached_property
    def _texts(self) -> list[str]:
        run = self._run
        named = [run.id, run.named, run.selection, run.environment.name, *run.systems, str(run.known), OUTCOMES]
        return [*named, *(str(path.relative_to(SUITE)) for path in SUITE.glob("checks/*.py")), *self._files()]

    def _files(self) -> Iterator[str]:
        import _pytest.terminal

        pages = [*self._run.files.sources, *SUITE.glob("runbooks/**/*.yaml"), Path(_pytest.terminal.__file__)]
        for path in pages:
            with suppress(OSError, UnicodeDecodeError):
                yield path.read_text(encoding="utf-8")
