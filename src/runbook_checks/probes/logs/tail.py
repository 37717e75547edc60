"""Read the lines of a file backwards, in bounded memory and time."""

from __future__ import annotations

import gzip
import zlib
from collections import deque
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from runbook_checks.inputs.regular_file import open_regular
from runbook_checks.probes.core.deadline import current

BLOCK = 256 << 10
MAX_LINE = 16 << 10
# A gzip file can't be read from its end: all of it is unpacked, and its tail kept.
MAX_UNPACKED = 1 << 30


@dataclass
class Budget:
    """The number of bytes that may still be read, over all files."""

    left: int

    @property
    def is_spent(self) -> bool:
        return self.left <= 0


def lines_backwards(file: Path, budget: Budget) -> Generator[str, None, None]:
    """The lines of a file, last first, each cut at MAX_LINE bytes; invalid UTF-8 is replaced, NULs are dropped.

    OSError where the file can't be read, is not valid gzip, or the deadline of the check passes.
    """
    with open_regular(file) as stream:
        blocks = _unpacked_backwards(stream, budget) if file.suffix == ".gz" else _backwards(stream, budget)
        rest = b""  # the end of a line whose beginning is in an earlier block
        for block in blocks:
            # A log that was truncated while its writer kept its position begins with NULs.
            first, *others = (block.replace(b"\0", b"") + rest).split(b"\n")
            yield from (_line(raw) for raw in reversed(others))
            rest = first[:MAX_LINE]  # the rest of a line is dropped
        if not budget.is_spent:
            yield _line(rest)


def _line(raw: bytes) -> str:
    return raw[:MAX_LINE].decode("utf-8", "replace").rstrip("\r")


def _backwards(stream: BinaryIO, budget: Budget) -> Iterator[bytes]:
    end = stream.seek(0, 2)
    while end > 0 and not budget.is_spent:
        _in_time()
        begin = max(0, end - min(BLOCK, budget.left))
        stream.seek(begin)
        block = stream.read(end - begin)
        budget.left -= end - begin
        end = begin
        yield block
    if end == 0:
        budget.left = max(1, budget.left)  # the whole file was seen: its first line is whole


def _unpacked_backwards(stream: BinaryIO, budget: Budget) -> Iterator[bytes]:
    kept: deque[bytes] = deque()
    size = unpacked = 0
    try:
        with gzip.open(stream) as source:
            while block := source.read(BLOCK):
                _in_time()
                kept.append(block)
                size, unpacked = size + len(block), unpacked + len(block)
                while size - len(kept[0]) >= budget.left:
                    size -= len(kept.popleft())
                if unpacked > MAX_UNPACKED:
                    raise OSError(0, f"it has more than {MAX_UNPACKED >> 30} GiB")
    except (EOFError, zlib.error) as error:
        raise OSError(0, f"it is truncated or damaged: {error}") from None
    budget.left = 0 if unpacked > size else max(1, budget.left - size)
    while kept:
        yield kept.pop()


def _in_time() -> None:
    deadline = current.get()
    if deadline is not None and deadline.expired:
        raise OSError(0, "there was no time to read it all")
