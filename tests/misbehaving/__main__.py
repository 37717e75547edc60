"""Run one misbehaving server by hand: python -m tests.misbehaving NAME"""

from __future__ import annotations

import contextlib
import sys
import time

from tests.misbehaving import http, mysql, pages, postgres, tls  # noqa: F401 - they fill the registry
from tests.misbehaving.server import REGISTRY, FakeServer


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in REGISTRY:
        print("python -m tests.misbehaving NAME, with one of:", *sorted(REGISTRY), sep="\n  ")
        return 4
    with FakeServer(REGISTRY[arguments[0]]) as server, contextlib.suppress(KeyboardInterrupt):
        print(f"{arguments[0]} at {server.host}:{server.port}, Ctrl-C stops", flush=True)
        while True:
            time.sleep(3600)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
