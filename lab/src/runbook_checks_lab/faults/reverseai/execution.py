"""Executions that hang, fail, are slow, or end without a result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from runbook_checks_lab.faults.reverseai import fault, system
from runbook_checks_lab.reverseai.names import DATABASE, WORKSPACES
from runbook_checks_lab.reverseai.seeds import at

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab

FIRST = 9_000_001  # ids of executions that a fault adds
MINUTE_S = 60.0

Node = tuple[str, str, str | None, int | None]  # type, status, error, duration


def executions(
    lab: Lab, count: int, status: str, error: str | None, nodes: Sequence[Node], *, first: int = 0, **times: float
) -> Iterator[None]:
    """Add executions, each with these node logs, that began `began_s` ago and lasted `lasted_s`."""
    server = system(lab).mariadb
    began_s, lasted_s = times.get("began_s", 5 * MINUTE_S), times.get("lasted_s", 2.0)
    first += FIRST
    ids = range(first, first + count)
    logs = [_log(n, number, node, began_s) for n in ids for number, node in enumerate(nodes)]
    if count:
        rows = [_execution(n, status, error, began_s, lasted_s) for n in ids]
        server.insert(f"{DATABASE}.what_reverse_executions", rows)
    if logs:
        server.insert(f"{DATABASE}.what_reverse_node_logs", logs)
    yield
    added = f"BETWEEN {first} AND {first + count}"
    server.run(
        f"DELETE FROM {DATABASE}.what_reverse_executions WHERE id {added}",  # noqa: S608  constants
        f"DELETE FROM {DATABASE}.what_reverse_node_logs WHERE execution_id {added}",  # noqa: S608
    )


def _execution(number: int, status: str, error: str | None, began_s: float, lasted_s: float) -> dict[str, Any]:
    return {
        "id": number,
        "workspace_id": WORKSPACES[number % len(WORKSPACES)],
        "workflow_id": "wf-77",
        "status": status,
        "error_message": error,
        "started_at": at(began_s),
        "completed_at": None if status == "running" else at(began_s - lasted_s),
    }


def _log(execution: int, number: int, node: Node, began_s: float) -> dict[str, Any]:
    kind, status, error, duration_ms = node
    return {
        "execution_id": execution,
        "node_id": f"{kind}-{number + 1}",
        "node_type": kind,
        "status": status,
        "error": error,
        "duration_ms": duration_ms,
        "started_at": at(began_s - number / 10),
    }


@fault("execution.stuck", cause="timed-out")
def never_ended(lab: Lab) -> Iterator[None]:
    nodes: list[Node] = [("input", "success", None, 4), ("llm", "success", None, 900)]
    yield from executions(lab, 2, "running", None, nodes, began_s=47 * MINUTE_S)


@fault("execution.stuck", cause="node-hanging")
def node_never_answers(lab: Lab) -> Iterator[None]:
    nodes: list[Node] = [("input", "success", None, 4), ("http", "running", None, None)]
    yield from executions(lab, 2, "running", None, nodes, began_s=95 * MINUTE_S)


FAILURES: dict[str, tuple[str, Node]] = {
    "timeout": ("Execution timed out after 300 s", ("transform", "error", "timed out after 300000 ms", 300_000)),
    "llm-provider": ("Node llm-1 failed", ("llm", "error", "provider answered 503: model is overloaded", 800)),
    "database-node": ("Node database-1 failed", ("database", "error", "connection pool exhausted after 5 s", 5000)),
    "unresolved-variable": ("Node template-1 failed", ("template", "error", "variable {{order.id}} is not defined", 3)),
    "other": ("Segmentation fault in sandbox", ("code", "error", "sandbox exited with signal 11", 12)),
}

for _cause, (_message, _node) in FAILURES.items():

    @fault("execution.failing", cause=_cause)
    def many_fail(lab: Lab, message: str = _message, node: Node = _node) -> Iterator[None]:
        yield from executions(lab, 14, "failed", message, [("input", "success", None, 4), node])


@fault("execution.node-errors", cause="failing-node")
def node_fails_and_workflows_go_on(lab: Lab) -> Iterator[None]:
    """The workflow continues after errors."""
    nodes: list[Node] = [("http", "error", "upstream answered 502", 40), ("output", "success", None, 3)]
    yield from executions(lab, 9, "completed", None, nodes)


@fault("execution.node-errors", cause="slow-node")
def node_drags(lab: Lab) -> Iterator[None]:
    yield from executions(lab, 6, "completed", None, [("http", "success", None, 48_000)], lasted_s=48.0)


@fault("execution.empty-result", cause="no-node-ran")
def never_ran(lab: Lab) -> Iterator[None]:
    yield from executions(lab, 2, "completed", None, [], lasted_s=0.0)


@fault("execution.empty-result", cause="node-failed")
def error_was_swallowed(lab: Lab) -> Iterator[None]:
    yield from executions(lab, 2, "completed", None, [("llm", "error", "empty completion", 700)])
