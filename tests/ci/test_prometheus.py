"""Prometheus' own tools accept the metrics and rules, and the dashboard queries existing metrics."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import yaml

from runbook_checks.config.load import read
from runbook_checks.monitor.metrics import FAMILIES as OF_MONITOR
from runbook_checks.reports.metrics import FAMILIES as OF_RUN
from tests.ci.tools import promtool, succeeds
from tests.harness import PROJECT, SYSTEM, LabClient

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RULES = PROJECT / "ci" / "prometheus" / "rules.yaml"
NAMES = {family.name for family in (*OF_RUN, *OF_MONITOR)}


def samples(text: str) -> dict[str, float]:
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


def test_metrics_of_a_run_pass_promtool_and_match_its_results(lab: LabClient, tmp_path: Path) -> None:
    path = tmp_path / "run.prom"
    with lab.fault("backup.stale:none"), lab.outage("log-file-missing"):
        ran = lab.check("--metrics", str(path))
    text = path.read_text()
    assert succeeds(promtool(), "check", "metrics", said=text) == ""
    assert set(re.findall(r"^# TYPE (\S+) gauge", text, re.MULTILINE)) == {family.name for family in OF_RUN}
    reported = samples(text)
    for name, result in ran.results.items():
        labels = f'environment="lab",outcome="{result["outcome"]}",severity="{result["severity"]}",symptom="{name}"'
        assert reported[f'runbook_checks_outcome{{{labels},system="{SYSTEM}"}}'] == 1
    roots = [key for key in reported if key.startswith("runbook_checks_root")]
    assert len(roots) == len(ran.document["roots"])
    assert any('symptom="unreadable:logs"' in key for key in roots)
    assert any('cause="none"' in key and 'symptom="backup.stale"' in key for key in roots)
    expiry = next(value for key, value in reported.items() if key.startswith("runbook_checks_certificate_expiry"))
    assert expiry > reported['runbook_checks_run_timestamp_seconds{environment="lab"}']


def test_rules_pass_promtool_and_its_tests() -> None:
    succeeds(promtool(), "check", "rules", RULES)
    succeeds(promtool(), "test", "rules", RULES.with_name("rules.test.yaml"))


def test_alert_carries_the_remedy_of_its_cause(tmp_path: Path) -> None:
    """One alert in full: its labels, and the annotations with the templates filled."""
    text = read(PROJECT / "environments" / "lab.yaml").texts["backup.stale"]
    steps = [re.sub(r"\{(\w+)\}", r"<\1>", step) for step in text.causes["none"].remedy]
    labels = {"environment": "e", "system": "shop", "severity": "P2", "cause": "none", "symptom": "backup.stale"}
    series = ",".join(f'{name}="{value}"' for name, value in labels.items())
    alert = {
        "exp_labels": labels,
        "exp_annotations": {
            "summary": f"shop: {text.title}",
            "description": text.why,
            "remedy": "\n".join([*steps, "See the results of the run."]),
        },
    }
    test = {
        "rule_files": [str(RULES)],
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": f"runbook_checks_root{{{series}}}", "values": "1x30"}],
                "alert_rule_test": [{"eval_time": "20m", "alertname": "BackupStale", "exp_alerts": [alert]}],
            }
        ],
    }
    (tmp_path / "test.yaml").write_text(yaml.safe_dump(test))
    succeeds(promtool(), "test", "rules", tmp_path / "test.yaml")


def expressions(panels: list[dict[str, Any]]) -> Iterator[str]:
    for panel in panels:
        yield from (target["expr"] for target in panel.get("targets", ()))
        yield from expressions(panel.get("panels", []))


def test_dashboard_queries_existing_metrics(tmp_path: Path) -> None:
    dashboard = json.loads((PROJECT / "ci" / "grafana" / "dashboard.json").read_text())
    asked = list(expressions(dashboard["panels"]))
    assert len(asked) > 10
    assert {name for text in asked for name in re.findall(r"\brunbook_checks_\w+", text)} <= NAMES
    numbers = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(numbers)) == len(numbers)
    # Written as rules, because promtool reads the same language there.
    rules = [{"record": f"panel:{number}", "expr": text} for number, text in enumerate(asked)]
    (tmp_path / "panels.yaml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    succeeds(promtool(), "check", "rules", tmp_path / "panels.yaml")


def test_rules_query_existing_metrics() -> None:
    assert set(re.findall(r"\brunbook_checks_\w+", RULES.read_text())) <= NAMES
