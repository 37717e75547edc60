"""A dump is complete only if it really is."""

from __future__ import annotations

import gzip
import io
import os
import zlib
from pathlib import Path

import pytest

from runbook_checks.probes.backups.dumps import inspect
from runbook_checks.probes.core.deadline import Deadline, current
from runbook_checks.probes.core.reading import NoReading

TEXT = b"-- PostgreSQL database dump\n" + b"".join(
    b"INSERT INTO t VALUES (%d, '%s');\n" % (n, os.urandom(12).hex().encode()) for n in range(2000)
)
WHOLE = TEXT + b"--\n-- PostgreSQL database dump complete\n--\n\n"


def broken(content: bytes, *, is_gzip: bool = True) -> str | None:
    return inspect(io.BytesIO(content), is_gzip=is_gzip).broken


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(WHOLE),
        gzip.compress(WHOLE[:999]) + gzip.compress(WHOLE[999:]),
        gzip.compress(WHOLE) + bytes(4096),
        gzip.compress(WHOLE + b"\\unrestrict Qd1x\n\n"),
        gzip.compress(WHOLE.replace(b"database dump complete", b"database cluster dump complete")),
    ],
    ids=["one member", "two members", "filled up with zeros", "with unrestrict", "cluster"],
)
def test_complete(content: bytes) -> None:
    assert broken(content) is None


def test_plain_sql_is_complete_or_incomplete() -> None:
    assert broken(WHOLE, is_gzip=False) is None
    assert broken(TEXT, is_gzip=False) == "incomplete-dump"


def test_gzip_cut_anywhere_is_truncated() -> None:
    packed = gzip.compress(WHOLE)
    for end in [0, 2, 5, 9, 11, *range(100, len(packed) - 1, 997), len(packed) - 9, len(packed) - 1]:
        assert broken(packed[:end]) == "truncated", end


def test_complete_gzip_of_an_incomplete_dump() -> None:
    assert broken(gzip.compress(TEXT)) == "incomplete-dump"


def test_closing_comment_in_the_middle_does_not_count() -> None:
    assert broken(gzip.compress(WHOLE + TEXT)) == "incomplete-dump"


@pytest.mark.parametrize(
    "content", [WHOLE, b"<Error>denied</Error>", zlib.compress(WHOLE)], ids=["plain", "a-page", "zlib"]
)
def test_other_formats_than_gzip(content: bytes) -> None:
    assert broken(content) == "not-gzip"


def test_changed_byte_is_damage() -> None:
    packed = bytearray(gzip.compress(WHOLE))
    packed[len(packed) // 2] ^= 0xFF
    facts = inspect(io.BytesIO(bytes(packed)), is_gzip=True)
    assert facts.broken == "not-gzip"
    assert facts.what.startswith("it is damaged")


def test_wrong_checksum_is_damage() -> None:
    packed = bytearray(gzip.compress(WHOLE))
    packed[-6] ^= 0xFF
    assert broken(bytes(packed)) == "not-gzip"


def test_archive_of_pg_dump_cannot_be_checked_without_pg_restore(tmp_path: Path) -> None:
    with pytest.raises(NoReading) as reported:
        inspect(io.BytesIO(b"PGDMP\x01\x0e"), is_gzip=False, programs=tmp_path)
    assert reported.value.kind == "other-format"
    assert "pg_restore" in reported.value.reason


def test_gzip_bomb_takes_no_memory_and_ends_in_time() -> None:
    bomb = gzip.compress(bytes(1 << 26))
    token = current.set(Deadline(0.2))
    try:
        with pytest.raises(NoReading) as reported:
            inspect(io.BytesIO(bomb * 400), is_gzip=True)
        assert reported.value.kind == "deadline"
    finally:
        current.reset(token)


def test_bytes_are_counted_compressed_and_plain() -> None:
    packed = gzip.compress(WHOLE)
    facts = inspect(io.BytesIO(packed), is_gzip=True)
    assert (facts.packed, facts.plain) == (len(packed), len(WHOLE))
    facts = inspect(io.BytesIO(WHOLE), is_gzip=False)
    assert (facts.packed, facts.plain) == (len(WHOLE), len(WHOLE))
    facts = inspect(io.BytesIO(gzip.compress(TEXT)), is_gzip=True)
    assert facts.plain == len(TEXT)


def test_gzip_is_recognised_under_any_name() -> None:
    assert broken(gzip.compress(WHOLE), is_gzip=False) is None
    assert broken(gzip.compress(TEXT), is_gzip=False) == "incomplete-dump"


def test_nothing_at_all_is_truncated() -> None:
    assert [broken(b"", is_gzip=is_gzip) for is_gzip in (True, False)] == ["truncated", "truncated"]


@pytest.mark.parametrize(("behind", "reported"), [(3900, None), (4200, "incomplete-dump")])
def test_closing_comment_is_near_the_end(behind: int, reported: str | None) -> None:
    assert broken(WHOLE + b"\n" * behind, is_gzip=False) == reported
    assert broken(gzip.compress(WHOLE + b"\n" * behind)) == reported
