"""Dumps of each maker and compression: complete ones are clear, cut ones found, and what can't be read is unknown."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import subprocess
import tarfile
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.hostile.product import check, describe, must_be_orderly, outcomes
from tests.probes import pg

if TYPE_CHECKING:
    from pathlib import Path

BINARIES = pg.system_binaries()
CORRUPT, DRILL = "backup.corrupt", "backup.not-restorable"
ROWS = "INSERT INTO items SELECT n, md5(n::text) FROM generate_series(1, 3000) n"

# As MySQL 8.4 and MariaDB 11 begin and end them; MariaDB's sandbox line is older than its dump's name.
MYSQL = b"-- MySQL dump 10.13  Distrib 8.4.3, for Linux (x86_64)\n--\n%s-- Dump completed on 2026-11-30  1:02:03\n"
MARIADB = (
    b"/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump 10.19-11.4.4-MariaDB, for Linux (x86_64)\n%s"
    b"/*M!100616 SET NOTE_VERBOSITY=@OLD_NOTE_VERBOSITY */;\n\n-- Dump completed on 2026-11-30  1:02:03\n"
)
BODY = b"".join(b"INSERT INTO `items` VALUES (%d,'%s');\n" % (n, os.urandom(12).hex().encode()) for n in range(900))


@pytest.fixture(scope="module")
def postgres() -> dict[str, bytes]:
    """Return dumps by pg_dump of one database, in its formats."""
    if BINARIES is None:
        pytest.skip("no pg_dump available")
    server = pg.Server(BINARIES)
    try:
        server.start()
        server.run("CREATE TABLE items (id int, name text)", ROWS)
        return {kind: dumped(BINARIES, server.dsn(), kind) for kind in ("plain", "custom", "tar")}
    finally:
        server.stop()


def dumped(binaries: Path, dsn: str, kind: str) -> bytes:
    words = [str(binaries / "pg_dump"), f"--dbname={dsn}", f"--format={kind}"]
    return subprocess.run(words, check=True, capture_output=True, env={"PATH": os.defpath}).stdout


def zstd(content: bytes) -> bytes:
    return subprocess.run(["/usr/bin/zstd", "-q"], input=content, check=True, capture_output=True).stdout


def in_tar(content: bytes) -> bytes:
    """A directory of pg_dump in a tar."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        entry = tarfile.TarInfo("dump/toc.dat")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return made.getvalue()


def run(tmp_path: Path, dumps: dict[str, bytes], *arguments: str, **backups: Any) -> dict[str, str]:
    """Check one dump in each folder; return outcome by dump."""
    systems = {}
    for number, (name, content) in enumerate(dumps.items()):
        folder = tmp_path / f"folder-{number}"
        folder.mkdir()
        (folder / name).write_bytes(content)
        os.utime(folder / name, (time.time() - 3600,) * 2)
        (tmp_path / f"system-{number}.yaml").write_text(
            f"title: s{number}\nsymptoms: {{{CORRUPT}: {{}}, {DRILL}: {{}}}}\n"
        )
        runbook = {"runbook": f"system-{number}.yaml", "backups": {"folder": str(folder)} | backups}
        systems[f"system-{number}"] = runbook
    ran = check(tmp_path, systems, *arguments)
    must_be_orderly(ran)
    print("\n".join(describe(ran.of(name)) for name in systems))
    got = [next(iter(outcomes(ran.of(name)).values())) for name in systems]
    return dict(zip(dumps, got, strict=True))


def test_complete_dumps_are_clear(tmp_path: Path, postgres: dict[str, bytes]) -> None:
    plain, custom, mysql, mariadb = postgres["plain"], postgres["custom"], MYSQL % BODY, MARIADB % BODY
    dumps = {"d.sql": plain, "d.dump": custom, "d.tar": postgres["tar"], "d.dump.gz": gzip.compress(custom)}
    dumps |= {"d.sql.gz": gzip.compress(plain), "d.sql.bz2": bz2.compress(plain), "d.sql.xz": lzma.compress(plain)}
    dumps |= {
        "d.sql.zst": zstd(plain),
        "two.zst": zstd(plain[:999]) + zstd(plain[999:]),
        "two.bz2": bz2.compress(b"") * 2 + bz2.compress(plain),
    }
    dumps |= {"mysql.sql": mysql, "mysql.sql.gz": gzip.compress(mysql), "mariadb.sql.zst": zstd(mariadb)}
    assert run(tmp_path, dumps, "-m", "backup and not drill") == dict.fromkeys(dumps, "clear")


