"""The run as JUnit XML: pytest's own, which it writes to a path and nowhere else."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from _pytest.junitxml import LogXML, xml_key

if TYPE_CHECKING:
    import pytest


def take_over(config: pytest.Config) -> LogXML | None:
    """What pytest has gathered, so that it writes nothing itself; None where its plugin is switched off."""
    log = config.stash.get(xml_key, None)
    if log is not None:
        log.logfile = os.devnull  # this end of the session it still hears of
        config.pluginmanager.unregister(log)
        del config.stash[xml_key]
    return log


def text(log: LogXML | None) -> str:
    """What pytest would write, by way of a private file."""
    if log is None:
        return ""
    with tempfile.TemporaryDirectory() as private:
        log.logfile = os.path.join(private, "junit.xml")
        try:
            log.pytest_sessionfinish()
            return Path(log.logfile).read_text(encoding="utf-8")
        finally:
            log.logfile = os.devnull
