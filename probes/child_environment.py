"""The environment of the programs that we start: what any program needs to run, and none of our secrets.

A child that a far end takes over (a browser, a database server that restores a dump) finds nothing worth having.
"""

from __future__ import annotations

import os

NAMES = (
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TZ", "LANG", "LANGUAGE"),
    *("XDG_CACHE_HOME", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR"),
)
PREFIXES = ("LC_", "PYTHON")


def clean(**more: str) -> dict[str, str]:
    """The variables of this process that are on the list, and those given."""
    kept = {name: value for name, value in os.environ.items() if name in NAMES or name.startswith(PREFIXES)}
    return kept | more
