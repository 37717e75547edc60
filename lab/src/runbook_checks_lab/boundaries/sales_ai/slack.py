"""How long may a command take, how old may it be, and which answers say that it isn't there?"""

from __future__ import annotations

from functools import partial

from runbook_checks_lab.boundaries.sales_ai import boundary
from runbook_checks_lab.boundaries.states import rules, says
from runbook_checks_lab.faults.sales_ai import slack
from runbook_checks_lab.sales_ai.names import COMMANDS

_rules = partial(rules, lambda lab: lab.sales_ai.service.behaviour)
_says = partial(says, lambda lab: lab.sales_ai.service.behaviour, f"POST {COMMANDS}")

boundary("slack.no-response", "405", "endpoint-missing")(_says(405, {}))
boundary("slack.no-response", "302", "None")(_says(302, {}))
boundary("slack.no-response", "page", "unknown")(_says(200, "<html><body>Sign in</body></html>"))
boundary("slack.no-response", "after-2.6-s")(_rules(command_delay_s=2.6))
# Five minutes are Slack's own limit; whoever takes what is ten minutes old takes replays.
boundary("slack.forgery-accepted", "8-min-allowed")(_rules(max_skew_s=480.0))
boundary("slack.forgery-accepted", "15-min-allowed", "stale-accepted")(_rules(max_skew_s=900.0))
boundary("slack.forgery-accepted", "another-secret", "unknown")(slack.another_signing_secret)
