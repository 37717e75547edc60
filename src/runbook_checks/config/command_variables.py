"""The variables that a user's command sees: those that programs, cluster tools and secret managers read.

A command is a reference ({command: ...}), logs.command or variables.command. It does not see a variable that the
environment file names by {env: NAME}, nor any other, unless `command_variables` lists it.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

USUAL = (
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "TMPDIR", "TZ", "LANG", "LANGUAGE", "LC_*", "XDG_*"),
    *("LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    *("DBUS_SESSION_BUS_ADDRESS", "SSH_AUTH_SOCK", "GNUPGHOME", "GPG_TTY", "CREDENTIALS_DIRECTORY"),
    *("KUBECONFIG", "KUBERNETES_*", "DOCKER_*", "CONTAINER_HOST", "JOURNAL_*", "SYSTEMD_*"),
    *("OP_*", "BW_*", "BWS_*", "VAULT_*", "BAO_*", "DOPPLER_*", "INFISICAL_*", "SOPS_*", "PASSWORD_STORE_*"),
    *("AWS_*", "AZURE_*", "GOOGLE_*", "CLOUDSDK_*", "GCLOUD_*"),
)
OF_PYTHON = re.compile("PYTHON[A-Z0-9]*")  # its own; a package index's password is another tool's


def visible(variables: Mapping[str, str], listed: Collection[str], named: Collection[str]) -> dict[str, str]:
    """What a command sees of these variables.

    listed  names that the environment file's `command_variables` gives to commands; `*` stands for any characters
    named   names that references of the environment file use
    """

    def is_usual(name: str) -> bool:
        return _fits(name, USUAL) or OF_PYTHON.fullmatch(name) is not None

    def is_seen(name: str) -> bool:
        return _fits(name, listed) or (is_usual(name) and name not in named)

    # Another thread may change the process's own variables meanwhile.
    seen = {name: variables.get(name) for name in [*variables] if is_seen(name)}
    return {name: value for name, value in seen.items() if value is not None}


def _fits(name: str, patterns: Collection[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
