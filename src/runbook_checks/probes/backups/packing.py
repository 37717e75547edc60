"""Decompress dumps block by block: gzip, bzip2, xz and Zstandard, bounded in memory."""

from __future__ import annotations

import bz2
import lzma
import zlib
from itertools import chain
from typing import TYPE_CHECKING, Any

from runbook_checks.probes.core.reading import NoReading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PIECE = 1 << 22
ZSTD_INPUT = 1 << 10  # four bytes of Zstandard may stand for 128 kB
GZIP = b"\x1f\x8b"


class Damaged(Exception):
    """The compressed bytes are not what the format allows; `is_short` where they end too early."""

    def __init__(self, what: str, *, is_short: bool) -> None:
        super().__init__(what)
        self.what, self.is_short = what, is_short


class _Gzip:
    """zlib behind the interface of bz2 and lzma."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=31)
        self.needs_input = True

    def decompress(self, data: bytes, most: int) -> bytes:
        plain = self._zlib.decompress(self._zlib.unconsumed_tail + data, most)
        self.needs_input = len(plain) < most
        return plain

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data


class _Zstd:
    """Zstandard behind the interface of bz2 and lzma; small inputs bound its output."""

    def __init__(self) -> None:
        try:
            import zstandard
        except ImportError:
            what = "it is compressed with Zstandard: pip install 'runbook-checks[zstd]'"
            raise NoReading("backups", what, kind="no-library") from None
        self._zstd, self._left = zstandard.ZstdDecompressor().decompressobj(), b""

    def decompress(self, data: bytes, _most: int) -> bytes:
        given = self._left + data
        self._left = given[ZSTD_INPUT:]
        return bytes(self._zstd.decompress(given[:ZSTD_INPUT]))

    @property
    def needs_input(self) -> bool:
        return not self._left

    @property
    def eof(self) -> bool:
        return bool(self._zstd.eof)

    @property
    def unused_data(self) -> bytes:
        return bytes(self._zstd.unused_data) + self._left


# What a compressed file begins with, its format, and the command that tests it.
FORMATS: dict[bytes, tuple[Callable[[], Any], str]] = {
    GZIP: (_Gzip, "gzip -tv"),
    b"BZh": (bz2.BZ2Decompressor, "bzip2 -tv"),
    b"\xfd7zXZ\x00": (lzma.LZMADecompressor, "xz -tv"),
    b"\x28\xb5\x2f\xfd": (_Zstd, "zstd -tv"),
}


def format_of(first: bytes) -> tuple[Callable[[], Any], str] | None:
    """The decompressor and the test command of a compressed file, None for a plain one."""
    return next((found for magic, found in FORMATS.items() if first.startswith(magic)), None)


def unpacked(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The plain bytes of these blocks, compressed or not. Raises Damaged; NoReading no-library."""
    first = next(blocks, b"")
    whole, found = chain([first], blocks), format_of(first)
    return _decompressed(whole, found[0]) if found else whole


def _decompressed(blocks: Iterator[bytes], make: Callable[[], Any]) -> Iterator[bytes]:
    """Decompress one member or several, as pigz and `cat` leave them."""
    unpacker, is_open = make(), False
    for block in blocks:
        left = block
        while left or not unpacker.needs_input:
            try:
                plain = unpacker.decompress(left, PIECE)
            except Exception as error:  # each library has its own
                raise Damaged(f"it is damaged ({str(error).rpartition(': ')[2]})", is_short=False) from None
            is_open, left = not unpacker.eof, b""
            if plain:
                yield plain
            if unpacker.eof:
                left = unpacker.unused_data.lstrip(b"\0")  # tapes and some uploads fill up with zeros
                unpacker = make()
    if is_open:
        raise Damaged("it ends in the middle", is_short=True)
