"""Convert archives of pg_dump (its custom and tar formats) to SQL, with pg_restore and without a server."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
from contextlib import suppress
from contextvars import copy_context
from typing import IO, TYPE_CHECKING

from runbook_checks.probes.backups.packing import Damaged
from runbook_checks.probes.core.deadline import within
from runbook_checks.probes.core.reading import NoReading, one_line
from runbook_checks.probes.postgres import binaries as pgbinaries

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RESOURCE = "backups"
BLOCK, MAX_ERROR = 1 << 18, 1 << 12
MAGIC = (b"PGDMP", b"toc.dat\0")  # of the custom format, and of the tar format, whose first file this is


def is_archive(first: bytes) -> bool:
    return first.startswith(MAGIC)


def restored_text(blocks: Iterator[bytes], programs: Path | None) -> Iterator[bytes]:
    """The SQL that pg_restore makes of an archive. Raises Damaged. NoReading kind other-format."""
    try:
        folder = pgbinaries.find(programs, ("pg_restore",), RESOURCE)
    except NoReading as gone:
        what = f"it is in pg_dump's own format, which only pg_restore can read: {gone.reason}"
        raise NoReading(RESOURCE, what, kind="other-format") from None
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [str(folder / "pg_restore"), "--file=-"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={"PATH": os.defpath, "LC_ALL": "C"},
            cwd="/",
            start_new_session=True,  # Ctrl-C is for us
        )
        assert process.stdin is not None and process.stdout is not None  # noqa: PT018
        failed: list[BaseException] = []
        feeder = threading.Thread(target=copy_context().run, args=(_feed, blocks, process.stdin, failed), daemon=True)
        try:
            with within(float("inf")).on_expiry(process.kill):
                feeder.start()
                while piece := process.stdout.read(BLOCK):
                    yield piece
                process.wait()
                feeder.join()
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
        if failed:
            raise failed[0]
        if process.returncode:
            raise _why(errors)


def _feed(blocks: Iterator[bytes], pipe: IO[bytes], failed: list[BaseException]) -> None:
    try:
        with suppress(BrokenPipeError), pipe:  # pg_restore ends at the first error, and says which
            for block in blocks:
                pipe.write(block)
    except (NoReading, Damaged) as error:
        failed.append(error)


def _why(errors: IO[bytes]) -> Exception:
    errors.seek(0)
    message = one_line(errors.read(MAX_ERROR).decode(errors="replace").rpartition("error: ")[2], 200)
    if "unsupported version" in message:
        what = f"it is newer than this machine's pg_restore ({message}): name a newer one in backups.drill.binaries"
        return NoReading(RESOURCE, what, kind="other-format")
    return Damaged(f"pg_restore: {message or 'ended without a message'}", is_short="end of file" in message)
