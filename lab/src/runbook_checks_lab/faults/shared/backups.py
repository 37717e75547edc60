"""Backups that are old, broken, or cannot be restored."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol

from runbook_checks_lab.faults.shared import Of

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab
    from runbook_checks_lab.registry import FaultsOf
    from runbook_checks_lab.servers.dumps import DailyDumps

OLD_H = 80.0
PAGE = b"<?xml version='1.0'?><Error><Code>InternalError</Code></Error>\n" * 400
BEGIN, LAST_WORDS = b"SET default_tablespace", b"-- PostgreSQL database dump complete"


class WithDumps(Protocol):
    """A system with a daily database dump."""

    @property
    def dumps(self) -> DailyDumps: ...


def stale(fault: FaultsOf, of: Of[WithDumps]) -> None:
    @fault("backup.stale", cause="none")
    def none_left(lab: Lab) -> Iterator[None]:
        of(lab).dumps.clear()
        yield
        of(lab).dumps.fill()

    @fault("backup.stale", cause="too-old")
    def job_stopped(lab: Lab) -> Iterator[None]:
        of(lab).dumps.fill(age_h=OLD_H)
        yield
        of(lab).dumps.fill()


def _newest(fault: FaultsOf, of: Of[WithDumps], symptom: str, made: dict[str, Callable[[DailyDumps], bytes]]) -> None:
    for cause, make in made.items():

        @fault(symptom, cause=cause)
        def broken(lab: Lab, make: Callable[[DailyDumps], bytes] = make) -> Iterator[None]:
            dumps = of(lab).dumps
            dumps.fill(make(dumps))
            yield
            dumps.fill()


def corrupt(fault: FaultsOf, of: Of[WithDumps]) -> None:
    def packed(dumps: DailyDumps) -> bytes:
        return gzip.compress(dumps.dump, mtime=0)

    _newest(
        fault,
        of,
        "backup.corrupt",
        {
            "truncated": lambda dumps: packed(dumps)[: len(packed(dumps)) * 3 // 4],
            "not-gzip": lambda _: PAGE,
            "incomplete-dump": lambda dumps: gzip.compress(dumps.dump[: len(dumps.dump) * 3 // 4]),
            "too-small": lambda dumps: gzip.compress(dumps.without_rows),
        },
    )


def not_restorable(fault: FaultsOf, of: Of[WithDumps]) -> None:
    """Dumps that are complete but cannot be restored."""

    def before(dumps: DailyDumps, statement: bytes) -> bytes:
        head, begin, rest = dumps.dump.partition(BEGIN)
        return gzip.compress(head + statement + b"\n" + begin + rest)

    _newest(
        fault,
        of,
        "backup.not-restorable",
        {
            "restore-error": lambda dumps: before(dumps, b"CREATE TABLE public.orders (kind public.order_kind);"),
            "rows-missing": lambda dumps: gzip.compress(dumps.without_rows),
            "too-slow": lambda dumps: before(dumps, b"SELECT pg_catalog.pg_sleep(60);"),
        },
    )
