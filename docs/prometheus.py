"""Generate Prometheus' alert rules, their test, and the table of metrics from the list of symptoms."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from runbook_checks.config.remedy_commands import PLACEHOLDER
from runbook_checks.monitor.metrics import FAMILIES as OF_MONITOR
from runbook_checks.reports.metrics import FAMILIES as OF_RUN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runbook_checks.config.runbook import Symptom
    from runbook_checks.reports.metrics import Family

# How long a symptom must last. P1 to P3 must be found in at least two runs of a five-minute schedule.
FOR = {"P0": "2m", "P1": "6m", "P2": "11m", "P3": "31m"}
WHERE = "{{ $labels.system }}{{ with $labels.subject }} {{ . }}{{ end }}"
HEAD = "# Made by `python -m docs.generate` from runbooks/symptoms/.\n# {what}\n"
# Alerts about the monitor itself: name, expression, for, severity, summary.
OWN = (
    ("RunbookChecksSilent", "time() - max by (environment) (runbook_checks_run_timestamp_seconds) > 1800", "0m", "P1",
     "no run of the checks for {{ $labels.environment }} for half an hour"),
    ("RunbookChecksAbsent", "absent(runbook_checks_run_timestamp_seconds)", "30m", "P1",
     "no run of the checks is recorded"),
    ("RunbookChecksCannotLook", 'runbook_checks_root{symptom=~"unreadable:.+"} == 1', "11m", None,
     "{{ $labels.system }}: {{ $labels.symptom }}, results unknown"),
    ("RunbookChecksMonitorInTrouble", "runbook_checks_monitor_trouble == 1", "11m", "P1",
     "the monitor of {{ $labels.environment }} is failing"),
    ("RunbookChecksMessagesWait", "runbook_checks_monitor_deliveries_waiting > 0", "15m", "P1",
     "{{ $value }} messages about {{ $labels.environment }} are not delivered"),
    ("RunbookChecksCertificateExpires",
     "(runbook_checks_certificate_expiry_timestamp_seconds - time()) / 86400 < 14", "1h", "P2",
     "{{ $labels.address }}: the certificate has {{ $value | printf \"%.1f\" }} days left"),
)  # fmt: skip


def alert_name(symptom: str) -> str:
    """Return a symptom's alert name: DatabaseUnreachable for database.unreachable."""
    return "".join(word.capitalize() for word in re.split(r"[.-]", symptom))


def rules(texts: Mapping[str, Symptom]) -> str:
    """Return the alert rules: one for each symptom as a root cause, and those on the monitor."""
    areas: dict[str, list[dict[str, Any]]] = {}
    for name, text in sorted(texts.items()):
        areas.setdefault(name.split(".")[0], []).append(_rule(name, text))
    groups = [{"name": f"runbook-checks-{area}", "rules": found} for area, found in areas.items()]
    groups.append({"name": "runbook-checks", "rules": [_own(*own) for own in OWN]})
    what = "Only roots alert, so that one cause is one alert. Severity is a label."
    return HEAD.format(what=what) + _yaml({"groups": groups})


def _rule(name: str, text: Symptom) -> dict[str, Any]:
    return {
        "alert": alert_name(name),
        "expr": f'runbook_checks_root{{symptom="{name}"}} == 1',
        "for": FOR[text.severity],
        "annotations": {
            "summary": f"{WHERE}: {_plain(text.title)}",
            "description": _plain(text.why),
            "remedy": "".join(_remedies(text)) + "See the results of the run.",
        },
    }


def _remedies(text: Symptom) -> Iterator[str]:
    """Yield the remedy of each cause, shown only for the cause that was found."""
    for cause, described in text.causes.items():
        steps = "\n".join(_plain(step) for step in described.remedy)
        yield f'{{{{ if eq $labels.cause "{cause}" }}}}{steps}\n{{{{ end }}}}'


def _plain(text: str) -> str:
    """Return a sentence with its {placeholders} as <names>, and without template syntax."""
    return PLACEHOLDER.sub(r"<\1>", text).replace("{{", "{ {").replace("}}", "} }")


def _own(name: str, expression: str, lasting: str, severity: str | None, summary: str) -> dict[str, Any]:
    labels = {"labels": {"severity": severity}} if severity else {}
    return {"alert": name, "expr": expression, "for": lasting, **labels, "annotations": {"summary": summary}}


def rules_test(texts: Mapping[str, Symptom]) -> str:
    """Return a test for `promtool test rules`: every symptom is a root cause for an hour, then gone."""
    labels = 'environment="test",system="shop",severity="P1",subject="",cause="some"'
    names = [*texts, "unreadable:postgres"]
    alerts = [alert_name(name) for name in texts] + ["RunbookChecksCannotLook"]
    series = [
        {"series": f'runbook_checks_root{{{labels},symptom="{name}"}}', "values": "1x60 _x60"} for name in sorted(names)
    ]
    here = {"environment": "test"}
    series += [
        {"series": _series("runbook_checks_run_timestamp_seconds", here), "values": "0+60x60 3600x60"},
        {"series": _series("runbook_checks_monitor_trouble", here), "values": "1x60 0x60"},
        {"series": _series("runbook_checks_monitor_deliveries_waiting", here), "values": "0x60 3x60"},
        {"series": _series("runbook_checks_certificate_expiry_timestamp_seconds", here), "values": "1000000x120"},
    ]
    firing = 'sort_desc(count by (alertname) (ALERTS{alertstate="firing"}))'
    at_first = [*alerts, "RunbookChecksMonitorInTrouble"]
    later = ["RunbookChecksSilent", "RunbookChecksMessagesWait", "RunbookChecksCertificateExpires"]
    tests = [
        {"expr": firing, "eval_time": "1m", "exp_samples": []},
        {"expr": firing, "eval_time": "50m", "exp_samples": _each(at_first)},
        {"expr": firing, "eval_time": "118m", "exp_samples": _each(later)},
    ]
    one = {"interval": "1m", "input_series": series, "promql_expr_test": tests}
    none = {
        "interval": "1m",
        "input_series": [{"series": "up", "values": "1x60"}],
        "promql_expr_test": [{"expr": firing, "eval_time": "40m", "exp_samples": _each(["RunbookChecksAbsent"])}],
    }
    whole = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": [one, none]}
    return HEAD.format(what="Run it with `promtool test rules rules.test.yaml`.") + _yaml(whole)


def _series(name: str, labels: Mapping[str, str]) -> str:
    return f"{name}{{{','.join(f'{key}={value!r}' for key, value in labels.items())}}}".replace("'", '"')


def _each(names: list[str]) -> list[dict[str, Any]]:
    return [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in sorted(names)]


def _yaml(value: Any) -> str:
    return str(yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=110))


def table() -> str:
    """Return the table of metrics for docs/metrics.md."""
    head = "| metric | labels | meaning |\n|---|---|---|"
    return "\n".join([head, *(_row(family) for family in (*OF_RUN, *OF_MONITOR))])


def _row(family: Family) -> str:
    return f"| `{family.name}` | {', '.join(f'`{label}`' for label in family.labels)} | {family.help} |"
