"""Limits on the duration of executions and on failures, and the causes that are reported."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from runbook_checks_lab.boundaries.reverseai import boundary
from runbook_checks_lab.faults.reverseai import execution

if TYPE_CHECKING:
    from runbook_checks_lab.faults.reverseai.execution import Node
    from runbook_checks_lab.lab import Lab
    from runbook_checks_lab.registry import Body

MINUTE_S = execution.MINUTE_S
DONE: Node = ("input", "success", None, 4)
PROVIDER, TIMEOUT = execution.FAILURES["llm-provider"], execution.FAILURES["timeout"]


def _running(count: int, began_s: float) -> Body:
    def body(lab: Lab) -> Iterator[None]:
        yield from execution.executions(lab, count, "running", None, [DONE], began_s=began_s)

    return body


boundary("execution.stuck", "27-min")(_running(1, 27 * MINUTE_S))
boundary("execution.stuck", "33-min", "timed-out")(_running(1, 33 * MINUTE_S))
boundary("execution.stuck", "sixty", *["timed-out"] * 50)(_running(60, 33 * MINUTE_S))  # at most fifty are reported


def _ended(completed: int, failed: int, timed_out: int = 0) -> Body:
    """Add executions to the 80 of the last hour, of which two failed."""

    def body(lab: Lab) -> Iterator[None]:
        with (
            contextmanager(execution.executions)(lab, completed, "completed", None, [DONE], first=1000),
            contextmanager(execution.executions)(lab, timed_out, "failed", TIMEOUT[0], [DONE, TIMEOUT[1]], first=2000),
        ):
            yield from execution.executions(lab, failed, "failed", PROVIDER[0], [DONE, PROVIDER[1]])

    return body


boundary("execution.failing", "4-percent")(_ended(100, 6))
boundary("execution.failing", "7-percent", "llm-provider")(_ended(100, 13))
# A cause with less than a tenth of the failures is not reported.
boundary("execution.failing", "one-in-seven-timed-out", "llm-provider", "timeout")(_ended(0, 22, 4))
boundary("execution.failing", "one-in-twenty-timed-out", "llm-provider")(_ended(0, 22, 1))


def _nodes(count: int, node: Node) -> Body:
    def body(lab: Lab) -> Iterator[None]:
        yield from execution.executions(lab, count, "completed", None, [node, DONE], lasted_s=40.0)

    return body


# Every day has one or two errors of the provider, so these are errors of other nodes.
boundary("execution.node-errors", "five-errors")(_nodes(5, ("http", "error", "upstream answered 502", 40)))
boundary("execution.node-errors", "six-errors", "failing-node")(
    _nodes(6, ("http", "error", "upstream answered 502", 40))
)
boundary("execution.node-errors", "three-slow")(_nodes(3, ("http", "success", None, 31_000)))
boundary("execution.node-errors", "four-slow", "slow-node")(_nodes(4, ("http", "success", None, 31_000)))
boundary("execution.node-errors", "four-of-29-s")(_nodes(4, ("http", "success", None, 29_000)))


def _completed(*nodes: Node, lasted_s: float) -> Body:
    def body(lab: Lab) -> Iterator[None]:
        yield from execution.executions(lab, 1, "completed", None, nodes, lasted_s=lasted_s)

    return body


# One node that succeeded is enough, even in a millisecond.
boundary("execution.empty-result", "one-of-two-failed")(_completed(PROVIDER[1], DONE, lasted_s=2.0))
boundary("execution.empty-result", "in-a-millisecond")(_completed(DONE, lasted_s=0.001))
boundary("execution.empty-result", "in-no-time", "no-node-ran")(_completed(DONE, lasted_s=0.0))
