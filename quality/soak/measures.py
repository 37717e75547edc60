"""Count what is open, running and left behind, here and at the far end: numbers that must not grow."""

from __future__ import annotations

import gc
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

if TYPE_CHECKING:
    from psycopg import Connection

Sample = dict[str, Any]


def of_this_process() -> Sample:
    """Count between two runs: nothing counted here is needed by the next run."""
    gc.collect()
    process = psutil.Process()
    kinds = [os.readlink(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd") if _is_there(name)]
    return {
        "rss_kib": process.memory_info().rss >> 10,
        "files": sum(not kind.startswith(("socket:", "pipe:", "anon_inode:")) for kind in kinds),
        "sockets": sum(kind.startswith("socket:") for kind in kinds),
        "pipes": sum(kind.startswith(("pipe:", "anon_inode:")) for kind in kinds),
        "threads": threading.active_count(),
        "children": len(process.children()),
        "runs_kept": sum(isinstance(thing, pytest.Session) for thing in gc.get_objects()),
    }


def _is_there(name: str) -> bool:
    return os.path.lexists(f"/proc/self/fd/{name}")


def of_the_far_end(lab: psutil.Process, database: Connection[Any], temporary: Path, out: Path) -> Sample:
    """Count connections, locks, memory and temporary files of the lab and its machine.

    The connection to its database is reused: a new one would itself be counted when it is closed.
    """
    found = database.execute(
        "SELECT (SELECT count(*) FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid()),"
        " (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'),"
        " (SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%')"
    ).fetchone()
    sessions, locks, idle = found or (0, 0, 0)
    family = [lab, *lab.children(recursive=True)]
    opened = [c for process in family for c in _connections(process)]
    return {
        "sessions": sessions,
        "advisory_locks": locks,
        "idle_transactions": idle,
        "established": sum(c.status == psutil.CONN_ESTABLISHED for c in opened),
        "close_wait": sum(c.status == psutil.CONN_CLOSE_WAIT for c in opened),
        "lab_processes": len(family),
        "lab_threads": lab.num_threads(),
        "lab_rss_kib": lab.memory_info().rss >> 10,
        "zombies": sum(map(_is_zombie, psutil.Process().children(recursive=True))),
        "temporary": sum(1 for _ in temporary.rglob("*")),
        "folders": sum(1 for _ in out.glob("2*")),
    }


def _connections(process: psutil.Process) -> list[Any]:
    try:
        return list(process.net_connections("inet"))
    except psutil.Error:
        return []


def _is_zombie(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
