"""How long may a command take, how old may it be, and which answers say that it isn't there?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.edges.sales_ai import edge
from lab.faults.sales_ai import slack
from lab.sales_ai.names import COMMANDS
from lab.servers.answers import Canned

if TYPE_CHECKING:
    from lab.lab import Lab
    from lab.registry import Body


def _rules(**values: Any) -> Body:
    def body(lab: Lab) -> None:
        vars(lab.sales_ai.service.behaviour).update(values)

    return body


def _says(status: int, answer: Any) -> Body:
    def body(lab: Lab) -> None:
        lab.sales_ai.service.behaviour.canned[f"POST {COMMANDS}"] = Canned(status, answer)

    return body


edge("slack.no-response", "405", "endpoint-missing")(_says(405, {}))
edge("slack.no-response", "302", "None")(_says(302, {}))
edge("slack.no-response", "page", "unknown")(_says(200, "<html><body>Sign in</body></html>"))
edge("slack.no-response", "after-2.6-s")(_rules(command_delay_s=2.6))
# Five minutes are Slack's own limit; whoever takes what is ten minutes old takes replays.
edge("slack.forgery-accepted", "8-min-allowed")(_rules(max_skew_s=480.0))
edge("slack.forgery-accepted", "15-min-allowed", "stale-accepted")(_rules(max_skew_s=900.0))
edge("slack.forgery-accepted", "another-secret", "unknown")(slack.another_signing_secret)
