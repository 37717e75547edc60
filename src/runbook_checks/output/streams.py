"""Keep standard output and standard error from deciding anything: what they can't take is dropped, and said once."""

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
LOST: dict[int | None, str] = {}  # why a standard stream can't be written any more


REDACT: list[Callable[[str], str]] = []  # what the run takes secrets out with, once there is one


class Steady:
    """A standard stream whose end may be gone (closed pipe, full disk, terminal hung up); `lost` says why."""

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
        """What a check prints, in its own thread, bypasses pytest's capture: it is shown without secrets."""
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
        """From now on all goes to the null device, what is still in the buffer and what programs of ours print, too."""
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
    """Make both streams steady, and what is printed text; characters that a terminal's encoding lacks are replaced."""
    for number, stream in enumerate((sys.stdin, sys.stdout, sys.stderr)):
        if stream is None:  # closed: the next file that is opened would take its number, and what is printed
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
    """Why standard output was lost. A reader that has read enough and went away (`| head`) has lost nothing."""
    sys.stdout.flush()
    lost = getattr(sys.stdout, "lost", None)
    return lost if lost and lost.errno != errno.EPIPE else None


def say(sentence: str, program: str = "runbook-checks") -> None:
    """Tell it where it can still be told."""
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(f"{program}: {sentence}\n")
        sys.stderr.flush()


def told(error: BaseException) -> str:
    """An error of ours in one sentence, with the place in our code that it came from."""
    if isinstance(error, OSError):
        where = f": {error.filename}" if error.filename else ""
        return f"{error.strerror or error}{where}"
    frames = [f for f in traceback.extract_tb(error.__traceback__) if is_ours(f.filename)]
    place = f" ({shown(frames[-1].filename)}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {' '.join(str(error).split())}{place}"


def ended(program: str, run: Callable[[], int], trouble: int = TROUBLE) -> int:
    """What a command of ours ends with: its own code, or `trouble` after a sentence on what went wrong with it."""
    steady()
    try:
        _require_working_directory()
        code = int(run())
    except KeyboardInterrupt:
        code = INTERRUPTED
    except SystemExit as leaving:
        code = _exit_code(leaving.code, trouble)
    except Exception as error:
        say(told(error), program)
        code = trouble
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def _exit_code(given: object, trouble: int) -> int:
    """What sys.exit() was given, and argparse's wrong usage as ours."""
    if given is None or given == ARGPARSE_USAGE:
        return 0 if given is None else USAGE
    return given if isinstance(given, int) else trouble


def _require_working_directory() -> None:
    try:
        Path.cwd()
    except OSError:
        raise OSError(errno.ENOENT, "the working directory is gone; change to another one") from None
