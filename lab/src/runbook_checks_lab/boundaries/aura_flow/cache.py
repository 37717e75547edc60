"""Limits on the memory that Redis may use."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

from runbook_checks_lab.boundaries.aura_flow import boundary

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab
    from runbook_checks_lab.registry import Body


def _full(percent: float, policy: str = "noeviction") -> Body:
    """Set maxmemory so that `percent` of it is used."""

    def body(lab: Lab) -> Iterator[None]:
        redis = lab.aura_flow.redis
        used = _used(redis.run("INFO", "memory"))
        with redis.setting("maxmemory-policy", policy), redis.setting("maxmemory", str(int(used * 100 / percent))):
            yield

    return body


def _used(info: dict[str, int] | bytes) -> int:
    """Return the used bytes; the client library may or may not have parsed the reply."""
    if isinstance(info, dict):
        return info["used_memory"]
    return int(info.partition(b"used_memory:")[2].split()[0])


boundary("dependency.redis", "70-percent")(_full(70))
boundary("dependency.redis", "98-percent", "out-of-memory")(_full(98))
boundary("dependency.redis", "98-percent-and-evicts")(_full(98, "allkeys-lru"))


def _snapshot_fails(stops_writes: str) -> Body:
    def body(lab: Lab) -> Iterator[None]:
        """A folder stands where the snapshot would be written."""
        redis = lab.aura_flow.redis
        folder = redis.folder / "dump.rdb"
        folder.mkdir()
        (folder / "in-the-way").touch()
        with redis.setting("stop-writes-on-bgsave-error", stops_writes), redis.setting("save", "3600 1"):
            redis.run("BGSAVE")
            redis.until_saved("err")
            yield
            shutil.rmtree(folder)
            redis.run("BGSAVE")
            redis.until_saved("ok")
        (redis.folder / "dump.rdb").unlink()

    return body


boundary("dependency.redis", "snapshot-fails", "read-only")(_snapshot_fails("yes"))
boundary("dependency.redis", "snapshot-fails-and-writes-go-on")(_snapshot_fails("no"))
