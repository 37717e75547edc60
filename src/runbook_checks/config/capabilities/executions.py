"""Settings of workflow executions: their tables, and the limits of their number and duration."""

from __future__ import annotations

from dataclasses import field

from runbook_checks.config.capabilities.rules import PositiveFloat, PositiveInt, patterns, settings


@settings
class Executions:
    """Workflow executions and the logs of their nodes in the mysql database."""

    table: str
    """The table of executions: id, status, error_message, started_at, completed_at."""
    node_table: str
    """The table of node logs: execution_id, node_id, node_type, status, error, duration_ms, started_at."""
    stuck_min: PositiveFloat = 30
    """A running execution older than this is stuck."""
    window_min: PositiveFloat = 60
    """The window, ending now."""
    quiet_h: PositiveFloat = 24
    """Without an execution within so many hours it is the wrong database."""
    failing_percent: PositiveFloat = 5
    """The share of finished executions that may fail."""
    failing_least: PositiveInt = 3
    """Fewer failed executions are not judged."""
    node_errors: PositiveInt = 5
    """The number of errors of one node type that are tolerated in a window."""
    slow_node_ms: PositiveFloat = 30_000
    """A node that takes longer is slow."""
    slow_nodes: PositiveInt = 3
    """The number of slow runs of one node type that are tolerated in a window."""
    node_running: list[str] = field(default_factory=lambda: ["running", "pending"])
    """The states of a running node."""
    node_succeeded: list[str] = field(default_factory=lambda: ["success", "succeeded", "completed"])
    """The states of a node that succeeded."""
    node_failed: list[str] = field(default_factory=lambda: ["error", "failed"])
    """The states of a node that failed."""
    causes: dict[str, list[str]] = field(default_factory=dict)
    """Cause to regular expressions of its error messages, or of 'NODE_TYPE: message'; the first match counts."""

    def __post_init__(self) -> None:
        patterns(causes=self.causes)
