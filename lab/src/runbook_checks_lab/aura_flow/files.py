"""Files on Aura Flow's host that a rollback needs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

REPOSITORY, PREVIOUS_TAG = "aura-flow-backend", "previous"


@dataclass(frozen=True)
class RollbackFiles:
    configuration: Path
    script: Path


def write_rollback_files(folder: Path) -> RollbackFiles:
    """Write the files as the previous deployment left them."""
    way = folder / "deploy"
    way.mkdir(exist_ok=True)
    files = RollbackFiles(way / ".env.production.previous", way / "rollback.sh")
    files.configuration.write_text("NODE_ENV=production\nCORS_ORIGIN=https://aura.lab.test\nJWT_EXPIRES_IN=1h\n")
    files.configuration.chmod(0o600)
    tags = f"{REPOSITORY}:{PREVIOUS_TAG} {REPOSITORY}:latest"
    files.script.write_text(f"#!/bin/sh\nset -eu\ndocker tag {tags}\ndocker-compose up -d\n")
    files.script.chmod(0o755)
    return files
