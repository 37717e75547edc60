"""Start misbehaving servers, and close all their sockets afterwards."""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

Handler = Callable[["Visit"], None]
REGISTRY: dict[str, Handler] = {}


def misbehaves(name: str) -> Callable[[Handler], Handler]:
    def register(handler: Handler) -> Handler:
        REGISTRY[name] = handler
        return handler

    return register


class Visit:
    """One connection to a misbehaving server."""

    def __init__(self, sock: socket.socket, gone: threading.Event) -> None:
        self.sock = sock
        self._gone = gone

    def request(self) -> bytes:
        """Return one request with its body; unread data would reset the connection at its end."""
        seen = b""
        while b"\r\n\r\n" not in seen:
            block = self.sock.recv(65536)
            if not block:
                return seen
            seen += block
        head, _, body = seen.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        missing = int(length[1]) - len(body) if length else 0
        while missing > 0 and (block := self.sock.recv(missing)):
            seen += block
            missing -= len(block)
        return seen

    def exactly(self, size: int) -> bytes:
        """Return the next `size` bytes; ConnectionError if the client ends before."""
        seen = b""
        while len(seen) < size:
            block = self.sock.recv(size - len(seen))
            if not block:
                raise ConnectionError
            seen += block
        return seen

    def say(self, *parts: bytes | str) -> None:
        self.sock.sendall(b"".join(p.encode() if isinstance(p, str) else p for p in parts))

    def drip(self, text: bytes, every_s: float = 0.1) -> None:
        for byte in text:
            self.say(bytes([byte]))
            if self._gone.wait(every_s):
                return

    def stay_silent(self, for_s: float = 60.0) -> None:
        """Wait until the client hangs up, the server is stopped or the time is over; received data is discarded."""
        end = time.monotonic() + for_s
        self.sock.settimeout(0.05)
        while not self._gone.is_set() and time.monotonic() < end:
            try:
                if not self.sock.recv(65536):
                    return
            except TimeoutError:
                continue

    def reset(self) -> None:
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


class FakeServer:
    """A listening socket that handles each connection with one function in a thread."""

    def __init__(self, handler: Handler, host: str = "127.0.0.1", port: int = 0) -> None:
        self._handler = handler
        self._gone = threading.Event()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=256)
        self.host, self.port = self._listener.getsockname()[:2]
        self.visits = 0

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def __enter__(self) -> FakeServer:
        self._thread = threading.Thread(target=self._accept, name="misbehaving", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._gone.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._listener.close()
        with self._lock:
            for sock in self._open:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def open_connections(self) -> int:
        with self._lock:
            return len(self._open)

    def _accept(self) -> None:
        while not self._gone.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self.visits += 1
                self._open.add(sock)
            thread = threading.Thread(target=self._serve, args=(sock,), name="misbehaving visit", daemon=True)
            self._threads = [t for t in self._threads if t.is_alive()] + [thread]
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        try:
            with contextlib.suppress(OSError):
                self._handler(Visit(sock, self._gone))
        finally:
            with self._lock:
                self._open.discard(sock)
            sock.close()


class BlackHole:
    """An address at which connects neither succeed nor fail: its queue of connections is full."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((host, port))
        self._listener.listen(0)
        self.host, self.port = self._listener.getsockname()[:2]
        self._fillers: list[socket.socket] = []

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def __enter__(self) -> BlackHole:
        for _ in range(4):
            filler = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            filler.setblocking(False)
            filler.connect_ex((self.host, self.port))
            self._fillers.append(filler)
        time.sleep(0.05)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for sock in [*self._fillers, self._listener]:
            sock.close()


@contextmanager
def refusing_port(host: str = "127.0.0.1") -> Iterator[int]:
    """A port that refuses connections, and that no other process can use: it is bound but does not listen."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.bind((host, 0))
        yield int(sock.getsockname()[1])
