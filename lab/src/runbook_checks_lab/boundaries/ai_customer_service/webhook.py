"""Maximum age of a delivery, and responses that do or do not show how signatures are checked."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from runbook_checks_lab.boundaries.ai_customer_service import boundary
from runbook_checks_lab.boundaries.states import responds, rules
from runbook_checks_lab.customer_service.names import PREFIX, WEBHOOK
from runbook_checks_lab.faults.ai_customer_service import webhook

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab
    from runbook_checks_lab.registry import Body

HOUR_S = 3600.0


_rules = partial(rules, lambda lab: lab.customer_service.service.behaviour)
_responds = partial(responds, lambda lab: lab.customer_service.service.behaviour, answer={"detail": "not now"})


def _codes(**values: str) -> Body:
    def body(lab: Lab) -> None:
        lab.customer_service.service.behaviour.codes.update(values)

    return body


POST = f"POST {WEBHOOK}"
boundary("webhook.signature-rejected", "405", "endpoint-missing")(_responds(POST, 405))
boundary("webhook.signature-rejected", "503", "unknown")(_responds(POST, 503))


@boundary("webhook.signature-rejected", "another-secret-and-code", "None")
def _unknown_code(lab: Lab) -> None:
    """A code that is not in the runbook identifies no cause."""
    webhook.another_secret(lab)
    lab.customer_service.service.behaviour.codes["forged"] = "CS_AUTH_4039"


# A refusal proves nothing if a correctly signed delivery is refused as well.
boundary("webhook.unsigned-accepted", "another-secret", "unknown")(webhook.another_secret)
boundary("webhook.unsigned-accepted", "404", "unknown")(_responds(POST, 404))
boundary("webhook.unsigned-accepted", "405", "unknown")(_responds(POST, 405))
boundary("webhook.tampered-accepted", "another-secret", "unknown")(webhook.another_secret)
boundary("webhook.duplicate-processed", "503", "unknown")(_responds(POST, 503))
# A refusal of a missing timestamp may have any code that the receiver chooses.
boundary("webhook.unsigned-accepted", "undated-has-its-own-code")(_codes(undated="CS_AUTH_4099"))
boundary("webhook.unsigned-accepted", "undated-has-a-strange-code", "wrong-code")(_codes(undated="BAD_TIME"))

# Five minutes are allowed, in both directions.
boundary("webhook.signature-rejected", "280-s-allowed", "clock-skew")(_rules(max_skew_s=280.0))
boundary("webhook.signature-rejected", "290-s-allowed")(_rules(max_skew_s=290.0))
boundary("webhook.stale-accepted", "8-min-allowed")(_rules(max_skew_s=480.0))
boundary("webhook.stale-accepted", "15-min-allowed", "limit-differs")(_rules(max_skew_s=900.0))
boundary("webhook.stale-accepted", "15-min-old-allowed", "limit-differs")(_rules(max_skew_s=900.0, max_ahead_s=300.0))
boundary("webhook.stale-accepted", "15-min-ahead-allowed", "limit-differs")(_rules(max_ahead_s=900.0))
boundary("webhook.stale-accepted", "30-h-allowed", "accepted")(_rules(max_skew_s=30 * HOUR_S))
boundary("webhook.stale-accepted", "30-h-ahead-allowed", "accepted")(_rules(max_ahead_s=30 * HOUR_S))

boundary("webhook.chain-broken", "removal-fails", "step-failed")(_responds(f"DELETE {PREFIX}/sessions/*", 500))
boundary("webhook.chain-broken", "step-answers-302", "step-failed")(_responds(f"POST {PREFIX}/sessions/*/assign", 302))
# The audit entry may be written up to a second after the response.
boundary("webhook.chain-broken", "audited-late")(_rules(audits_after_s=1.0))

# The clock may be off by a tenth of the allowed skew; the Date header has whole seconds.
boundary("webhook.clock-drift", "28-s-ahead")(_rules(clock_offset_s=28.0))
boundary("webhook.clock-drift", "33-s-ahead", "server-ahead")(_rules(clock_offset_s=33.0))
boundary("webhook.clock-drift", "28-s-behind")(_rules(clock_offset_s=-28.0))
boundary("webhook.clock-drift", "33-s-behind", "server-behind")(_rules(clock_offset_s=-33.0))
