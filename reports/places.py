"""Where does a run's own folder lie, and can the files be written that somebody named?"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

RUN_FOLDER = re.compile(r"\d{8}T\d{6}-[0-9a-f]{6}")
KEPT_RUNS = 100
OUT = Path(__file__).resolve().parent / "out"
NAMED = ("results", "markdown", "metrics")  # options that name a file


def named_files(config: pytest.Config) -> Iterator[tuple[str, Path]]:
    """Each option that names a file to write, with where that is."""
    for option in NAMED:
        given = getattr(config.option, option)
        if given:
            yield option, config.invocation_params.dir / given


def require_writable(config: pytest.Config) -> None:
    """Refuse a file that can't be written before any check ran, not after."""
    for option, path in named_files(config):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.is_dir():
                raise IsADirectoryError(0, "it is a folder")
            tempfile.TemporaryFile(dir=path.parent).close()
        except OSError as error:
            raise pytest.UsageError(f"--{option} {path} can't be written: {error.strerror}") from None


def own_folder(config: pytest.Config, run: Any) -> Path | None:
    """The run's own folder, made; without one the run goes on, and says so."""
    named = config.option.out or os.environ.get("CHECKS_OUT")
    base = config.invocation_params.dir / named if named else OUT
    folder = base / str(run.id)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        run.notes.append(f"no reports folder: {base} can't be written: {error.strerror} (--out FOLDER names another)")
        return None
    return folder


def as_typed(path: Path) -> str:
    """A path as a person here would type it."""
    with suppress(ValueError):
        return str(path.relative_to(Path.cwd()))
    return str(path)


def point_latest(folder: Path) -> None:
    """reports/out/latest, moved over in one step: two runs at once leave one of them, never none."""
    link = folder.parent / "latest"
    spare = folder.parent / f".latest-{folder.name}"
    with suppress(OSError):
        spare.symlink_to(folder.name, target_is_directory=True)
        spare.replace(link)


def forget_old_runs(base: Path) -> None:
    """A run every minute would fill the disk; only folders named as ours are touched."""
    runs = sorted(path for path in base.iterdir() if RUN_FOLDER.fullmatch(path.name))
    for old in runs[:-KEPT_RUNS]:
        shutil.rmtree(old, ignore_errors=True)
