"""Limits on the duration and age of a command, and responses that show a missing address."""

from __future__ import annotations

from functools import partial

from runbook_checks_lab.boundaries.sales_ai import boundary
from runbook_checks_lab.boundaries.states import responds, rules
from runbook_checks_lab.faults.sales_ai import slack
from runbook_checks_lab.sales_ai.names import COMMANDS

_rules = partial(rules, lambda lab: lab.sales_ai.service.behaviour)
_responds = partial(responds, lambda lab: lab.sales_ai.service.behaviour, f"POST {COMMANDS}")

boundary("slack.no-response", "405", "endpoint-missing")(_responds(405, {}))
boundary("slack.no-response", "302", "None")(_responds(302, {}))
boundary("slack.no-response", "page", "unknown")(_responds(200, "<html><body>Sign in</body></html>"))
boundary("slack.no-response", "after-2.6-s")(_rules(command_delay_s=2.6))
# Slack's own limit is five minutes; a receiver that accepts ten minutes accepts replays.
boundary("slack.forgery-accepted", "8-min-allowed")(_rules(max_skew_s=480.0))
boundary("slack.forgery-accepted", "15-min-allowed", "stale-accepted")(_rules(max_skew_s=900.0))
boundary("slack.forgery-accepted", "another-secret", "unknown")(slack.another_signing_secret)
