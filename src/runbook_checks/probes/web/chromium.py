"""Find Chromium on this machine, and describe a visit."""

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
    """The browser, and the environment that it needs."""

    path: str
    environment: dict[str, str] = field(repr=False)
    fonts: tuple[str, ...] = ()  # folders with fonts, for a machine without any


@dataclass(frozen=True)
class Request:
    """The address of a visit, and how its host is resolved and verified."""

    url: str
    timeout_s: float
    address: str | None = None  # of the page's host, if the browser must not resolve it
    pinned_keys: tuple[str, ...] = ()  # SHA-256 in hex of public keys to trust beside the browser's own authorities
    agent: str = ""
    headers: dict[str, str] = field(default_factory=dict, repr=False)  # sent to the page's own origin only
    far_ends: FarEnds = field(default_factory=FarEnds)  # which addresses the page may refer to, beside its own host
    resolver: str | None = None  # for those
    sandbox: bool = True  # Chromium's own; root has to run without it
    paint_s: float = 0.0  # how long after the load the first paint is waited for


def find(resource: str = "browser") -> Chromium:
    """The Chromium on PATH, else the one in .toolbox; NoReading missing-tool without either."""
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
