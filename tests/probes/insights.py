"""CloudWatch Logs Insights by its API reference: a query is started, polled, and finally has rows."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

from tests.misbehaving.http import whole
from tests.misbehaving.server import Handler, Visit

Row = tuple[str, float, str]  # group, time, text


def insights(
    rows: Sequence[Row],
    asked: list[dict[str, Any]],
    states: Sequence[str] = ("Complete",),
    calls: list[str] | None = None,
) -> Handler:
    """Each query passes through these states, and stays in the last of them."""
    left: list[str] = []

    def answer(action: str, reported: dict[str, Any]) -> dict[str, Any]:
        if action == "StartQuery":
            asked.append(reported)
            left[:] = states
            return {"queryId": str(len(asked))}
        if action == "StopQuery":
            return {"success": True}
        status = left.pop(0) if len(left) > 1 else left[0]
        return {"status": status, "results": _results(rows, asked[-1]["queryString"]) if status == "Complete" else []}

    def handle(visit: Visit) -> None:
        while seen := visit.request():
            head, _, body = seen.partition(b"\r\n\r\n")
            action = head.partition(b"X-Amz-Target: Logs_20140328.")[2].split(b"\r\n")[0].decode()
            if calls is not None:
                calls.append(action)
            said = json.dumps(answer(action, json.loads(body))).encode()
            visit.say(whole(said, "Content-Type: application/x-amz-json-1.1"))

    return handle


def _results(rows: Sequence[Row], query: str) -> list[list[dict[str, str]]]:
    if query.startswith("stats count"):
        return [_cells({"@log": f"123456789012:{group}", "entries": "1"}) for group in sorted({row[0] for row in rows})]
    return [_cells({"@timestamp": _stamp(at), "@message": said, "@log": group}) for group, at, said in rows]


def _cells(row: dict[str, str]) -> list[dict[str, str]]:
    return [{"field": name, "value": value} for name, value in row.items()]


def _stamp(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S.000", time.gmtime(at))
