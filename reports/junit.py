"""The run as JUnit XML: pytest's own, which it writes to a path and nowhere else."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from _pytest.junitxml import xml_key

if TYPE_CHECKING:
    import pytest


def text(config: pytest.Config) -> str:
    """What pytest would write, by way of a private file, and then doesn't; nothing where its plugin is switched off."""
    log = config.stash.get(xml_key, None)
    if log is None:
        return ""
    with tempfile.TemporaryDirectory() as private:
        log.logfile = os.path.join(private, "junit.xml")
        try:
            log.pytest_sessionfinish()
            made = Path(log.logfile).read_text(encoding="utf-8")
        finally:
            log.logfile = os.devnull
    config.pluginmanager.unregister(log)
    del config.stash[xml_key]
    return made
