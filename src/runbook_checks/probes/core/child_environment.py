"""The environment of child processes: the variables that every program needs, and no secrets.

If a far end takes over a child (a browser, a database server that restores a dump), it finds no secret there.
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
    """Return the listed variables of this process, and the given ones."""
    # Another thread may change them at the same time.
    kept = {name: os.environ.get(name) for name in [*os.environ] if name in NAMES or FORMS.fullmatch(name)}
    return {name: value for name, value in kept.items() if value is not None} | more
