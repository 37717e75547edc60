"""Generate the Grafana dashboard from the list of symptoms."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from runbook_checks.monitor import metrics as of_monitor
from runbook_checks.reports import metrics as of_run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runbook_checks.config.runbook import Symptom

SOURCE = {"type": "prometheus", "uid": "${datasource}"}
HERE = 'environment=~"$environment"'
CHOSEN = f'{HERE},system=~"$system"'
LATE = ((0, "green"), (900, "orange"), (1800, "red"))
ANY = ((0, "green"), (1, "red"))


def dashboard(texts: Mapping[str, Symptom]) -> str:
    """Return the dashboard: what is wrong now, what expires, the history, and a row of symptoms for each area."""
    panels = _top()
    height = 26
    for area in sorted({name.split(".")[0] for name in texts}):
        names = [name for name in texts if name.split(".")[0] == area]
        panels += _area(area, names, height)
        height += 1
    for number, panel in enumerate(panels, 1):
        panel["id"] = number
    whole = {
        "uid": "runbook-checks",
        "title": "Runbook checks",
        "tags": ["runbook-checks"],
        "timezone": "utc",
        "schemaVersion": 39,
        "refresh": "1m",
        "time": {"from": "now-24h", "to": "now"},
        "templating": {"list": [_datasource(), _variable("environment"), _variable("system")]},
        "panels": panels,
    }
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def _top() -> list[dict[str, Any]]:
    root, outcome = f"{of_run.ROOT.name}{{{CHOSEN}}}", f"{of_run.OUTCOME.name}{{{CHOSEN}}}"
    grave = f'count({of_run.ROOT.name}{{{CHOSEN},severity=~"P0|P1"}}) or vector(0)'
    age = f"time() - max({of_run.RUN_AT.name}{{{HERE}}})"
    waiting = f"sum({of_monitor.WAITING.name}{{{HERE}}})"
    left = f"sort(min by (system, address) (({of_run.EXPIRY.name}{{{CHOSEN}}} - time()) / 86400))"
    since = f"min by (system, symptom, subject, severity) ({of_monitor.OPEN_SINCE.name}{{{CHOSEN}}}) * 1000"
    slowest = f"topk(10, max by (system, symptom) ({of_run.DURATION.name}{{{CHOSEN}}}))"
    due = ((0, "red"), (14, "orange"), (30, "green"))
    return [
        _panel("stat", "P0 and P1 now", grave, (0, 0, 4, 6), thresholds=ANY),
        _panel("stat", "Age of the last run", age, (4, 0, 4, 6), unit="s", thresholds=LATE),
        _panel("stat", "Undelivered messages", waiting, (8, 0, 4, 6), thresholds=ANY),
        _panel("table", "Days until certificates expire", left, (12, 0, 12, 6), unit="d", thresholds=due),
        _panel("table", "Root causes now", f"{root} == 1", (0, 6, 12, 10)),
        _panel("table", "Open since", since, (12, 6, 12, 10), unit="dateTimeAsIso"),
        _panel("timeseries", "Checks by outcome", f"sum by (outcome) ({outcome})", (0, 16, 12, 10)),
        _panel("timeseries", "Slowest checks", slowest, (12, 16, 12, 10), unit="s"),
    ]


def _area(area: str, names: list[str], top: int) -> list[dict[str, Any]]:
    """Return a collapsed row: each symptom's state over time (0 clear, 1 unknown, 2 found)."""
    chosen = f'{CHOSEN},symptom=~"{"|".join(sorted(names))}"'.replace(".", "\\\\.")
    found = f'2 * max by (system, symptom) ({of_run.OUTCOME.name}{{{chosen},outcome="found"}})'
    unknown = f'max by (system, symptom) ({of_run.OUTCOME.name}{{{chosen},outcome="unknown"}})'
    panel = _panel("state-timeline", area, f"{found} + {unknown}", (0, top + 1, 24, 4 + len(names)))
    states = {"0": ("clear", "green"), "1": ("unknown", "yellow"), "2": ("found", "red")}
    options = {value: {"text": text, "color": colour} for value, (text, colour) in states.items()}
    panel["fieldConfig"]["defaults"]["mappings"] = [{"type": "value", "options": options}]
    panel["targets"][0]["legendFormat"] = "{{symptom}} {{system}}"
    grid = {"x": 0, "y": top, "w": 24, "h": 1}
    return [{"type": "row", "title": area, "collapsed": True, "gridPos": grid, "panels": [panel | {"id": 1000 + top}]}]


def _panel(
    kind: str,
    title: str,
    expression: str,
    place: tuple[int, int, int, int],
    unit: str = "none",
    thresholds: tuple[tuple[int, str], ...] = (),
) -> dict[str, Any]:
    steps = [{"value": value or None, "color": colour} for value, colour in thresholds]
    defaults: dict[str, Any] = {"unit": unit}
    if steps:
        defaults |= {"thresholds": {"mode": "absolute", "steps": steps}, "color": {"mode": "thresholds"}}
    instant = kind in ("table", "stat")
    target = {"refId": "A", "datasource": SOURCE, "expr": expression, "instant": instant, "range": not instant}
    return {
        "type": kind,
        "title": title,
        "datasource": SOURCE,
        "gridPos": dict(zip("xywh", place, strict=True)),
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "targets": [target | ({"format": "table"} if kind == "table" else {})],
    }


def _datasource() -> dict[str, Any]:
    return {"name": "datasource", "type": "datasource", "query": "prometheus"}


def _variable(label: str) -> dict[str, Any]:
    return {
        "name": label,
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": f"label_values({of_run.OUTCOME.name}, {label})", "refId": "A"},
        "multi": True,
        "includeAll": True,
        "refresh": 2,
        "current": {"text": "All", "value": "$__all"},
    }
