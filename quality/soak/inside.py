"""Make many runs within one process: quality.soak.inside RUNS SAMPLES [--env ...]

Users never do this. In separate processes, whatever a run leaves behind would end with the process: a thread, a socket,
a file, growing memory. The environments are used in turn. Samples are written to a file, one JSON object a line.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import time
from pathlib import Path

import pytest

from quality.soak.measures import of_this_process

GOOD = (0, 1, 10)


def main(runs: int, samples: Path, environments: list[str]) -> int:
    with samples.open("w") as file:
        for number in range(1, runs + 1):
            begun, said = time.monotonic(), io.StringIO()
            with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                code = pytest.main(environments[number % len(environments)].split("\n"))
            if code not in GOOD or "Traceback" in said.getvalue():
                print(f"run {number} ended with {code}:\n{said.getvalue()}", file=sys.stderr)
                return 1
            took = round(time.monotonic() - begun, 3)
            file.write(json.dumps({"run": number, "code": int(code), "took_s": took, **of_this_process()}) + "\n")
            file.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]))
