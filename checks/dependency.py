"""Checks of the services that a system depends on: they accept its keys and are healthy."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import pytest

from runbook_checks import Found, NoReading, symptom
from runbook_checks.handles.backing import Cache
from runbook_checks.handles.providers import Groq, ObjectStorage, StatusPages
from runbook_checks.probes.providers.object_storage import ObjectFacts
from runbook_checks.probes.providers.status_pages import Page

# Why Redis can't be used, and the cause of each; None where several causes are possible.
REDIS_CAUSES = {
    "connection-refused": "connection-refused",
    "too-many-clients": "connection-refused",
    "authentication-failed": "authentication-failed",
    "name-not-resolved": None,
    "connect-timeout": None,
    "read-timeout": None,
    "connection-reset": None,
    "tls-failed": None,
    "starting-up": None,
}
STORAGE_CAUSES = ("bucket-missing", "access-denied", "endpoint-unreachable", "object-missing")


@symptom("dependency.provider-incident")
def check_providers_tell_of_no_incident(status_pages: StatusPages) -> None:
    """An incident at a provider explains findings that cannot be fixed here."""
    if not status_pages.settings.pages:
        pytest.skip("providers.pages is empty")
    found: list[Found] = []
    unread: list[NoReading] = []
    for provider in status_pages.settings.pages:
        try:
            found += _incidents(status_pages, provider)
        except NoReading as gone:
            unread.append(gone)
    Found.all(found)
    if unread:
        raise unread[0]


def _incidents(status_pages: StatusPages, provider: str) -> list[Found]:
    page, wanted = status_pages.page(provider), status_pages.settings.pages[provider].components
    incidents = page.affecting(wanted)
    if not incidents:
        _require_attribution(provider, page, wanted)
        return []
    gravest = next((incident for incident in incidents if incident.is_outage), incidents[0])
    affected = ", ".join(gravest.components) or "components that it does not name"
    return [
        Found(
            "outage" if gravest.is_outage else "degraded",
            seen=f"{provider}: {'; '.join(incident.title for incident in incidents[:3])}",
            wanted="no incident in progress",
            subject=provider,
            provider=provider,
            title=gravest.title,
            components=affected,
            began=gravest.began or "an unknown time",
            link=gravest.link,
        )
    ]


def _require_attribution(provider: str, page: Page, wanted: Sequence[str]) -> None:
    """NoReading where the page can't say that the components are well."""
    if wanted and (unattributed := page.unattributed()):
        titles = "; ".join(f"{incident.title} ({incident.link})" for incident in unattributed[:3])
        reason = f"{provider} reports an incident without naming its components: {titles}"
        raise NoReading("providers", reason, kind="not-attributable")
    if missing := page.missing(wanted):
        known = page.components or {}
        near = [get_close_matches(name.casefold(), [k.casefold() for k in known], 1, 0.5) for name in missing]
        guesses = [name for name in known if any(name.casefold() in one for one in near)]
        hint = f"did you mean {', '.join(guesses)}?" if guesses else f"it has {', '.join(sorted(known)[:10])}"
        reason = f"{provider}'s status page has no component {', '.join(missing)} (providers.pages); {hint}"
        raise NoReading("providers", reason, kind="no-component")


@symptom("dependency.groq-limited")
def check_groq_takes_the_key_and_leaves_quota(groq: Groq) -> None:
    """Without key or quota every request that needs Groq fails."""
    standing = groq.standing()
    least = groq.settings.least_left_percent
    scarce = [quota for quota in standing.quotas if least is not None and quota.left_percent < least]
    tightest = min(standing.quotas, key=lambda quota: quota.left_percent, default=None)
    evidence: dict[str, Any] = {
        "url": standing.url,
        "status": standing.status,
        "error": standing.error or "none",
        "limit": f"{tightest.limit} {tightest.what}" if tightest else "unknown",
        "left": f"{tightest.left} {tightest.what}" if tightest else "unknown",
        "resets_in": tightest.resets_in if tightest else "an unknown time",
    }
    status = f"HTTP {standing.status}" + (f": {standing.error}" if standing.error else "")
    if standing.is_key_refused:
        raise Found("key-rejected", seen=status, wanted="the key is accepted", subject="Groq", **evidence)
    if standing.status == 429:
        raise Found("rate-limited", seen=status, wanted="the request is accepted", subject="Groq", **evidence)
    if standing.status != 200:
        raise NoReading("groq", f"{standing.url} answers {status}", kind="wrong-status")
    if scarce:
        seen = ", ".join(f"{q.left} of {q.limit} {q.what} left, renewed in {q.resets_in}" for q in scarce)
        raise Found("quota-low", seen=seen, wanted=f"{least:g} % of each or more", subject="Groq", **evidence)
    if least is not None and not standing.quotas:
        reason = f"{standing.url} takes the key, but has no x-ratelimit headers to tell what quota is left"
        raise NoReading("groq", reason, kind="field-missing")


