"""`runbook-checks compare ENV OLD_URL NEW_URL [OPTION...]`: blue and green, or a canary.

Checks the old instance, then the new one with the old one as baseline: findings of both are reported but not counted,
so the exit code (as of the gate) says whether the new one is worse. Addresses are given as for --base-url,
[SYSTEM=]URL.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from runbook_checks.cli import gate
from runbook_checks.output.streams import USAGE

OCCASION = "postdeploy"
COMPARABLE = (0, 1, 10)


def main(words: list[str]) -> int:
    """Run both gates; the exit code of the second, or of the first if it gave no verdict."""
    if len(words) < 3:
        print("usage: runbook-checks compare ENV OLD_URL NEW_URL [OPTION...]", file=sys.stderr)
        return USAGE
    environment, old, new, *options = words
    out = Path(os.environ.get("GATE_OUT") or "gate")
    os.environ["GATE_OUT"] = str(out / "old")
    code = gate.main([OCCASION, environment, "--base-url", old, *options])
    if code not in COMPARABLE:
        return code
    baseline = str((out / "old" / "results.json").absolute())
    os.environ["GATE_OUT"] = str(out / "new")
    return gate.main([OCCASION, environment, "--base-url", new, "--baseline", baseline, *options])
