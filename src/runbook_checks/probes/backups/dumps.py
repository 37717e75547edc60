"""Is a dump whole: does it decompress to its end, and does it end as pg_dump ends one?"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Literal

from runbook_checks.probes.core.deadline import within
from runbook_checks.probes.core.reading import NoReading

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK, PIECE = 1 << 18, 1 << 22
TAIL = 4096  # pg_dump may write a line or two behind its last words (\unrestrict, since 17.6)
GZIP, CUSTOM = b"\x1f\x8b", b"PGDMP"
LAST_WORDS = (b"-- PostgreSQL database dump complete", b"-- PostgreSQL database cluster dump complete")

Broken = Literal["truncated", "not-gzip", "incomplete-dump"]


@dataclass(frozen=True)
class DumpFacts:
    """What a dump is like. `broken` is None where it is whole; `plain` counts its bytes once decompressed."""

    broken: Broken | None
    what: str
    packed: int
    plain: int


class Damaged(Exception):
    """The compressed bytes are not what gzip writes; `is_short` where they end too early."""

    def __init__(self, what: str, *, is_short: bool) -> None:
        super().__init__(what)
        self.what, self.is_short = what, is_short


def plain_blocks(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """What gzip made these blocks of: one member or several, as pigz and `cat` leave them. Raises Damaged."""
    unpacker, is_open = zlib.decompressobj(wbits=31), False
    for block in _ended(blocks):
        left = block
        while True:
            try:
                plain = unpacker.decompress(left, PIECE)
            except zlib.error as error:
                raise Damaged(f"it is damaged ({str(error).rpartition(': ')[2]})", is_short=False) from None
            is_open = not unpacker.eof and (is_open or bool(left))
            left = unpacker.unconsumed_tail
            if unpacker.eof:
                left = unpacker.unused_data.lstrip(b"\0")  # tapes and some uploads fill up with zeros
                unpacker = zlib.decompressobj(wbits=31)
            if plain:
                yield plain
            elif not left:
                break
    if is_open:
        raise Damaged("it ends in the middle", is_short=True)


def _ended(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """With an empty one at the end, which brings out what the last one left in the works."""
    yield from blocks
    yield b""


def inspect(file: BinaryIO, *, is_gzip: bool) -> DumpFacts:
    """Read a dump to its end, within the running check's deadline. NoReading kinds: deadline, other-format."""
    counted = [0]
    blocks = _counting(blocks_of(file), counted)
    first = next(blocks, b"")
    if first.startswith(CUSTOM):
        raise NoReading(
            "backups", "it is in pg_dump's own format: only plain SQL can be looked into", kind="other-format"
        )
    if is_gzip and first and not first.startswith(GZIP):
        return DumpFacts("not-gzip", "it does not begin as gzip does", len(first), 0)
    plain, tail = 0, b""
    try:
        whole = chained(first, blocks)
        for piece in plain_blocks(whole) if first.startswith(GZIP) else whole:
            plain += len(piece)
            tail = (tail + piece)[-TAIL:]
    except Damaged as damaged:
        return DumpFacts("truncated" if damaged.is_short else "not-gzip", damaged.what, counted[0], plain)
    if not counted[0]:
        return DumpFacts("truncated", "it is empty", 0, 0)
    if not any(words in tail for words in LAST_WORDS):
        return DumpFacts("incomplete-dump", "it lacks pg_dump's last words", counted[0], plain)
    return DumpFacts(None, "whole", counted[0], plain)


def _counting(blocks: Iterator[bytes], counted: list[int]) -> Iterator[bytes]:
    for block in blocks:
        counted[0] += len(block)
        yield block


def chained(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def blocks_of(file: BinaryIO) -> Iterator[bytes]:
    """A file piece by piece, within the running check's deadline."""
    deadline, read = within(float("inf")), 0
    while block := file.read(BLOCK):
        read += len(block)
        yield block
        if deadline.expired:
            raise NoReading("backups", f"it is too large to be read in time ({read} bytes so far)", kind="deadline")
