"""Settings of workflow executions: their tables, and the limits of their number and duration."""

from __future__ import annotations

from dataclasses import field

from runbook_checks.config.capabilities.rules import PositiveFloat, PositiveInt, patterns, settings


@settings
class Executions:
    """Workflow executions and the logs of their nodes, in the mysql database; there wherever that is given."""

    table: str
    """The table of executions: id, status, error_message, started_at, completed_at."""
    node_table: str
    """The table of node logs: execution_id, node_id, node_type, status, error, duration_ms, started_at."""
    stuck_min: PositiveFloat = 30
    """A running execution older than this is stuck."""
    window_min: PositiveFloat = 60
    """The window looked at, ending now."""
    quiet_h: PositiveFloat = 24
    """Within so many hours there must be an execution, or it is the wrong database."""
    failing_percent: PositiveFloat = 5
    """So many of the finished executions may fail."""
    failing_least: PositiveInt = 3
    """Fewer failed executions are no share of anything."""
    node_errors: PositiveInt = 5
    """So many errors of one type of node are tolerated in a window."""
    slow_node_ms: PositiveFloat = 30_000
    """A node that takes longer is slow."""
    slow_nodes: PositiveInt = 3
    """So many slow runs of one type of node are tolerated in a window."""
    node_running: list[str] = field(default_factory=lambda: ["running", "pending"])
    """The words for a node that is at work."""
    node_succeeded: list[str] = field(default_factory=lambda: ["success", "succeeded", "completed"])
    """The words for a node that came to a good end."""
    node_failed: list[str] = field(default_factory=lambda: ["error", "failed"])
    """The words for a node that came to a bad one."""
    causes: dict[str, list[str]] = field(default_factory=dict)
    """Cause to regular expressions of the error messages, or of 'NODE_TYPE: message', that tell it; first fit wins."""

    def __post_init__(self) -> None:
        patterns(causes=self.causes)
