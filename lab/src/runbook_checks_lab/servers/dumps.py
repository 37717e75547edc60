"""Daily dumps of a PostgreSQL database, in a folder or a bucket."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import time
from abc import ABC, abstractmethod
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from runbook_checks_lab.folders import cache_folder, key_of
from runbook_checks_lab.servers.postgres import find_binaries
from runbook_checks_lab.servers.unprivileged import launch_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runbook_checks_lab.servers.moto import Moto
    from runbook_checks_lab.servers.postgres import Postgres

DAYS, AGE_H, HOUR_S = 4, 2.0, 3600


def dump_of(postgres: Postgres, database: str, *options: str) -> bytes:
    """Return the output of pg_dump; cached for the same database, because pg_dump takes a while."""
    binaries = find_binaries()
    key = key_of(str(binaries), database, *options, *(made.sql for made in postgres.databases))
    kept = cache_folder() / f"dump-{key}.sql"
    if kept.is_file():
        return kept.read_bytes()
    launch = launch_for(binaries, "pg_dump", postgres.folder.parent)
    words = ["-h", str(postgres.folder), "-p", str(postgres.port), "-U", "postgres", *options, database]
    done = subprocess.run(
        launch.command("pg_dump", *words), user=launch.user, capture_output=True, check=False, cwd="/"
    )
    if done.returncode:
        raise OSError(f"pg_dump failed: {done.stderr.decode(errors='replace').strip()[-300:]}")
    _keep(kept, done.stdout)
    return done.stdout


def _keep(path: Path, content: bytes) -> None:
    half_made = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        half_made.write_bytes(content)
        half_made.rename(path)
    except OSError:
        half_made.unlink(missing_ok=True)


class DailyDumps(ABC):
    """Dumps of several days; `name` contains {day}."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.dump = b""
        self.without_rows = b""

    def fill(self, newest: bytes | None = None, age_h: float = AGE_H) -> None:
        """Write as many dumps as are kept; `newest` is the content of the newest file."""
        usual = gzip.compress(self.dump, mtime=0)
        self.fill_with([newest or usual, *[usual] * (DAYS - 1)], age_h)

    def fill_with(self, contents: Sequence[bytes], age_h: float = AGE_H) -> None:
        """Write these contents, one a day, the newest first."""
        self.clear()
        for day, content in enumerate(contents):
            at = time.time() - (age_h + 24 * day) * HOUR_S
            self.put(self.name.format(day=time.strftime("%Y%m%d", time.gmtime(at))), content, at)

    @abstractmethod
    def put(self, name: str, content: bytes, at: float) -> None: ...

    @abstractmethod
    def clear(self) -> None: ...


class DumpFolder(DailyDumps):
    def __init__(self, folder: Path, name: str) -> None:
        super().__init__(name)
        self.folder = folder
        folder.mkdir(exist_ok=True)

    def put(self, name: str, content: bytes, at: float) -> None:
        path = self.folder / name
        path.write_bytes(content)
        os.utime(path, (at, at))

    def clear(self) -> None:
        for path in self.folder.iterdir():
            path.unlink()


class DrillRecord:
    """The file in which the checks record a successful restore."""

    def __init__(self, path: Path, system: str) -> None:
        self.path, self._system = path, system

    def note(self, days_ago: float) -> None:
        at = datetime.now(UTC) - timedelta(days=days_ago)
        drill = {"at": at.isoformat(timespec="seconds"), "backup": "backup_of_then.sql.gz", "seconds": 41.0}
        self.path.write_text(json.dumps({"schema": 1, "drills": {self._system: drill}}))


class DumpBucket(DailyDumps):
    """Dumps in moto's S3. All objects are new there: only the name shows a dump's age."""

    def __init__(self, moto: Moto, bucket: str, prefix: str, name: str) -> None:
        super().__init__(name)
        self._moto, self.bucket, self.prefix = moto, bucket, prefix

    def make(self) -> None:
        self._moto.client("s3").create_bucket(Bucket=self.bucket)

    def put(self, name: str, content: bytes, at: float) -> None:  # noqa: ARG002
        self._moto.client("s3").put_object(Bucket=self.bucket, Key=self.prefix + name, Body=content)

    def clear(self) -> None:
        client = self._moto.client("s3")
        for entry in client.list_objects_v2(Bucket=self.bucket).get("Contents", []):
            client.delete_object(Bucket=self.bucket, Key=entry["Key"])

    def remove_bucket(self) -> None:
        self.clear()
        self._moto.client("s3").delete_bucket(Bucket=self.bucket)
