"""Rows that normal operation leaves in ReverseAI's tables."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

from runbook_checks_lab.reverseai.names import DATABASE, WORKSPACES, schema_of

Rows = list[dict[str, Any]]

NODES = (("input", 4), ("llm", 900), ("database", 35), ("template", 6), ("output", 3))
EXECUTIONS, EVERY_S = 240, 45  # three hours of executions
ONE_IN = 60  # the share of executions that fail in normal operation
ORDINARY_FAILURE = "LLM provider answered 429: rate limit reached for requests"

JUST_BEGUN = f"UPDATE {DATABASE}.what_reverse_executions SET started_at = NOW(3) - INTERVAL 20 SECOND WHERE id = 1"  # noqa: S608


def at(seconds_ago: float) -> datetime:
    """Return a time without a zone: the server stores such times, in UTC."""
    return (datetime.now(UTC) - timedelta(seconds=seconds_ago)).replace(tzinfo=None)


def executions() -> tuple[Rows, Rows]:
    """Return executions and their node logs, the newest first; one of them is still running."""
    dice = random.Random(7)  # noqa: S311  rows, not secrets
    made: Rows = []
    nodes: Rows = []
    for number in range(EXECUTIONS):
        begun_s = 20 + number * EVERY_S
        failed = number % ONE_IN == ONE_IN // 2
        status = "running" if number == 0 else "failed" if failed else "completed"
        lasted = execution(nodes, number + 1, begun_s, status, dice)
        made.append(
            {
                "id": number + 1,
                "workspace_id": WORKSPACES[number % len(WORKSPACES)],
                "workflow_id": f"wf-{number % 9}",
                "status": status,
                "error_message": ORDINARY_FAILURE if failed else None,
                "started_at": at(begun_s),
                "completed_at": None if status == "running" else at(begun_s - lasted),
            }
        )
    return made, nodes


def execution(nodes: Rows, number: int, begun_s: float, status: str, dice: random.Random) -> float:
    """Add one execution's node logs and return their total duration (s)."""
    passed_s = 0.0
    for node_type, usual_ms in NODES:
        last = status != "completed" and node_type == "llm"
        state = "success" if not last else "running" if status == "running" else "error"
        duration_ms = round(usual_ms * dice.uniform(0.6, 1.6))
        nodes.append(
            {
                "execution_id": number,
                "node_id": f"{node_type}-1",
                "node_type": node_type,
                "status": state,
                "error": ORDINARY_FAILURE if state == "error" else None,
                "duration_ms": None if state == "running" else duration_ms,
                "started_at": at(begun_s - passed_s),
            }
        )
        passed_s += duration_ms / 1000
        if last:
            break
    return passed_s


def workspace_databases() -> Rows:
    rows: Rows = []
    for number, workspace in enumerate(WORKSPACES):
        born = at(86400 * (30 - number))
        rows.append(
            {
                "workspace_id": workspace,
                "db_name": schema_of(workspace),
                "status": "ready",
                "created_at": born,
                "updated_at": born + timedelta(seconds=40),
            }
        )
    return rows


def events() -> Rows:
    """Return events of visitors that reached a limit, as on any day, each from another source."""
    rows = []
    for number in range(36):
        kind = "runtime_rate_limited" if number % 3 else "runtime_risk_detected"
        payload = {
            "workspace_id": WORKSPACES[number % len(WORKSPACES)],
            "ip": f"203.0.113.{number + 1}",
            "session_id": f"s-{number:04d}",
            "path": "/run",
        }
        rows.append({"event_type": kind, "payload_json": json.dumps(payload), "created_at": at(120 + 300 * number)})
    return rows
