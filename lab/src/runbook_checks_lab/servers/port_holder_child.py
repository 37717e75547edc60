"""Hold a port under a service's name; runs as its own process and imports the standard library only."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\nConnection: close\r\n\r\n"
ANSWER = HEAD + b'{"status":"UP"}'


def hold(name: str, port: int) -> None:
    Path("/proc/self/comm").write_text(name[:15])
    with socket.create_server(("127.0.0.1", port)) as server:
        while True:
            caller, _ = server.accept()
            with caller:
                caller.settimeout(1)
                try:
                    caller.recv(65536)
                    caller.sendall(ANSWER)
                except OSError:
                    continue


if __name__ == "__main__":
    hold(sys.argv[1], int(sys.argv[2]))
