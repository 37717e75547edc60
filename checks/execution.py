"""Checks of workflow executions: stuck, failing, failing or slow nodes, without a result."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from runbook_checks import Found, symptom
from runbook_checks.handles.executions import Executions
from runbook_checks.handles.tables import first_fit, in_path

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST = 50  # executions with a finding each
SHOWN = 10  # ids in a sentence
LEAST_PART = 0.1  # of the failures: a rarer cause is left out


@symptom("execution.stuck")
def check_no_execution_is_stuck(executions: Executions) -> None:
    """A stuck execution blocks its user, and a worker that others need."""
    executions.require_use()
    stuck = executions.stuck()
    nodes = executions.nodes_of([row["id"] for row in stuck[:MOST]])
    Found.all(_stuck(executions, row, nodes.get(row["id"], []), len(stuck)) for row in stuck[:MOST])


def _stuck(executions: Executions, row: dict[str, Any], nodes: list[dict[str, Any]], count: int) -> Found:
    limit_min = executions.settings.stuck_min
    hanging = next((node for node in reversed(nodes) if node["status"] in executions.settings.node_running), None)
    at = f"in node {hanging['node_id']} ({hanging['node_type']})" if hanging else "and none of its nodes is running"
    return Found(
        "node-hanging" if hanging else "timed-out",
        seen=f"execution {row['id']} has been running for {row['age_s'] / 60:.0f} min, {at}",
        wanted=f"no longer than {limit_min:g} min",
        subject=f"execution {row['id']}",
        execution=in_path(row["id"]),
        age_min=round(row["age_s"] / 60),
        limit_min=limit_min,
        node=hanging["node_id"] if hanging else "none",
        node_type=hanging["node_type"] if hanging else "none",
        nodes_done=sum(node["status"] not in executions.settings.node_running for node in nodes),
        stuck=count,
        api=executions.api,
    )


@symptom("execution.failing")
def check_few_executions_fail(executions: Executions) -> None:
    """Every failed execution is work of a customer that was not done."""
    executions.require_use()
    rule = executions.settings
    finished, failed = executions.finished()
    percent = 100 * failed / finished if finished else 0.0
    if failed < rule.failing_least or percent <= rule.failing_percent:
        return
    groups = _by_cause(executions, executions.failed())
    looked_at = sum(len(rows) for rows in groups.values())
    Found.all(
        Found(
            cause,
            seen=f"{failed} of {finished} executions failed in {rule.window_min:g} min ({percent:.1f} %), "
            f"{len(rows)} of them with: {rows[0]['error'] or 'no message'}",
            wanted=f"at most {rule.failing_percent:g} %",
            percent=f"{percent:.1f}",
            failed=failed,
            finished=finished,
            count=len(rows),
            message=rows[0]["error"] or "no message",
            node=rows[0]["node"],
            ids=_ids(rows),
            limit_percent=rule.failing_percent,
            window_min=rule.window_min,
        )
        for cause, rows in sorted(groups.items(), key=lambda group: -len(group[1]))
        if len(rows) >= LEAST_PART * looked_at
    )


def _by_cause(executions: Executions, failed: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    nodes = executions.nodes_of([row["id"] for row in failed])
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in failed:
        broken = [node for node in nodes[row["id"]] if node["status"] in executions.settings.node_failed]
        texts = [f"{node['node_type']}: {node['error']}" for node in broken] or [row["error"]]
        # A node's own error is nearer to the cause than the execution's.
        cause = first_fit(executions.settings.causes, *texts) or first_fit(executions.settings.causes, row["error"])
        node = f"{broken[0]['node_id']} ({broken[0]['node_type']})" if broken else "none"
        error = (broken[0]["error"] if broken else "") or row["error"]
        groups[cause or "other"].append({"id": row["id"], "error": error, "node": node})
    return groups


@symptom("execution.node-errors")
def check_nodes_work(executions: Executions) -> None:
    """A node type that fails or is slow affects every workflow that uses it."""
    executions.require_use()
    Found.all(found for row in executions.by_node_type() for found in _node_troubles(executions, row))


def _node_troubles(executions: Executions, row: dict[str, Any]) -> Iterator[Found]:
    rule, kind, runs = executions.settings, row["node_type"], int(row["runs"])
    evidence = {"node_type": kind, "runs": runs, "window_min": rule.window_min}
    if row["errors"] > rule.node_errors:
        message = executions.common_error(kind) or "no message"
        yield Found(
            "failing-node",
            seen=f"{row['errors']} of {runs} runs of {kind} nodes failed in {rule.window_min:g} min: {message}",
            wanted=f"at most {rule.node_errors}",
            subject=kind,
            errors=int(row["errors"]),
            message=message,
            **evidence,
        )
    if row["slow"] > rule.slow_nodes:
        yield Found(
            "slow-node",
            seen=f"{row['slow']} of {runs} runs of {kind} nodes took over {rule.slow_node_ms / 1000:g} s, "
            f"the longest {row['longest_ms'] / 1000:.0f} s",
            wanted=f"at most {rule.slow_nodes}",
            subject=kind,
            slow=int(row["slow"]),
            limit_s=rule.slow_node_ms / 1000,
            longest_s=round(row["longest_ms"] / 1000),
            **evidence,
        )


@symptom("execution.empty-result")
def check_completed_executions_did_something(executions: Executions) -> None:
    """A completed execution without a result is a failure without an error."""
    executions.require_use()
    empty = executions.empty()
    Found.all(
        Found(
            "node-failed" if row["failed"] and not row["succeeded"] else "no-node-ran",
            seen=f"execution {row['id']} is completed after {row['took_ms']:.0f} ms: of {row['nodes']} nodes "
            f"{row['succeeded']} succeeded and {row['failed']} failed",
            wanted="a node that succeeded, and a duration above 0 ms",
            subject=f"execution {row['id']}",
            execution=in_path(row["id"]),
            nodes=int(row["nodes"]),
            failed=int(row["failed"]),
            took_ms=round(row["took_ms"]),
            empty=len(empty),
        )
        for row in empty[:MOST]
    )


def _ids(rows: list[dict[str, Any]]) -> str:
    more = f" and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
    return ", ".join(str(row["id"]) for row in rows[:SHOWN]) + more
