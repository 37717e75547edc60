"""Results when a provider limits, refuses, fails or has no data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.harness import describe

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness import LabClient

SYSTEM = "sales-ai"
# The change to the lab: the symptom, its outcome, words of its message.
OUTAGES = {
    "cloudflare-token-expired": ("queue.consumer-missing", "unknown", "Invalid API Token: is the token still valid?"),
    "cloudflare-token-may-not-read-queues": ("queue.consumer-missing", "unknown", "may the token read queues"),
    "cloudflare-limits": (
        "queue.backlog",
        "unknown",
        "(HTTP 429), no Retry-After (3 attempts)",
    ),
    "cloudflare-limits-for-a-minute": (
        "queue.backlog",
        "unknown",
        "rate limited (HTTP 429), retry after 60 s (1 attempt)",
    ),
    "cloudflare-limits-once": ("queue.consumer-missing", "clear", ""),
    "slack-limits-once": ("slack.token-invalid", "clear", ""),
    "account-empty": ("queue.consumer-missing", "found", "the account has no queue at all"),
    "account-unknown": ("queue.consumer-missing", "unknown", "7003 Could not route to"),
    "analytics-forbidden": ("queue.failing", "clear", ""),
    "analytics-forbidden-and-log-missing": ("queue.failing", "unknown", "may the token read analytics"),
    "analytics-empty-and-log-missing": ("queue.failing", "unknown", "have no operation on transcription-queue"),
    "analytics-failing-and-log-missing": ("queue.failing", "unknown", "an error: cannot request data older than"),
    "groq-quota-not-told": (
        "dependency.groq-limited",
        "unknown",
        "has no x-ratelimit headers to tell what quota is left",
    ),
    "storage-clock-far-off": (
        "dependency.object-storage",
        "unknown",
        "s behind the storage's, too far for a signature",
    ),
    "status-page-of-another-form": ("dependency.provider-incident", "unknown", "is not in the form of statuspage"),
}
FAULT = {
    "slack.token-invalid:rate-limited": "rate limited (HTTP 429), retry after 60 s",
    "slack.token-invalid:token-revoked": "auth.test answers token_revoked",
    "dependency.groq-limited:key-rejected": "HTTP 401: Invalid API Key",
    "dependency.groq-limited:rate-limited": "HTTP 429: Rate limit reached for model",
    "dependency.groq-limited:quota-low": "310 of 14400 requests left, renewed in 2m59.56s",
    "dependency.object-storage:access-denied": "HTTP 403 AccessDenied for s3://sales-recordings",
    "dependency.object-storage:object-missing": "no object below recordings/ of sales-recordings",
    "dependency.provider-incident:outage": "Slack: Slash commands answer late or not at all",
    "queue.backlog:consumer-slow": "messages wait, the oldest for 45 min; draining by",
    "queue.backlog:consumer-stalled": "growing by 14 a minute; the consumer took no message in 15 min",
    "queue.failing:groq-api-error": "GROQ_API_ERROR: 6",
}


def _said(result: dict[str, Any]) -> str:
    return result["reason"] or " ".join(finding["seen"] for finding in result["findings"])


@pytest.mark.parametrize("name", OUTAGES)
def test_outcome_and_sentence(lab_of: Callable[[str], LabClient], name: str) -> None:
    symptom, outcome, words = OUTAGES[name]
    lab = lab_of(SYSTEM)
    with lab.outage(name):
        ran = lab.check("-m", "queue or slack or dependency")
    result = ran.results[symptom]
    assert result["outcome"] == outcome, describe(ran)
    assert words in _said(result), describe(ran)
    assert "Traceback" not in ran.output()


@pytest.mark.parametrize("name", FAULT)
def test_finding_shows_what_was_seen(lab_of: Callable[[str], LabClient], name: str) -> None:
    lab = lab_of(SYSTEM)
    with lab.fault(name):
        ran = lab.check("-m", "queue or slack or dependency")
    assert FAULT[name] in _said(ran.results[name.partition(":")[0]]), describe(ran)


def test_failures_are_read_from_the_log_without_analytics(lab_of: Callable[[str], LabClient]) -> None:
    lab = lab_of(SYSTEM)
    with lab.outage("analytics-forbidden"), lab.fault("queue.failing:database-error"):
        ran = lab.check("-m", "queue")
    result = ran.results["queue.failing"]
    assert [finding["cause"] for finding in result["findings"]] == ["database-error"], describe(ran)
    assert result["findings"][0]["evidence"]["source"] == "the consumer's log"


def test_incident_explains_only_its_own_consequences(lab_of: Callable[[str], LabClient]) -> None:
    """An incident at Slack explains that Slack limits the bot, but not that Groq's quota is low."""
    lab = lab_of(SYSTEM)
    incident, limited = "dependency.provider-incident:outage", "slack.token-invalid:rate-limited"
    with lab.fault(incident, limited, "dependency.groq-limited:quota-low"):
        ran = lab.check("-m", "slack or dependency")
    explained = ran.results["slack.token-invalid"]["findings"][0]["explained_by"]
    assert explained == "dependency.provider-incident[sales-ai]#Slack", describe(ran)
    assert ran.results["dependency.groq-limited"]["findings"][0]["explained_by"] is None, describe(ran)


def test_provider_explains_why_the_queue_fails(lab_of: Callable[[str], LabClient]) -> None:
    lab = lab_of(SYSTEM)
    with lab.fault("queue.failing:groq-api-error", "dependency.groq-limited:rate-limited"):
        ran = lab.check("-m", "queue or dependency or logs")
    assert ran.document["roots"] == ["dependency.groq-limited[sales-ai]#Groq"], describe(ran)


def test_every_page_of_queues_is_read(lab_of: Callable[[str], LabClient]) -> None:
    lab = lab_of(SYSTEM)
    lab.ask("DELETE", "requests")
    ran = lab.check("-m", "queue")
    asked = [row for row in lab.ask("GET", "requests") if row["path"].endswith("/queues")]
    assert ["page=1" in asked[0]["query"], "page=2" in asked[1]["query"]] == [True, True], asked
    assert ran.results["queue.consumer-missing"]["outcome"] == "clear"


def test_no_key_of_a_provider_is_shown(lab_of: Callable[[str], LabClient]) -> None:
    lab = lab_of(SYSTEM)
    with lab.outage("cloudflare-token-expired"), lab.fault("dependency.object-storage:access-denied"):
        ran = lab.check()
    assert ran.folder is not None
    files = [path.read_text(errors="replace") for path in ran.folder.rglob("*") if path.is_file()]
    secrets = {name: value for name, value in lab.variables.items() if name.endswith(("_TOKEN", "_KEY", "_SECRET"))}
    secrets |= {"LAB_SALES_R2_KEY_ID": lab.variables["LAB_SALES_R2_KEY_ID"]}
    assert len(secrets) >= 6
    for name, value in secrets.items():
        assert not any(value in text for text in [ran.output(), *files]), f"{name} is shown"
