"""Visit a page in a real browser: when it paints, when it is loaded, and what fails in it.

The browser is headless Chromium, driven by playwright; both are optional. It runs in processes that end with the
deadline, with a new profile for each visit, and keeps nothing.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runbook_checks.probes.core.isolated import run_isolated
from runbook_checks.probes.core.reading import picture, reading
from runbook_checks.probes.web.browser_session import Look, looks
from runbook_checks.probes.web.chromium import Request, find

if TYPE_CHECKING:
    import psutil

END_S = 2.0
LONGEST = 36  # Chromium's socket path is 70 characters longer; 107 is the limit (unix(7))


@dataclass(frozen=True)
class Visit:
    """The best times of a few visits, and all errors."""

    status: int
    first_paint_ms: float | None  # None without a paint
    blank_ms: float | None  # how long the page stayed blank; None if it painted, or where that is not certain
    load_ms: float | None  # None if it was not loaded in time
    waited_ms: float  # for the load, at most
    errors: tuple[str, ...]  # of the console and of scripts, each once
    slowest: str  # path of the slowest file
    slowest_ms: float
    visits: int
    version: str
    refused: tuple[str, ...]  # why some references of the page were not requested
    screenshot: bytes = field(repr=False)  # PNG; empty if none could be taken


def visit(request: Request, resource: str = "browser") -> Visit:
    """Visit a page a few times with new profiles; the best times count, because this machine may be busy.

    NoReading kinds: missing-tool (no Chromium, no playwright), not-started, no-answer (evidence: error), page-hangs
    (loaded, and then stops responding), those of probes.core.isolated.
    """
    chromium = find(resource)
    with reading(f"{request.url} in Chromium") as facts:
        with _home() as home:
            made, version = run_isolated(
                looks, chromium, request, home, resource, resource=resource, timeout_s=request.timeout_s, memory=None
            )
        seen = _best(made, version)
        facts.update(
            status=seen.status,
            first_paint_ms=seen.first_paint_ms,
            load_ms=seen.load_ms,
            errors=list(seen.errors),
            slowest=seen.slowest,
            slowest_ms=seen.slowest_ms,
            visits=seen.visits,
            chromium=seen.version,
            refused=list(seen.refused),
        )
    if seen.screenshot:
        picture("screenshot", seen.screenshot)
    return seen


@contextlib.contextmanager
def _home() -> Iterator[str]:
    """A folder for the browser; at the end every process started with it ends, and its files are removed."""
    above = tempfile.gettempdir()
    home = tempfile.mkdtemp(prefix="checks-browser-", dir=above if len(above) <= LONGEST else "/tmp")  # noqa: S108
    try:
        yield home
    finally:
        _end_all(home)
        shutil.rmtree(home, ignore_errors=True)


def _end_all(home: str) -> None:
    """End Chromium's processes, which have their own process groups and may be too busy to see the driver end."""
    import psutil

    end = time.monotonic() + END_S
    while (alive := list(_started_with(home))) and time.monotonic() < end:
        for process in alive:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(alive, timeout=0.05)


def _started_with(home: str) -> Iterator[psutil.Process]:
    import psutil

    for pid in psutil.pids():
        with contextlib.suppress(psutil.Error, OSError):
            process = psutil.Process(pid)
            if home in process.environ().values() and process.status() != psutil.STATUS_ZOMBIE:
                yield process


def _best(looks: list[Look], version: str) -> Visit:
    paints = [look.paint for look in looks if look.paint is not None]
    loads = [look.load for look in looks if look.load is not None]
    quickest = min(looks, key=lambda look: look.load or float("inf"))
    errors = dict.fromkeys(error for look in looks for error in look.errors)
    return Visit(
        looks[-1].status,
        round(min(paints)) if paints else None,
        None if paints else next((round(look.blank_ms) for look in looks if look.blank_ms), None),
        round(min(loads)) if loads else None,
        round(max(look.waited_ms for look in looks)),
        tuple(errors),
        quickest.slowest,
        round(quickest.slowest_ms),
        len(looks),
        version,
        tuple(dict.fromkeys(why for look in looks for why in look.refused)),
        looks[-1].screenshot,
    )