@symptom("dependency.object-storage")
def check_recordings_can_be_read(storage: ObjectStorage) -> None:
    """The service cannot work on objects that it cannot fetch."""
    rule, bucket = storage.settings, storage.bucket
    where: dict[str, Any] = {"endpoint": bucket.endpoint, "bucket": bucket.bucket, "prefix": rule.prefix or "its root"}
    try:
        first = _first(storage)
        if first is not None and (rule.object is not None or first.size):
            return
    except NoReading as gone:
        if gone.kind not in STORAGE_CAUSES:
            raise
        evidence = where | {"key": rule.object or "any", "code": gone.evidence.get("code", "none")}
        wanted = "the bucket listed, and an object's head read"
        raise Found(gone.kind, seen=gone.reason, wanted=wanted, subject="Cloudflare", **evidence) from None
    what = "no object" if first is None else f"only the empty {first.key}"
    raise Found(
        "object-missing",
        seen=f"{what} below {where['prefix']} of {bucket.bucket}",
        wanted="a recording",
        subject="Cloudflare",
        key=rule.object or "any",
        code="none",
        **where,
    )


def _first(storage: ObjectStorage) -> ObjectFacts | None:
    """The configured or the first object, by its own HEAD request; the bucket is listed in any case."""
    listed = storage.bucket.listed(storage.settings.prefix, most=5)
    named = storage.settings.object
    if named is None and not listed:
        return None
    found = next((facts for facts in listed if facts.size), listed[0]) if listed else None
    key = named or (found.key if found else "")
    return storage.bucket.head(key)


@symptom("dependency.redis")
def check_redis_takes_writes(cache: Cache) -> None:
    """Without its cache the service loses sessions and limits, and its database takes the load."""
    try:
        facts = cache.look()
    except NoReading as silence:
        if silence.kind not in REDIS_CAUSES:
            raise
        evidence = {**cache.redis.evidence(), **silence.evidence}
        found = Found(REDIS_CAUSES[silence.kind], seen=silence.reason, wanted="PONG", **evidence)
        ruled_out = {"connection-refused": "it was not refused"}
        if silence.kind in ("name-not-resolved", "connect-timeout"):
            raise found.among((), ruled_out) from None
        unknown = ("read-only", "out-of-memory")  # a server that has stopped does not answer
        raise found.among(unknown, ruled_out | {"authentication-failed": "it was not refused"}) from None
    evidence = {
        **cache.redis.evidence(),
        "used": _size(facts.used_memory),
        "maximum": _size(facts.max_memory),
        "policy": facts.policy,
        "role": facts.role,
        "clients": f"{facts.clients} of {facts.max_clients}",
        "rejected": facts.rejected,
    }
    if facts.is_read_only or facts.refusal:
        why = "is a replica that takes no writes" if facts.is_read_only else f"refuses writes: {facts.refusal}"
        raise Found("read-only", seen=f"{cache.redis.place} {why}", wanted="a master that takes writes", **evidence)
    percent = 100 * facts.used_memory / facts.max_memory if facts.max_memory else 0.0
    # With any other policy a full memory is normal for a cache: old entries are evicted.
    if facts.policy == "noeviction" and percent >= cache.settings.memory_percent:
        raise Found(
            "out-of-memory",
            seen=f"{_size(facts.used_memory)} of {_size(facts.max_memory)} in use, and nothing is evicted",
            wanted=f"below {cache.settings.memory_percent:g} %",
            **evidence,
        )


def _size(count: int) -> str:
    return f"{count / (1 << 20):.1f} MiB"
