"""Reserve a port, and make one that drops every packet."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

SO_ATTACH_FILTER = 26
BLACK_HOLE = "127.0.0.66"


def bound(port: int = 0, host: str = "127.0.0.1") -> socket.socket:
    """Bind without listening: with SO_REUSEPORT another socket can listen on the port; otherwise connects fail."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind((host, port))
    sock.setblocking(False)
    return sock


def drop_everything(sock: socket.socket) -> None:
    """Attach a one-instruction BPF program (`ret #0`): the kernel drops each SYN, so a connect never completes."""
    import ctypes
    import struct

    program = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", 1, ctypes.addressof(program)))


@contextlib.contextmanager
def black_hole(port: int) -> Iterator[str]:
    """Yield a loopback address at which the port neither accepts nor refuses."""
    with bound(port, BLACK_HOLE) as sock:
        drop_everything(sock)
        sock.listen(1)
        yield BLACK_HOLE
