"""The process that listens on a port of this host, with listeners of the test."""

from __future__ import annotations

import os
import socket

import psutil
import pytest

from runbook_checks.probes.core.reading import Reading
from runbook_checks.probes.host.process import holder
from tests.misbehaving.server import refusing_port


def listening(host: str) -> socket.socket:
    return socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET)


@pytest.mark.parametrize(
    ("listens", "asked", "clashes"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "localhost", True),
        ("127.0.0.1", "0.0.0.0", True),  # noqa: S104  looked up, not listened on
        ("127.0.0.1", "", True),
        ("127.0.0.1", "127.0.0.2", False),
        ("0.0.0.0", "127.0.0.2", True),  # noqa: S104
    ],
)
def test_listener_blocks_others_on_overlapping_addresses(
    listens: str, asked: str, clashes: bool, entries: list[Reading]
) -> None:
    with listening(listens) as sock:
        found = holder(asked, sock.getsockname()[1])
        assert (found is not None) == clashes
        if found:
            own = psutil.Process()
            assert (found.pid, found.name) == (os.getpid(), own.name())
            assert found.program == os.path.basename(own.cmdline()[0])
            assert entries[-1].facts["pid"] == os.getpid()


def test_bound_socket_without_listen_holds_nothing() -> None:
    with refusing_port() as port:
        assert holder("127.0.0.1", port) is None
    with listening("127.0.0.1") as sock:
        port = sock.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            assert holder("127.0.0.1", client.getsockname()[1]) is None, "an open connection"
