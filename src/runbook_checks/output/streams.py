"""Make standard output and standard error safe to write to: lost output is dropped, with one message."""

from __future__ import annotations

import errno
import os
import sys
import threading
import traceback
from contextlib import suppress
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, cast

from runbook_checks.config.untrusted_text import Printed
from runbook_checks.locations import is_ours, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

INTERRUPTED, TROUBLE, USAGE = 2, 3, 4
ARGPARSE_USAGE = 2
LOST: dict[int | None, str] = {}  # why a standard stream can no longer be written to


REDACT: list[Callable[[str], str]] = []  # the run's redaction, once the run exists


class Steady:
    """A standard stream that may become unwritable (closed pipe, full disk, closed terminal); `lost` says why."""

    def __init__(self, stream: Any, number: int) -> None:
        self.lost: OSError | None = None
        self._stream, self._number = stream, number

    def write(self, text: str) -> int:
        try:
            self._stream.write(self._shown(text))
        except (OSError, ValueError) as error:
            self.lose(error)
        return len(text)

    def _shown(self, text: str) -> str:
        """Redact the output of checks' threads, which bypasses pytest's capture."""
        if threading.current_thread() is threading.main_thread():
            return text
        return reduce(lambda said, redact: redact(said), REDACT, text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except (OSError, ValueError) as error:
            self.lose(error)

    def lose(self, error: Exception) -> None:
        """Redirect the stream to the null device, including its buffer and the output of child processes."""
        is_first, self.lost = self.lost is None, error if isinstance(error, OSError) else OSError(0, str(error))
        LOST.setdefault(self._number, str(self.lost.strerror))
        _point_to_null(self._number)
        with suppress(OSError, ValueError):
            self._stream.flush()
        if is_first and self._number == 1:
            say(f"standard output can't be written, the rest is not shown: {self.lost.strerror}")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _point_to_null(number: int) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    if null != number:
        os.dup2(null, number)
        os.close(null)


def steady() -> None:
    """Make both streams steady; characters that a terminal's encoding lacks are replaced."""
    for number, stream in enumerate((sys.stdin, sys.stdout, sys.stderr)):
        if stream is None:  # closed: the next opened file would get its number, and the output
            _point_to_null(number)
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - it stays open
    sys.stderr = _steady(sys.stderr, 2)
    sys.stdout = _steady(sys.stdout, 1)


def _steady(stream: TextIO | None, number: int) -> TextIO:
    if isinstance(stream, Steady):
        return cast(TextIO, stream)
    if stream is None:
        closed = Steady(open(number, "w", encoding="utf-8", errors="replace", closefd=False), number)  # noqa: SIM115
        closed.lose(OSError(errno.EBADF, "it is closed"))
        return cast(TextIO, closed)
    with suppress(AttributeError, OSError, ValueError):  # pytest's own stand-ins have neither
        os.set_blocking(stream.fileno(), True)
        stream.reconfigure(errors="replace" if number == 1 else "backslashreplace")  # type: ignore[attr-defined]
    return cast(TextIO, Steady(Printed(stream), number))


def lost_output() -> OSError | None:
    """Why standard output was lost; None also for a reader that closed the pipe after reading enough (`| head`)."""
    sys.stdout.flush()
    lost = getattr(sys.stdout, "lost", None)
    return lost if lost and lost.errno != errno.EPIPE else None


def say(sentence: str, program: str = "runbook-checks") -> None:
    """Print a message on standard error, if that is still possible."""
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(f"{program}: {sentence}\n")
        sys.stderr.flush()


def sentence_of(error: BaseException) -> str:
    """An internal error in one sentence, with its place in our code."""
    if isinstance(error, OSError):
        where = f": {error.filename}" if error.filename else ""
        return f"{error.strerror or error}{where}"
    frames = [f for f in traceback.extract_tb(error.__traceback__) if is_ours(f.filename)]
    place = f" ({shown(frames[-1].filename)}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {' '.join(str(error).split())}{place}"


def ended(program: str, run: Callable[[], int], trouble: int = TROUBLE) -> int:
    """Run one of our commands; its exit code, or `trouble` after a message about an error."""
    steady()
    try:
        _require_working_directory()
        code = int(run())
    except KeyboardInterrupt:
        code = INTERRUPTED
    except SystemExit as leaving:
        code = _exit_code(leaving.code, trouble)
    except Exception as error:
        say(sentence_of(error), program)
        code = trouble
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def _exit_code(given: object, trouble: int) -> int:
    """The exit code for the argument of sys.exit(); argparse's usage error becomes ours."""
    if given is None or given == ARGPARSE_USAGE:
        return 0 if given is None else USAGE
    return given if isinstance(given, int) else trouble


def _require_working_directory() -> None:
    try:
        Path.cwd()
    except OSError:
        raise OSError(errno.ENOENT, "the working directory is gone; change to another one") from None
