"""Keep a data directory as a template, and copy it for a run."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import psutil


def copy(source: Path, target: Path) -> None:
    """Copy with another process, which is faster while the lab's imports keep the interpreter busy."""
    subprocess.run(["cp", "-R", "-p", str(source), str(target)], check=True, capture_output=True)  # noqa: S607


def keep(data: Path, template: Path) -> None:
    """Copy and rename, so that an incomplete template is never used. If another process was first, its copy stays."""
    half_made = template.with_name(f"{template.name}.{os.getpid()}.tmp")
    try:
        template.parent.mkdir(parents=True, exist_ok=True)
        for other in template.parent.glob(f"{template.name}.*.tmp"):
            if not psutil.pid_exists(int(other.suffixes[-2][1:])):
                shutil.rmtree(other, ignore_errors=True)
        copy(data, half_made)
        half_made.rename(template)
    except (OSError, subprocess.CalledProcessError):
        shutil.rmtree(half_made, ignore_errors=True)
