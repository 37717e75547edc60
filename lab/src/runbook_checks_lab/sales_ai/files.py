"""Files that a rollback needs on the deploying machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RollbackFiles:
    artefact: Path
    configuration: Path
    script: Path


def write_rollback_files(folder: Path) -> RollbackFiles:
    """Write them to their own folder, as a deployment leaves the previous bundle."""
    previous = folder / "previous"
    previous.mkdir(exist_ok=True)
    files = RollbackFiles(previous / "queue-worker.js", previous / "wrangler.toml", previous / "rollback.sh")
    files.artefact.write_text(
        "export default { async queue(batch, env) { for (const m of batch.messages) m.ack(); } };\n"
    )
    files.configuration.write_text('name = "queue-worker"\nmain = "queue-worker.js"\n')
    files.script.write_text("#!/bin/sh\nset -eu\nwrangler rollback --name queue-worker\n")
    files.script.chmod(0o755)
    return files
