"""Failures and refusals of the services that Sales AI depends on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from runbook_checks_lab.faults.sales_ai import fault

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab

FOR_EVER = 1000


@fault("dependency.provider-incident", cause="degraded")
def database_degraded(lab: Lab) -> None:
    lab.sales_ai.status.behaviour.trouble["neon"] = "degraded"


@fault("dependency.provider-incident", cause="outage")
def several_at_once(lab: Lab) -> None:
    lab.sales_ai.status.behaviour.trouble.update(slack="outage", google="degraded")


@fault("dependency.groq-limited", cause="rate-limited")
def quota_used_up(lab: Lab) -> None:
    rules = lab.sales_ai.groq.behaviour
    rules.refusals, rules.retry_after_s, rules.requests_left = FOR_EVER, 179.56, 0


@fault("dependency.groq-limited", cause="quota-low")
def quota_runs_low(lab: Lab) -> None:
    lab.sales_ai.groq.behaviour.requests_left = 310


@fault("dependency.groq-limited", cause="key-rejected")
def key_removed(lab: Lab) -> None:
    lab.sales_ai.groq.behaviour.key = "gsk_another"


@fault("dependency.object-storage", cause="bucket-missing")
def bucket_removed(lab: Lab) -> Iterator[None]:
    lab.sales_ai.storage.remove_bucket()
    yield
    lab.sales_ai.storage.fill()


@fault("dependency.object-storage", cause="access-denied")
def key_not_for_this_bucket(lab: Lab) -> None:
    lab.moto.behaviour.refused.append(lab.sales_ai.storage.key_id)


@fault("dependency.object-storage", cause="endpoint-unreachable")
def endpoint_gone(lab: Lab) -> None:
    lab.sales_ai.storage.front.behaviour.door = "refused"


@fault("dependency.object-storage", cause="object-missing")
def recordings_removed(lab: Lab) -> Iterator[None]:
    lab.sales_ai.storage.remove()
    yield
    lab.sales_ai.storage.put_back()
