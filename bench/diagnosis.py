"""What does it cost to have a check where five lines of shell would do?"""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

from bench.goals import Figures, Goal
from bench.measuring import PROJECT, Command, NotMeasured, in_turns
from tests.harness import started_lab

if TYPE_CHECKING:
    from pathlib import Path

ROUNDS = 15
TOOLS = ("bash", "curl", "psql", "openssl")
CHECKS = (
    "checks/health.py::check_live",
    "checks/health.py::check_ready",
    "checks/health.py::check_overall_health",
    "checks/migration.py::check_tables_exist",
    "checks/webhook.py::check_signed_delivery_gets_through",
)
_ENVIRONMENT = """\
name: diagnosis
tier: production
effects: refused
systems:
  ai-customer-service:
    http: {base_url: {env: BENCH_URL}}
    postgres: {dsn: {env: BENCH_DSN}}
    webhook: {secret: {env: BENCH_SECRET}}
"""


def measure(folder: Path, *, rounds: int = ROUNDS) -> Figures:
    """Three health addresses, one look into the database and one signed delivery: as checks, and as a script."""
    absent = [tool for tool in TOOLS if shutil.which(tool) is None]
    if absent:
        raise NotMeasured(f"the script needs {', '.join(absent)}, which this machine doesn't have")
    environment = folder / "diagnosis.yaml"
    environment.write_text(_ENVIRONMENT)
    with started_lab(folder) as lab:
        variables = {
            "BENCH_URL": lab.variables["LAB_CS_DIRECT_URL"],
            "BENCH_DSN": lab.variables["LAB_CS_MONITOR_DSN"].replace("@db.lab.test:", "@127.0.0.1:"),
            "BENCH_SECRET": lab.variables["LAB_CS_WEBHOOK_SECRET"],
        }
        words = (
            sys.executable,
            "-m",
            "runbook_checks.cli.main",
            "--env",
            str(environment),
            "--out",
            str(folder / "out"),
            *CHECKS,
        )
        checks = Command("runbook-checks, five checks", words, variables=variables)
        script = Command("bench/diagnosis.sh", ("bash", str(PROJECT / "bench" / "diagnosis.sh")), variables=variables)
        in_turns([checks, script], rounds)
    return Figures([checks, script], [Goal.against("five checks against the script", checks, script, 4.5)])
