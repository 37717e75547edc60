"""Measure the memory of a whole run over many domains: pytest as users start it, and an API that lists the domains."""

from __future__ import annotations

import datetime as dt
import http.server
import json
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bench.domains.world import BASE, world
from bench.measuring import PROJECT, NotMeasured

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from bench.domains.world import Domain, World

A_WORKSPACE = 500
# A separate process in between: a child's largest resident set includes that of the process that forked it.
WATCHED = """
import os, sys
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(child, 0)
sys.stderr.write(f"\\n{usage.ru_maxrss}\\n")
sys.exit(os.waitstatus_to_exitcode(status))
"""
SYMPTOMS = {
    "cname-wrong": "domain.cname-wrong",
    "expired": "domain.certificate-expired",
    "wrong-host": "domain.certificate-invalid",
}
ENVIRONMENT = """\
name: bench
tier: development
systems:
  reverseai:
    ca_file: {ca_file}
    resolver: {resolver}
    http: {{base_url: "{api}"}}
    domains:
      api: {{workspaces: {workspaces}}}
      base_host: {base}
      port: {port}
"""


def peak_mb(folder: Path, count: int) -> float:
    """Return the largest resident set of `pytest -m domain`, in MB; its findings must match the domains' state.

    The second run is measured: the first reads and compiles the files, which needs additional memory.
    """
    with world(folder, count) as among, _api(among.domains) as api:
        environment = folder / "bench.yaml"
        environment.write_text(_environment(among, api))
        results = folder / "results.json"
        words = [sys.executable, "-m", "pytest", "--env", str(environment), "-m", "domain", "--results", str(results)]
        variables = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "CHECKS_"))}
        for _ in range(2):
            done = subprocess.run(
                [sys.executable, "-c", WATCHED, *words],
                cwd=PROJECT,
                env={**variables, "CHECKS_OUT": str(folder / "out")},
                capture_output=True,
                text=True,
                check=False,
            )
        if done.returncode != 1:
            raise NotMeasured(f"pytest over {count} domains: exit code {done.returncode}\n{done.stdout[-1500:]}")
        _require_verdicts(json.loads(results.read_text()), among.domains)
    return int(done.stderr.split()[-1]) / 1024


def _environment(among: World, api: str) -> str:
    workspaces = [f"w{n}" for n in range(-(-len(among.domains) // A_WORKSPACE))]
    return ENVIRONMENT.format(
        ca_file=among.ca_file,
        resolver=among.resolver,
        api=api,
        workspaces=json.dumps(workspaces),
        base=BASE,
        port=among.port,
    )


def _require_verdicts(document: dict[str, Any], listed: Sequence[Domain]) -> None:
    found = {r["symptom"]: {f["subject"] for f in r["findings"]} for r in document["results"]}
    symptoms = {
        "cname-wrong": "domain.cname-wrong",
        "expired": "domain.certificate-expired",
        "wrong-host": "domain.certificate-invalid",
    }
    for wrong, symptom in symptoms.items():
        wanted = {domain.name for domain in listed if domain.wrong == wrong}
        if found.get(symptom) != wanted:
            raise NotMeasured(f"{symptom}: found {len(found.get(symptom, ()))} domains instead of {len(wanted)}")


@contextmanager
def _api(listed: Sequence[Domain]) -> Iterator[str]:
    """Serve the API that lists the domains, one workspace at a time; yield its address."""

    class Api(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            number = int(self.path.split("/")[4].removeprefix("w"))
            rows = [_row(domain, number) for domain in listed[number * A_WORKSPACE : (number + 1) * A_WORKSPACE]]
            body = json.dumps({"domains": rows}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def _in_days(days: float) -> str:
    return (dt.datetime.now(dt.UTC) + dt.timedelta(days=days)).isoformat()


def _row(domain: Domain, number: int) -> dict[str, Any]:
    return {
        "id": domain.token,
        "domain": domain.name,
        "status": "active",
        "verification_token": domain.token,
        "verification_attempts": 1,
        "ssl_status": "issued",
        "ssl_issued_at": _in_days(-30),
        "ssl_expires_at": _in_days(-2 if domain.wrong == "expired" else 60),
        "created_at": "2026-01-01T00:00:00Z",
        "verified_at": "2026-01-01T01:00:00Z",
        "workspace_id": f"w{number}",
    }
