"""The servers that all systems of the lab share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runbook_checks_lab.servers.asgi import HttpServer
from runbook_checks_lab.servers.authority import Authority
from runbook_checks_lab.servers.dns import Dns
from runbook_checks_lab.servers.moto import Moto

if TYPE_CHECKING:
    from runbook_checks_lab.folders import RunFolder


class SharedServers:
    """The name server, the certificate authority, moto and the control server; passed to each system."""

    def __init__(self, run: RunFolder) -> None:
        self.run = run
        self.dns = Dns()
        self.control = HttpServer(is_noted=False)
        self.authority = Authority(run.sub("certificates"))
        self.authority.aia_url = f"http://127.0.0.1:{self.control.port}/pki/intermediate.crt"
        self.moto = Moto(run.sub("moto"), self.authority.context)
