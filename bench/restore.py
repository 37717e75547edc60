"""A drill restores a dump about as fast as `gunzip | psql` does."""

from __future__ import annotations

import gzip
import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.goals import Figures, Goal
from bench.measuring import Command, NotMeasured, in_turns
from runbook_checks.probes.backups.scratch_server import Scratch, own_server
from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.postgres.binaries import find

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUNDS = 5
ROWS = 1_500_000
LIMIT_S = 600.0


def measure(folder: Path, *, rounds: int = ROUNDS) -> Figures:
    """Restore one dump with the drill's own code and with a plain pipe, into the same scratch server."""
    if shutil.which("gunzip") is None:
        raise NotMeasured("needs gunzip")
    dump = folder / "dump.sql.gz"
    with gzip.open(dump, "wb", compresslevel=6) as file:
        file.writelines(_dump(ROWS if rounds > 1 else ROWS // 50))
    try:
        with own_server(None, None) as scratch:
            place, reached = scratch.place, scratch.reached
            words = (sys.executable, "-m", "bench.restore", str(dump), str(place), json.dumps(reached))
            product = Command("the drill's restore", words)
            pipe = 'gunzip -c "$1" | "$2" -X -q -v ON_ERROR_STOP=1 -o /dev/null'
            named = {"PGHOST": "host", "PGPORT": "port", "PGUSER": "user", "PGDATABASE": "dbname"}
            variables = {variable: reached[key] for variable, key in named.items()}
            words = ("sh", "-c", pipe, "sh", str(dump), str(place / "psql"))
            bare = Command("gunzip | psql", words, variables=variables)
            in_turns([product, bare], rounds)
    except NoReading as silence:
        raise NotMeasured(silence.reason) from None
    return Figures([product, bare], [Goal.against("restore against gunzip | psql", product, bare, 1.2)])


def _dump(rows: int) -> Iterator[bytes]:
    """Return a dump as pg_dump --clean writes it, so that it can be restored repeatedly."""
    yield b"-- PostgreSQL database dump\nSET client_min_messages = warning;\nDROP TABLE IF EXISTS public.calls;\n"
    yield b"CREATE TABLE public.calls (id bigint, at timestamptz, note text);\nCOPY public.calls FROM stdin;\n"
    for number in range(rows):
        at = b"2026-11-%02d %02d:%02d:00+00" % (1 + number % 28, number % 24, number % 60)
        yield b"%d\t%s\tAsked about offer %x and about delivery\n" % (number, at, number * 2654435761 % 2**32)
    yield b"\\.\nALTER TABLE public.calls ADD PRIMARY KEY (id);\n-- PostgreSQL database dump complete\n"


def main(dump: str, place: str, reached: str) -> None:
    from runbook_checks.probes.backups.restore import restore

    with Path(dump).open("rb") as file:
        done = restore(
            file, Scratch(find(Path(place), ("psql",), "scratch"), json.loads(reached), is_own=True), LIMIT_S
        )
    if done.error or not done.is_over:
        raise SystemExit(done.error or "timed out")


if __name__ == "__main__":
    main(*sys.argv[1:])
