"""Have these files been read before, unchanged?

Reading YAML and validating it takes longer than everything else at start-up. What came out is kept beside
the project, keyed by the content of every file it came from and of the code that reads them.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from runbook_checks.config.runbook import Symptom
from runbook_checks.locations import SUITE, cache_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runbook_checks.config.load import Files

CACHE = cache_folder() / "runbooks"


def load(path: Path, own: Mapping[str, type | None] | None = None) -> Files:
    """Everything an environment file leads to, from the cache where nothing changed; BadFile with all mistakes.

    own  as config.load.read takes it; with it nothing is cached: its classes are the team's
    """
    if own:
        from runbook_checks.config.load import read

        return read(path, own)
    slot = CACHE / f"{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:32]}.pickle"
    cached = _cached(slot)
    if cached is not None:
        return cached
    from runbook_checks.config.load import read

    files = read(path)
    _keep(slot, files)
    return files


def _cached(slot: Path) -> Files | None:
    try:
        # A cache that somebody else could have written is not trusted: unpickling runs what it holds.
        if slot.stat().st_uid != os.getuid() or CACHE.stat().st_mode & 0o022:
            return None
        sources, key, files = pickle.loads(slot.read_bytes())  # noqa: S301 - our own file, see above
    except Exception:
        return None
    return files if key == _key(sources) else None


def _keep(slot: Path, files: Files) -> None:
    sources = [str(source) for source in files.sources]
    with suppress(OSError):
        CACHE.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = _key(sources)
        with tempfile.NamedTemporaryFile(dir=CACHE, delete=False) as stream:
            stream.write(pickle.dumps((sources, key, files)))
        Path(stream.name).replace(slot)


def _key(sources: list[str]) -> str:
    digest = hashlib.sha256(f"{sys.version} {Symptom.__module__}".encode())
    code = sorted(Path(__file__).parent.rglob("*.py"))
    texts = sorted((SUITE / "runbooks").glob("**/*.yaml"))
    for path in (*map(Path, sources), *texts):
        digest.update(f"{path}\0".encode() + _bytes(path))
    for path in code:
        state = path.stat()
        digest.update(f"{path} {state.st_mtime_ns} {state.st_size}\0".encode())
    return digest.hexdigest()


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b"absent"
