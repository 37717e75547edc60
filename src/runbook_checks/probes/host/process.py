"""Find the process of this host that listens on an address."""

from __future__ import annotations

from dataclasses import dataclass

import psutil

from runbook_checks.probes.core.deadline import within
from runbook_checks.probes.core.reading import NoReading, reading
from runbook_checks.probes.net.resolve import resolve

RESOURCE = "host"
RESOLVE_S = 4.0
ANY = ("0.0.0.0", "::", "")  # noqa: S104 - compared with, not listened on


@dataclass(frozen=True)
class Holder:
    """The listening process. `pid` is None and the names are empty if only its owner or root may see it."""

    pid: int | None
    name: str
    program: str  # the program's file name, from its command line


def holder(host: str, port: int) -> Holder | None:
    """The process that listens on host and port, or None."""
    with reading(f"who listens on {host or '*'}:{port}") as facts:
        try:
            connections = psutil.net_connections("tcp")
        except (psutil.AccessDenied, OSError) as error:
            raise NoReading(
                RESOURCE, f"the sockets of this host can't be listed: {error}", kind="no-privilege"
            ) from None
        addresses = _addresses(host)
        for connection in connections:
            if connection.status != psutil.CONN_LISTEN or not connection.laddr or connection.laddr.port != port:
                continue
            if addresses is None or connection.laddr.ip in (*ANY, *addresses):
                found = _holder(connection.pid)
                facts.update(pid=found.pid, name=found.name)
                return found
        facts["holder"] = None
        return None


def _addresses(host: str) -> list[str] | None:
    """The host's addresses; None if a listener on any address conflicts."""
    return None if host in ANY else resolve(host, deadline=within(RESOLVE_S), resource=RESOURCE)


def _holder(pid: int | None) -> Holder:
    if pid is None:
        return Holder(None, "", "")
    try:
        process = psutil.Process(pid)
        words = process.cmdline()
        return Holder(pid, process.name(), words[0].rsplit("/", 1)[-1] if words else "")
    except psutil.Error:
        return Holder(pid, "", "")
