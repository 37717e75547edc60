"""Judge whether a dump is complete: it decompresses to its end, and ends as its maker ends one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal

from runbook_checks.probes.backups.archives import is_archive, restored_text
from runbook_checks.probes.backups.packing import GZIP, Damaged, format_of, unpacked
from runbook_checks.probes.core.deadline import within
from runbook_checks.probes.core.reading import NoReading

if TYPE_CHECKING:
    from collections.abc import Iterator

RESOURCE = "backups"
BLOCK, HEAD = 1 << 18, 1 << 12
TAIL = 4096  # pg_dump may write a line or two after its closing line (\unrestrict, since 17.6)
POSTGRES, MYSQL, TAR = "pg_dump", "mysqldump", b"ustar"
# What a dump's first lines hold, and its last; mysqldump and mariadb-dump write the same ones.
_HEADS = {
    POSTGRES: re.compile(rb"^-- PostgreSQL database ", re.MULTILINE),
    MYSQL: re.compile(rb"^-- (?:MySQL|MariaDB) dump ", re.MULTILINE),
}
_LAST_LINES = {
    POSTGRES: re.compile(rb"^-- PostgreSQL database (?:cluster )?dump complete", re.MULTILINE),
    MYSQL: re.compile(rb"^-- Dump completed", re.MULTILINE),
}
# PGP (armoured, and binary: RFC 9580, 4.2, packets 1, 3 and 9 in both forms), openssl enc and age.
_ENCRYPTED = re.compile(rb"-----BEGIN PGP MESSAGE|[\x84-\x87\x8c-\x8f\xc1\xc3\xd2]|Salted__|age-encryption\.org/")
_SQL = re.compile(rb"^(?:CREATE|INSERT|COPY|PRAGMA|BEGIN|SET) ", re.MULTILINE)

Broken = Literal["truncated", "not-gzip", "incomplete-dump"]


@dataclass(frozen=True)
class DumpFacts:
    """What a dump is like. `broken` is None where it is complete; `plain` counts its bytes once decompressed."""

    broken: Broken | None
    what: str
    packed: int
    plain: int
    test: str = "gzip -tv"
    """The command that tests the file."""


def inspect(file: BinaryIO, *, is_gzip: bool, programs: Path | None = None) -> DumpFacts:
    """Read a dump to its end, within the running check's deadline.

    is_gzip   its name says so
    programs  the folder with pg_restore, if it is not the machine's own

    NoReading kinds: deadline, encrypted, other-format, no-library.
    """
    counted = [0]
    blocks = _counting(blocks_of(file), counted)
    first = next(blocks, b"")
    found = format_of(first)
    if is_gzip and first and not first.startswith(GZIP) and not _ENCRYPTED.match(first):
        return DumpFacts("not-gzip", "it does not begin as gzip does", len(first), 0)
    test = found[1] if found else "pg_restore --list" if is_archive(first) else "tail -n 3"
    plain, head, tail = 0, b"", b""
    try:
        for piece in text_of(chain([first], blocks), programs):
            plain += len(piece)
            head += piece[: HEAD - len(head)]
            tail = (tail + piece)[-TAIL:]
    except Damaged as damaged:
        return DumpFacts("truncated" if damaged.is_short else "not-gzip", damaged.what, counted[0], plain, test)
    if not counted[0]:
        return DumpFacts("truncated", "it is empty", 0, 0, test)
    maker = maker_of(head)
    if maker is None and not any(line.search(tail) for line in _LAST_LINES.values()):
        _must_be_understood(head)
    lines = _LAST_LINES if maker is None else {maker: _LAST_LINES[maker]}
    if not any(line.search(tail) for line in lines.values()):
        return DumpFacts(
            "incomplete-dump", f"it lacks the closing line of {maker or POSTGRES}", counted[0], plain, test
        )
    return DumpFacts(None, "complete", counted[0], plain, test)


def text_of(blocks: Iterator[bytes], programs: Path | None) -> Iterator[bytes]:
    """The SQL of a dump: decompressed, and converted by pg_restore where it is an archive of pg_dump.

    Raises Damaged. NoReading kinds: encrypted, other-format, no-library.
    """
    pieces = unpacked(blocks)
    first = next(pieces, b"")
    if _ENCRYPTED.match(first):
        raise NoReading(RESOURCE, "it is encrypted, and can't be judged without its key", kind="encrypted")
    if is_archive(first):
        return restored_text(chain([first], pieces), programs)
    if first[257:262] == TAR:
        what = "it is a tar file: only dumps in one file can be judged (plain, or pg_dump --format=custom)"
        raise NoReading(RESOURCE, what, kind="other-format")
    return chain([first], pieces)


def maker_of(head: bytes) -> str | None:
    """The program that wrote a dump, by its first lines; None for unknown ones."""
    return next((maker for maker, pattern in _HEADS.items() if pattern.search(head)), None)


def _must_be_understood(head: bytes) -> None:
    """NoReading for what another program made. A short error message or a page is an incomplete dump."""
    if b"\0" in head or _SQL.search(head):
        what = "it was not made by pg_dump, mysqldump or mariadb-dump (or without comments), so its end can't be judged"
        raise NoReading(RESOURCE, what, kind="other-format")


def _counting(blocks: Iterator[bytes], counted: list[int]) -> Iterator[bytes]:
    for block in blocks:
        counted[0] += len(block)
        yield block


def blocks_of(file: BinaryIO) -> Iterator[bytes]:
    """Read a file block by block, within the running check's deadline."""
    deadline, read = within(float("inf")), 0
    while block := file.read(BLOCK):
        read += len(block)
        yield block
        if deadline.expired:
            raise NoReading(RESOURCE, f"it is too large to be read in time ({read} bytes so far)", kind="deadline")
