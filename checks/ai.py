"""Checks of the AI behind a system: quota, cost, provider."""

from __future__ import annotations

from runbook_checks import Found, symptom
from runbook_checks.handles.backing import AiStatus


@symptom("ai.quota-exceeded")
def check_ai_is_left(ai: AiStatus) -> None:
    """When the quota is used up, requests that need AI fail for all users."""
    answer, document = ai.read()
    rule = ai.settings
    used, limit, cost, most = (
        ai.number(answer, document, name) for name in (rule.used, rule.limit, rule.cost, rule.cost_limit)
    )
    provider = str(ai.field(answer, document, rule.provider))
    is_degraded = ai.field(answer, document, rule.degraded) is True
    state = str(ai.field(answer, document, rule.state)) if rule.state else ""
    causes = {
        "quota-exceeded": used >= limit,
        "cost-limit-reached": cost >= most,
        "provider-down": bool(rule.state) and state.lower() not in {word.lower() for word in rule.up},
        "degraded-mode": is_degraded,
    }
    cause = next((name for name, is_so in causes.items() if is_so), None)
    if cause is None:
        return
    usage = f"{provider} {state}".rstrip() + f", quota {used:g} of {limit:g}, cost {cost:g} of {most:g} today"
    raise Found(
        cause,
        seen=f"{usage}, {'degraded' if is_degraded else 'not degraded'}",
        wanted="quota and budget left, the provider up, not degraded",
        url=answer.url,
        provider=provider,
        state=state or "unknown",
        used=f"{used:g}",
        limit=f"{limit:g}",
        cost=f"{cost:g}",
        cost_limit=f"{most:g}",
        is_degraded=is_degraded,
    )
