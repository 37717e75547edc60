"""Chromium: where it is on this machine, and what it is to visit."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field

from runbook_checks.locations import tools_folder
from runbook_checks.probes.core.child_environment import clean
from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.net.far_ends import FarEnds

TOOLBOX = tools_folder()
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass(frozen=True)
class Chromium:
    """The browser, and the environment it needs."""

    path: str
    environment: dict[str, str] = field(repr=False)
    fonts: tuple[str, ...] = ()  # folders to find some in, where the machine may have none


@dataclass(frozen=True)
class Request:
    """What is visited, and how its host is found and trusted."""

    url: str
    timeout_s: float
    address: str | None = None  # of the page's host, where the browser is not to look it up itself
    pinned_keys: tuple[str, ...] = ()  # SHA-256 in hex of public keys believed in beside the browser's own authorities
    agent: str = ""
    headers: dict[str, str] = field(default_factory=dict, repr=False)  # to the page's own origin alone
    far_ends: FarEnds = field(default_factory=FarEnds)  # which addresses the page may refer to, beside its own host
    resolver: str | None = None  # for those
    sandbox: bool = True  # Chromium's own; as root there is none


def find(resource: str = "browser") -> Chromium:
    """The machine's Chromium, else the one unpacked into .toolbox; NoReading missing-tool without either."""
    own = next(filter(None, map(shutil.which, NAMES)), None)
    if own is not None:
        return Chromium(own, clean())
    root = TOOLBOX / "chromium"
    unpacked = root / "usr" / "lib" / "chromium" / "chromium"
    if unpacked.is_file():
        libraries = [path for place in ("usr/lib", "lib") for path in root.glob(f"{place}/**/*.so*")]
        folders = sorted({str(path.parent) for path in libraries})
        environment = clean(LD_LIBRARY_PATH=os.pathsep.join(folders))
        return Chromium(str(unpacked), environment, (str(root / "usr" / "share" / "fonts"), "/usr/share/fonts"))
    what = "there is no Chromium on PATH: install chromium (in a clone, `make set-up` with a network unpacks one)"
    raise NoReading(resource, what, kind="missing-tool")
