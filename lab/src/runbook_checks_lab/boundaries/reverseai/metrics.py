"""Limit on the share of executions that are not completed."""

from __future__ import annotations

from functools import partial

from runbook_checks_lab.boundaries.reverseai import boundary
from runbook_checks_lab.boundaries.states import rules

metrics = partial(rules, lambda lab: lab.reverseai.prometheus.behaviour)
boundary("slo.execution-success", "95.5-percent")(metrics(completed=0.955))
boundary("slo.execution-success", "94.5-percent", "low-success")(metrics(completed=0.945))
