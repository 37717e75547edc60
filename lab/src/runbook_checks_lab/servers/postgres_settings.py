"""PostgreSQL's settings in the lab: small, quick, and logging every statement."""

from __future__ import annotations

OLDEST = 15  # the first version with jsonlog
MAX_CONNECTIONS = 60
ADMIN_NAME = "runbook-checks-lab"

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": str(MAX_CONNECTIONS),
    "shared_buffers": "16MB",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "shared_preload_libraries": "pg_stat_statements",
    "jit": "off",
    "dynamic_shared_memory_type": "mmap",  # nothing in /dev/shm that remains after a kill
    "max_parallel_workers": "0",
    "logging_collector": "on",
    "log_destination": "jsonlog",
    "log_statement": "all",
    "log_filename": "postgres.log",
    "log_rotation_age": "0",
}


def settings_for(version: str) -> dict[str, str]:
    """Return the settings for a version such as: postgres (PostgreSQL) 18.6"""
    major = int(version.split()[2].split(".")[0])
    if major < OLDEST:
        raise OSError(f"PostgreSQL {OLDEST} or later is needed, this is {version.strip()}")
    return SETTINGS | ({"io_method": "sync"} if major >= 18 else {})
