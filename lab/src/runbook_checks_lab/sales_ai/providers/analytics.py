"""Cloudflare's analytics of a queue, by minute and grouped as requested."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from starlette.responses import Response

    from runbook_checks_lab.sales_ai.providers.cloudflare_rules import CloudflareBehaviour

MINUTE = timedelta(minutes=1)
_NODE = re.compile(r"(?:(?P<alias>\w+)\s*:\s*)?(?P<name>\w+Groups)\s*\((?P<arguments>(?:[^(){}]|\{[^{}]*\})*)\)\s*\{")
_VARIABLE = re.compile(r"(\w+)\s*:\s*\$(\w+)")
Row = dict[str, Any]


def answer(asked: dict[str, Any], rules: CloudflareBehaviour, queue_id: str) -> Response:
    nodes: dict[str, list[Row]] = {}
    for node in _NODE.finditer(asked["query"]):
        maker = DATASETS.get(node["name"])
        if maker is None:
            message = f'unknown field "{node["name"]}"'
            return JSONResponse({"data": None, "errors": [{"message": message, "path": None, "extensions": {}}]})
        variables = asked.get("variables", {})
        given = {name: variables.get(variable) for name, variable in _VARIABLE.findall(node["arguments"])}
        is_ours = given.get("queueId") == queue_id and not rules.is_unsampled
        wanted = re.search(r"dimensions\s*\{([^}]*)\}", asked["query"][node.end() :])
        minutes = list(_minutes(given["datetime_geq"], given["datetime_leq"])) if is_ours else []
        nodes[node["alias"] or node["name"]] = list(maker(rules, minutes, wanted[1].split() if wanted else []))
    return JSONResponse({"data": {"viewer": {"accounts": [nodes]}}, "errors": None})


def _minutes(since: str, until: str) -> Iterator[datetime]:
    begin, end = (datetime.fromisoformat(text) for text in (since, until))
    minute = begin.replace(second=0, microsecond=0)
    while minute < end:
        if minute >= begin:
            yield minute
        minute += MINUTE


def _stamp(minute: datetime) -> str:
    return minute.strftime("%Y-%m-%dT%H:%M:%SZ")


def _backlog(rules: CloudflareBehaviour, minutes: list[datetime], wanted: list[str]) -> Iterator[Row]:
    now = datetime.now(UTC)
    values = [max(0.0, rules.backlog - rules.growth_a_minute * ((now - m) / MINUTE)) for m in minutes]
    if "datetimeMinute" not in wanted:
        mean = sum(values) / len(values) if values else 0.0
        values, minutes = ([mean], minutes[:1]) if values else ([], [])
    for minute, value in zip(minutes, values, strict=True):
        dimensions = {"datetimeMinute": _stamp(minute)} if "datetimeMinute" in wanted else {}
        yield {"avg": {"messages": value, "bytes": value * 310}, "dimensions": dimensions}


def _operations(rules: CloudflareBehaviour, minutes: list[datetime], wanted: list[str]) -> Iterator[Row]:
    kinds = [("WriteMessage", "", "written"), ("ReadMessage", "", "read")]
    kinds += [("DeleteMessage", outcome, outcome) for outcome in ("success", "fail", "dlq")]
    for action, outcome, name in kinds:
        count = rules.a_minute.get(name, 0) * len(minutes)
        if not count:
            continue  # a group without members is not in the response
        values = {
            "actionType": action,
            "outcome": outcome,
            "consumerType": "worker" if action != "WriteMessage" else "",
        }
        dimensions = {key: value for key, value in values.items() if key in wanted}
        yield {
            "count": count,
            "avg": {"lagTime": rules.oldest_age_s * 500, "retryCount": 0.1},
            "dimensions": dimensions,
        }


def _concurrency(rules: CloudflareBehaviour, minutes: list[datetime], _: list[str]) -> Iterator[Row]:
    if minutes and rules.a_minute.get("read"):
        yield {"avg": {"concurrency": 2.0}, "dimensions": {}}


DATASETS = {
    "queueBacklogAdaptiveGroups": _backlog,
    "queueMessageOperationsAdaptiveGroups": _operations,
    "queueConsumerMetricsAdaptiveGroups": _concurrency,
}
