"""Run one misbehaving server by hand: python -m tests.zoo NAME"""

from __future__ import annotations

import contextlib
import sys
import time

from tests.zoo import http, mysql, pages, postgres, tls  # noqa: F401 - they fill the registry
from tests.zoo.beast import REGISTRY, Beast


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in REGISTRY:
        print("python -m tests.zoo NAME, with one of:", *sorted(REGISTRY), sep="\n  ")
        return 4
    with Beast(REGISTRY[arguments[0]]) as server, contextlib.suppress(KeyboardInterrupt):
        print(f"{arguments[0]} at {server.host}:{server.port}, Ctrl-C stops", flush=True)
        while True:
            time.sleep(3600)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
