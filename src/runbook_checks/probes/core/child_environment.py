"""The environment of the programs that we start: what any program needs to run, and none of our secrets.

A child that a far end takes over (a browser, a database server that restores a dump) finds nothing worth having.
"""

from __future__ import annotations

import os
import re

NAMES = (
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TZ", "LANG", "LANGUAGE"),
    *("XDG_CACHE_HOME", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR"),
)
FORMS = re.compile("LC_[A-Z]+|PYTHON[A-Z0-9]*")  # of locales and of Python itself


def clean(**more: str) -> dict[str, str]:
    """The variables of this process that are on the list, and those given."""
    # Another thread may change them meanwhile.
    kept = {name: os.environ.get(name) for name in [*os.environ] if name in NAMES or FORMS.fullmatch(name)}
    return {name: value for name, value in kept.items() if value is not None} | more
