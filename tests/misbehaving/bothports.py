"""A server with UDP and TCP on one port, and a thread for each."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self


class BothPorts:
    """Subclasses implement UDP and TCP; both loops end when their socket is closed."""

    def __init__(self) -> None:
        self._tcp = socket.create_server(("127.0.0.1", 0))
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(self._tcp.getsockname())
        self.address = f"127.0.0.1:{self._tcp.getsockname()[1]}"
        self._threads = [threading.Thread(target=run, daemon=True) for run in (self._by_udp, self._by_tcp)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for sock in (self._udp, self._tcp):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        for thread in self._threads:
            thread.join(2)

    def _by_udp(self) -> None:
        raise NotImplementedError

    def _by_tcp(self) -> None:
        raise NotImplementedError
