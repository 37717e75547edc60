"""The monitor's metrics for Prometheus, in a file and through a Pushgateway."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

from tests.ci.test_prometheus import samples
from tests.ci.tools import promtool, succeeds
from tests.harness import SYSTEM
from tests.monitor.stage import MIDNIGHT, Stage, Trouble

if TYPE_CHECKING:
    import pytest

DOWN = [Trouble("health.unreachable", 0, 60)]


def test_metrics_pass_promtool_and_have_the_start_time(stage: Stage) -> None:
    stage.environment["monitoring"]["metrics"] = "checks.prom"
    stage.write()
    stage.receivers.down = {"pager"}
    for minute in (0, 1, 2):
        stage.go(minute, DOWN)
    text = (stage.folder / "checks.prom").read_text()
    assert succeeds(promtool(), "check", "metrics", said=text) == ""
    reported = samples(text)
    assert reported['runbook_checks_monitor_round_timestamp_seconds{environment="stage"}'] == MIDNIGHT.timestamp() + 120
    assert reported['runbook_checks_monitor_deliveries_waiting{environment="stage"}'] == 1
    assert reported['runbook_checks_monitor_trouble{environment="stage"}'] == 1
    [since] = [key for key in reported if key.startswith("runbook_checks_monitor_incident_start")]
    assert f'severity="P0",subject="",symptom="health.unreachable",system="{SYSTEM}"' in since
    assert reported[since] == MIDNIGHT.timestamp()


def test_pushed_metrics_replace_the_previous_ones(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    got: list[tuple[str, str, str]] = []

    class Gateway(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            got.append(
                (self.path, self.headers["Content-Type"], self.rfile.read(int(self.headers["Content-Length"])).decode())
            )
            self.send_response(202)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    server = HTTPServer(("127.0.0.1", 0), Gateway)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    monkeypatch.setenv("STAGE_PUSH", f"http://127.0.0.1:{server.server_address[1]}/")
    stage.environment["monitoring"]["push"] = {"env": "STAGE_PUSH"}
    stage.write()
    assert stage.go(0, []) == 0
    server.shutdown()
    server.server_close()
    [(path, kind, text)] = got
    assert path == "/metrics/job/runbook_checks/environment/stage"
    assert kind.startswith("text/plain; version=0.0.4")
    assert "runbook_checks_monitor_trouble" in text
    assert stage.go(1, []) == 1, "an unreachable gateway is an error of the monitor"
