"""A relay that delays each response of a TCP server by a fixed time."""

from __future__ import annotations

import heapq
import select
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def relayed(port: int, delay_ms: int) -> Iterator[int]:
    """Run a relay to the server at `port` that delays each response; yield the relay's port."""
    child = subprocess.Popen(
        [sys.executable, "-m", "bench.domains.slowly", str(port), str(delay_ms)], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert child.stdout
    try:
        yield int(child.stdout.readline())
    finally:
        child.kill()
        child.wait()


class Relay:
    """One thread with one epoll; data from the server waits in a heap."""

    def __init__(self, target: int, delay_s: float) -> None:
        self.target, self.delay_s = target, delay_s
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=8192)
        self.listening.setblocking(False)
        self.poll = select.epoll()
        self.poll.register(self.listening, select.EPOLLIN)
        self.other: dict[int, socket.socket] = {}
        self.own: dict[int, socket.socket] = {}
        self.servers: set[int] = set()
        self.late: list[tuple[float, int, socket.socket, bytes]] = []
        self.number = 0

    def run(self) -> None:
        print(self.listening.getsockname()[1], flush=True)
        while True:
            wait = max(0.0, self.late[0][0] - time.monotonic()) if self.late else -1
            for number, _ in self.poll.poll(wait):
                if number == self.listening.fileno():
                    self._accept()
                elif number in self.own:
                    self._pass(number)
            while self.late and self.late[0][0] <= time.monotonic():
                _, _, sock, data = heapq.heappop(self.late)
                self._send(sock, data)

    def _accept(self) -> None:
        try:
            while True:
                near, _ = self.listening.accept()
                far = socket.create_connection(("127.0.0.1", self.target))
                for one, other in ((near, far), (far, near)):
                    one.setblocking(False)
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self.own[one.fileno()], self.other[one.fileno()] = one, other
                    self.poll.register(one, select.EPOLLIN)
                self.servers.add(far.fileno())
        except BlockingIOError:
            pass

    def _pass(self, number: int) -> None:
        try:
            data = self.own[number].recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if number in self.servers:
            self.number += 1
            heapq.heappush(self.late, (time.monotonic() + self.delay_s, self.number, self.other[number], data))
            if not data:
                self.poll.unregister(number)
        else:
            self._send(self.other[number], data)
            if not data:
                self._close(number)

    def _send(self, sock: socket.socket, data: bytes) -> None:
        try:
            if data:
                sock.sendall(data)
            elif sock.fileno() >= 0:
                self._close(sock.fileno())
        except OSError:
            pass

    def _close(self, number: int) -> None:
        for sock in (self.own.get(number), self.other.get(number)):
            if sock is not None and sock.fileno() >= 0:
                found = sock.fileno()
                self.own.pop(found, None)
                self.other.pop(found, None)
                self.servers.discard(found)
                sock.close()


if __name__ == "__main__":
    Relay(int(sys.argv[1]), float(sys.argv[2]) / 1000).run()
