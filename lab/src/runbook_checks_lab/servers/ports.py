"""Choose a port that will still be free later."""

from __future__ import annotations

import random
import socket

BELOW_EPHEMERAL = range(20_000, 32_000)  # Linux uses 32768-60999 for outgoing connections


def quiet_port() -> int:
    for port in random.sample(BELOW_EPHEMERAL, 200):
        with socket.socket() as sock:
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError("no free port between 20000 and 32000")
