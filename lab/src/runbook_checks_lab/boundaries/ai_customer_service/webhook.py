"""Maximum age of a delivery, and responses that do or do not show how signatures are checked."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from runbook_checks_lab.boundaries.ai_customer_service import boundary
from runbook_checks_lab.boundaries.states import responds, rules
from runbook_checks_lab.customer_service.names import DATABASE, PREFIX, WEBHOOK
from runbook_checks_lab.faults.ai_customer_service import migration, webhook

if TYPE_CHECKING:
    from collections.abc import Iterator

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
boundary("webhook.signature-rejected", "245-s-allowed", "skew-limit-too-small")(_rules(max_skew_s=245.0))
boundary("webhook.signature-rejected", "265-s-allowed")(_rules(max_skew_s=265.0))
# A clock that clock-drift tolerates refuses nothing; beyond that, it refuses one side.
boundary("webhook.signature-rejected", "28-s-ahead")(_rules(clock_offset_s=28.0))
boundary("webhook.signature-rejected", "28-s-behind")(_rules(clock_offset_s=-28.0))
boundary("webhook.signature-rejected", "100-s-ahead", "clock-skew")(_rules(clock_offset_s=100.0))
# A signature of which only a part is compared can be forged.
boundary("webhook.tampered-accepted", "10-digits-compared", "accepted")(_rules(compares_digits=10))
boundary("webhook.tampered-accepted", "63-digits-compared", "accepted")(_rules(compares_digits=63))
boundary("webhook.tampered-accepted", "64-digits-compared")(_rules(compares_digits=64))
boundary("webhook.stale-accepted", "8-min-allowed")(_rules(max_skew_s=480.0))
boundary("webhook.stale-accepted", "15-min-allowed", "limit-differs")(_rules(max_skew_s=900.0))
boundary("webhook.stale-accepted", "15-min-old-allowed", "limit-differs")(_rules(max_skew_s=900.0, max_ahead_s=300.0))
boundary("webhook.stale-accepted", "15-min-ahead-allowed", "limit-differs")(_rules(max_ahead_s=900.0))
boundary("webhook.stale-accepted", "30-h-allowed", "accepted")(_rules(max_skew_s=30 * HOUR_S))
boundary("webhook.stale-accepted", "30-h-ahead-allowed", "accepted")(_rules(max_ahead_s=30 * HOUR_S))

boundary("webhook.chain-broken", "removal-fails", "step-failed")(_responds(f"DELETE {PREFIX}/sessions/*", 500))
boundary("webhook.chain-broken", "step-answers-302", "step-failed")(_responds(f"POST {PREFIX}/sessions/*/assign", 302))
boundary("webhook.chain-broken", "audit-ids-are-uuids-as-text")(migration.audit_id_is_text)
boundary("webhook.chain-broken", "audit-id-has-another-name", "audit-rows-missing")(migration.audit_id_renamed)


@boundary("webhook.chain-broken", "audit-ids-are-numbers", "audit-rows-missing")
def _audit_ids_are_numbers(lab: Lab) -> Iterator[None]:
    """Three rows are not enough: each must have a UUID."""
    alter, run = "ALTER TABLE cs_audit_logs ALTER COLUMN id", lab.customer_service.postgres.run
    number = "'wf-' || (extract(epoch FROM clock_timestamp()) * 1000000000)::bigint"
    run(
        f"{alter} DROP DEFAULT",
        f"{alter} TYPE text USING id::text",
        f"{alter} SET DEFAULT {number}",
        database=DATABASE,
    )
    yield
    run(
        "DELETE FROM cs_audit_logs WHERE id LIKE 'wf-%'",
        f"{alter} DROP DEFAULT",
        f"{alter} TYPE uuid USING id::uuid",
        f"{alter} SET DEFAULT gen_random_uuid()",
        database=DATABASE,
    )


# The audit entry may be written up to a second after the response.
boundary("webhook.chain-broken", "audited-late")(_rules(audits_after_s=1.0))

# The clock may be off by a tenth of the allowed skew; the Date header has whole seconds.
boundary("webhook.clock-drift", "28-s-ahead")(_rules(clock_offset_s=28.0))
boundary("webhook.clock-drift", "33-s-ahead", "server-ahead")(_rules(clock_offset_s=33.0))
boundary("webhook.clock-drift", "28-s-behind")(_rules(clock_offset_s=-28.0))
boundary("webhook.clock-drift", "33-s-behind", "server-behind")(_rules(clock_offset_s=-33.0))