def test_cut_dumps_are_found(tmp_path: Path, postgres: dict[str, bytes]) -> None:
    plain, custom, mysql = postgres["plain"], postgres["custom"], MYSQL % BODY
    packed = {"bz2": bz2.compress(plain), "xz": lzma.compress(plain), "zst": zstd(plain), "dump": custom}
    cut = {f"d.{end}": content[: len(content) // 2] for end, content in packed.items()}
    cut |= {f"last.{end}": content[:-1] for end, content in packed.items() if end != "dump"}
    changed = {
        f"c.{end}": bytes([*content[:400], content[400] ^ 255, *content[401:]])
        for end, content in packed.items()
        if end != "dump"
    }
    ended = {"d.sql": plain[:-90], "mysql.sql": mysql[:-60], "mariadb.xz": lzma.compress((MARIADB % BODY)[:-60])}
    # One maker's closing line is not another's.
    ended["mixed.sql"] = plain[:-90] + b"\n-- Dump completed on 2026-11-30\n"
    wanted = dict.fromkeys(cut, "found:truncated") | dict.fromkeys(ended, "found:incomplete-dump")
    wanted |= dict.fromkeys(changed, "found:not-gzip")
    assert run(tmp_path, cut | ended | changed, "-m", "backup and not drill") == wanted


def test_what_cannot_be_read_is_unknown(tmp_path: Path, postgres: dict[str, bytes]) -> None:
    plain = postgres["plain"]
    gpg = ["gpg", "--homedir", str(tmp_path), "--batch", "--passphrase", "x", "--symmetric"]
    openssl = ["openssl", "enc", "-aes-256-cbc", "-pbkdf2", "-pass", "pass:x"]
    encrypted = {
        "d.gpg": subprocess.run(gpg, input=plain, check=True, capture_output=True).stdout,
        "d.asc": subprocess.run([*gpg, "--armor"], input=plain, check=True, capture_output=True).stdout,
        "d.enc": subprocess.run(openssl, input=plain, check=True, capture_output=True).stdout,
        "d.age": b"age-encryption.org/v1\n-> X25519 abc\n",
    }
    others = {"dir.tar": in_tar(b"PGDMP"), "dir.tar.gz": gzip.compress(in_tar(b"PGDMP"))}
    others |= {"shop.db": b"SQLite format 3\0" + bytes(4096), "lite.sql": b"PRAGMA foreign_keys=OFF;\nCOMMIT;\n"}
    others |= {"newer.dump": b"PGDMP\x01\x63" + postgres["custom"][7:], "skipped.sql": b"CREATE TABLE `a` (id int);\n"}
    dumps = encrypted | others
    assert run(tmp_path, dumps, "-m", "backup and not drill") == dict.fromkeys(dumps, "unknown")


def test_drill_restores_archives_of_pg_dump(tmp_path: Path, postgres: dict[str, bytes]) -> None:
    """The custom format is restored with pg_restore; dumps of MySQL are no failed restore."""
    custom = postgres["custom"]
    dumps = {"d.dump": custom, "d.dump.gz": gzip.compress(custom), "d.zst": zstd(postgres["plain"])}
    dumps |= {"cut.dump": custom[: len(custom) // 2], "mysql.sql": MYSQL % BODY, "d.tar": postgres["tar"]}
    drill = {"tables": ["items"], "roles": ["boss"], "record": str(tmp_path / "drills.json")}
    got = run(tmp_path, dumps, "-m", "drill", drill=drill)
    wanted = dict.fromkeys(("d.dump", "d.dump.gz", "d.zst", "d.tar"), "clear")
    assert got == wanted | {"cut.dump": "found:restore-error", "mysql.sql": "unknown"}
