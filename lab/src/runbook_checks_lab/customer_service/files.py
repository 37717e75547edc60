"""Files on the service's host: backups, and what a rollback needs."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

HOUR_S = 3600


@dataclass(frozen=True)
class RollbackFiles:
    artefact: Path
    configuration: Path
    script: Path


def write_backups(folder: Path, newest_age_h: float) -> None:
    """Write one dump a day with the runbook's names; name and modification time match."""
    folder.mkdir(exist_ok=True)
    for day in range(3):
        at = time.time() - (newest_age_h + 24 * day) * HOUR_S
        name = time.strftime("ai_cs_backup_%Y%m%d_%H%M%S.sql", time.localtime(at))
        path = folder / name
        path.write_text("-- PostgreSQL database dump\n" + "INSERT INTO cs_sessions DEFAULT VALUES;\n" * 200)
        os.utime(path, (at, at))


def write_rollback_files(folder: Path) -> RollbackFiles:
    files = RollbackFiles(
        folder / "ai-customer-service-v1.0.0", folder / "ai-customer-service-v1.0.0.env", folder / "rollback.sh"
    )
    files.artefact.write_bytes(b"\x7fELF" + bytes(4096))
    files.artefact.chmod(0o755)
    files.configuration.write_text("AI_CS_RUNTIME_ENV=production\nAI_CS_POSTGRES_ENABLED=true\nAI_CS_LOG_LEVEL=info\n")
    files.script.write_text("#!/bin/sh\nset -eu\nln -sfn ai-customer-service-v1.0.0 current\n")
    files.script.chmod(0o755)
    return files


def remove_backups(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()
