"""Checks of anonymous access: its limits, and signs of abuse."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from runbook_checks import Found, symptom
from runbook_checks.handles.abuse import Abuse
from runbook_checks.handles.tables import in_path
from runbook_checks.handles.workspaces import Workspaces

if TYPE_CHECKING:
    from collections.abc import Iterator

ANONYMOUS = "public_anonymous"
LIMITS = ("per_ip", "per_session", "per_workspace")
AMOUNTS = ("max_requests", "window_seconds")
LISTS = ("blacklist", "graylist")
SHA256 = re.compile(r"[0-9a-f]{64}", re.IGNORECASE)
DIGEST = re.compile(r"[0-9a-f]{8,128}", re.IGNORECASE)


@symptom("abuse.surge")
def check_abuse_is_not_surging(abuse: Abuse) -> None:
    """Abuse slows the service down for all users."""
    rule = abuse.settings
    causes = {rule.limited_event: "rate-limited-surge", rule.risk_event: "risk-surge"}
    Found.all(_surge(abuse, event, causes[event], now, usual) for event, now, usual in abuse.surging())
    traffic = abuse.traffic()
    if traffic is not None and abuse.is_surge(*traffic):
        raise Found(
            "traffic-surge",
            seen=f"{traffic[0]:.0f} anonymous requests in {rule.window_min:g} min, {traffic[1]:.0f} usually",
            wanted=f"fewer than {rule.surge_factor:g} times the usual",
            event="anonymous requests",
            count=round(traffic[0]),
            usual=round(traffic[1]),
            window_min=rule.window_min,
        )


def _surge(abuse: Abuse, event: str, cause: str, now: int, usual: float) -> Found:
    rule, sources = abuse.settings, abuse.sources(event)
    (source, most), total = sources[0], sum(count for _, count in sources)
    is_single = 100 * most >= rule.single_source_percent * total and source != "unknown"
    by_source = f", {most} of them from {source}" if is_single else f", from {len(sources)} sources"
    return Found(
        "single-source" if is_single else cause,
        seen=f"{now} times {event} in {rule.window_min:g} min{by_source}; {usual:.0f} usually",
        wanted=f"fewer than {rule.surge_factor:g} times the usual",
        event=event,
        count=now,
        usual=round(usual),
        source=source,
        from_source=most,
        sources=dict(sources[:20]),
        window_min=rule.window_min,
        api=abuse.api,
    )


@symptom("abuse.policy-open")
def check_anonymous_access_has_limits(workspaces: Workspaces, abuse: Abuse) -> None:
    """An application that anonymous visitors may run without a limit can be exhausted by any of them."""
    open_ones = [(w, policy) for w, policy in workspaces.policies() if workspaces.policy(policy, w) == ANONYMOUS]
    is_surging = bool(open_ones) and bool(abuse.surging())
    Found.all(found for one in open_ones for found in _openings(workspaces, *one, is_surging))


def _openings(workspaces: Workspaces, workspace: str, policy: dict[str, Any], is_surging: bool) -> Iterator[Found]:
    rules = workspaces.rules(policy, workspace)
    lacking = [name for name in LIMITS if not rules.get(name)]
    wrong = [
        f"{name}.{amount} = {rules[name].get(amount)}"
        for name in LIMITS
        if isinstance(rules.get(name), dict) and rules[name]
        for amount in AMOUNTS
        if not _is_positive(rules[name].get(amount))
    ]
    evidence = {"subject": workspace, "workspace": in_path(workspace), "api": workspaces.url}
    wanted = "limits above zero for each address, session and workspace"
    if lacking:
        what = ", ".join(lacking)
        seen = f"{workspace} is {ANONYMOUS} without {what}"
        yield Found("no-limits", seen=seen, wanted=wanted, lacking=what, **evidence)
    if wrong:
        what = ", ".join(wrong)
        seen = f"{workspace} is {ANONYMOUS} with {what}"
        yield Found("limit-not-positive", seen=seen, wanted=wanted, wrong=what, **evidence)
    if is_surging and not rules.get("require_captcha") and not rules.get("graylist_policy"):
        seen = f"{workspace} has neither a captcha nor a graylist policy, and abuse is surging"
        yield Found("captcha-off-in-surge", seen=seen, wanted="one of the two during the surge", **evidence)


def _is_positive(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


@symptom("abuse.list-malformed")
def check_lists_hold_addresses(workspaces: Workspaces) -> None:
    """An entry that is not an address blocks no one, although its author relies on it."""
    Found.all(
        Found(
            cause,
            seen=f"{name} of {workspace} has the entry {entry!r}",
            wanted="an IP address, sha256: and 64 hex digits, or hash: and a hex digest",
            subject=workspace,
            workspace=in_path(workspace),
            list=name,
            entry=str(entry),
            api=workspaces.url,
        )
        for workspace, policy in workspaces.policies()
        for name in LISTS
        for entry in workspaces.entries(policy, name, workspace)
        if (cause := _malformed(entry)) is not None
    )


def _malformed(entry: object) -> str | None:
    text = str(entry)
    kind, colon, digest = text.partition(":")
    if colon and kind.lower() in ("sha256", "hash"):
        form = SHA256 if kind.lower() == "sha256" else DIGEST
        return None if form.fullmatch(digest) else "bad-digest"
    try:
        ip_address(text)
    except ValueError:
        return "not-an-address"
    return None
