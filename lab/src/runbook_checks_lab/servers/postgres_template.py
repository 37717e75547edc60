"""Create a data directory quickly: a template is made once and copied for every run."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from runbook_checks_lab.folders import cache_folder, key_of
from runbook_checks_lab.servers import templates
from runbook_checks_lab.servers.unprivileged import Launch

INITDB = ["--username=postgres", "--auth=trust", "--no-locale", "--encoding=UTF8", "--no-sync", "--wal-segsize=1"]


def version_of(launch: Launch) -> str:
    return _output(launch, "postgres", "--version")


def data_directory(launch: Launch, version: str, target: Path, databases: Sequence[tuple[str, str]]) -> None:
    """Copy the template; without one, create the directory and keep a copy as the next run's template."""
    template = cache_folder() / f"postgres-{key_of('2', version, *(part for pair in databases for part in pair))}"
    if template.is_dir() and os.access(template / "PG_VERSION", os.R_OK):
        templates.copy(template, target)
        return
    _make(launch, target, databases)
    templates.keep(target, template)


def _make(launch: Launch, target: Path, databases: Sequence[tuple[str, str]]) -> None:
    target.mkdir(mode=0o700)
    launch.own(target)
    _output(launch, "initdb", *INITDB, "-D", str(target))
    # Single-user mode would continue the object ids of the system catalogs: pg_dump omits such objects, and row-level
    # security does not apply to them.
    _output(launch, "pg_resetwal", "--next-oid=20000", "-D", str(target))
    creations = "\n\n".join(f"CREATE DATABASE {name} STRATEGY=FILE_COPY;" for name, _ in databases)
    _single_user(launch, target, "postgres", creations)
    for name, sql in databases:
        _single_user(launch, target, name, sql)


def _single_user(launch: Launch, data: Path, database: str, sql: str) -> None:
    """Run SQL without a postmaster; statements end in a semicolon and an empty line (`-j`)."""
    settings = ["-c", "exit_on_error=true", "-c", "fsync=off", "-c", "log_checkpoints=off"]
    _output(launch, "postgres", "--single", "-j", "-D", str(data), *settings, database, given=sql + "\n\n")


def _output(launch: Launch, binary: str, *arguments: str, given: str = "") -> str:
    command = launch.command(binary, *arguments)
    done = subprocess.run(
        command,
        input=given,
        capture_output=True,
        text=True,
        user=launch.user,
        check=False,
        cwd="/",
        start_new_session=True,  # Ctrl-C goes to the lab: initdb stops at SIGINT even if the lab ignores it
    )
    if done.returncode:
        raise OSError(f"{binary} failed: {(done.stderr or done.stdout).strip()[-500:]}")
    return done.stdout
