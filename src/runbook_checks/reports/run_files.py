"""Write the files of a run: those in its folder, those named by options, and Allure's."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from runbook_checks.config.untrusted_text import unobeyed
from runbook_checks.output import destinations, files, streams
from runbook_checks.reports import allure, junit, markdown, metrics
from runbook_checks.results.document import as_text, document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pytest

    from runbook_checks.config.run import Run
    from runbook_checks.results.finished_run import FinishedRun


@dataclass(eq=False)
class RunFiles:
    """The files of a run; each is written even if another one fails."""

    config: pytest.Config
    run: Run
    named: dict[str, Path] = field(default_factory=dict)
    """The files to write, by the option that names them."""
    is_whole: bool = True
    """Whether every requested file could be written."""

    def write(self, finished: FinishedRun) -> None:
        """Write all files; the run's notes name those that fail."""
        made = self._makers(finished)
        if logger := allure.logger_of(self.config):
            self._write_allure(logger, finished)
        for flag, path, what in self._files():
            with self._noting(what, is_asked_for=path in self.named.values() or bool(self._out)):
                text = made[flag]()
                if text:
                    files.write(path, text)
                self.run.is_kept |= flag == "--results"
        if self.run.folder:
            destinations.point_latest(self.run.folder)
            destinations.forget_old_runs(self.run.folder.parent)
        # A note already says that the folder could not be created.
        self.is_whole &= bool(self.run.folder) or not self._out

    @property
    def _out(self) -> str | None:
        return destinations.named_folder(self.config)

    def _makers(self, finished: FinishedRun) -> dict[str, Callable[[], str]]:
        """The function that makes the text of each kind of file."""
        log = junit.take_over(self.config)
        return {
            "--results": cache(lambda: as_text(document(finished))),
            "--markdown": cache(lambda: unobeyed(markdown.summary(finished))),
            "--metrics": lambda: unobeyed(metrics.of_run(finished)),
            "--junitxml": cache(lambda: junit.text(log, self.run.redaction)),
        }

    def _files(self) -> Iterator[tuple[str, Path, str]]:
        """Each file to write: its option, its path, and its name in a note."""
        folder = self.run.folder
        for flag, name in destinations.IN_FOLDER.items() if folder else ():
            path = (folder or Path()) / name
            yield flag, path, str(path)
        yield from ((flag, path, f"{flag} {path}") for flag, path in self.named.items())

    def _write_allure(self, logger: allure.Logger, finished: FinishedRun) -> None:
        is_named = not self.run.folder or not logger.folder.is_relative_to(self.run.folder)
        with self._noting(f"{logger.folder} (Allure's results)", is_asked_for=is_named or bool(self._out)):
            allure.finish(logger.folder, finished)
            if self.run.redaction.has_grown:
                logger.redact_again()
            logger.require_whole()

    @contextmanager
    def _noting(self, what: str, *, is_asked_for: bool) -> Iterator[None]:
        """Note a file that cannot be written; also on standard error if the terminal's report does not show notes."""
        try:
            yield
        except OSError as error:
            sentence = f"{what} can't be written: {error.strerror}"
            self.is_whole &= not is_asked_for
            self.run.notes.append(sentence)
            if streams.lost_output() or self.config.option.no_summary:
                streams.say(sentence)
