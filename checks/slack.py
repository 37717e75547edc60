"""Does the slash command answer Slack, nobody else, and does Slack know the bot?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runbook_checks import Found, NoReading, symptom
from runbook_checks.handles.slack import SIGNATURE, TIMESTAMP, SlackBot, SlashCommand

if TYPE_CHECKING:
    from runbook_checks.probes.http.client import Answer

ABSENT = (404, 405)
CAUSES = {
    "invalid_auth": "invalid-auth",
    "not_authed": "invalid-auth",
    "token_expired": "invalid-auth",
    "token_revoked": "token-revoked",
    "account_inactive": "account-inactive",
    "org_login_required": "account-inactive",
    "team_access_not_granted": "account-inactive",
    "ratelimited": "rate-limited",
}


@symptom("slack.no-response")
def check_command_is_acknowledged(slash_command: SlashCommand) -> None:
    """Who types a command that nobody acknowledges reads 'operation_timeout', and calls."""
    rule = slash_command.settings
    body = slash_command.body(rule.command, rule.text)
    evidence: dict[str, Any] = {"command": rule.command, "limit_s": rule.acknowledge_s, "path": rule.path}
    wanted = f"HTTP 200 within {rule.acknowledge_s:g} s"
    typed = f"'{rule.command} {rule.text}', typed by the user runbook-checks"
    try:
        with slash_command.leaving(typed):
            answer = slash_command.send(body, slash_command.signed(body))
    except NoReading as gone:
        if gone.kind != "read-timeout":
            raise
        raise Found(
            "too-slow", seen=gone.reason, wanted=wanted, status="none", took_s="more than that", **evidence
        ) from None
    if 400 <= answer.status < 500:
        slash_command.take_back(typed)
    took_s = answer.timings.total_ms / 1000
    evidence |= {"status": answer.status, "took_s": round(took_s, 1)}
    seen = f"{rule.command} got HTTP {answer.status} after {took_s:.1f} s"
    if answer.status == 200 and took_s <= rule.acknowledge_s:
        if answer.text.lstrip()[:1] == "<":
            raise NoReading("slack", f"{answer.url} answered with a page, which no command does", kind="wrong-document")
        return
    found = Found(_cause(slash_command, answer), seen=seen, wanted=wanted, **evidence)
    answered = f"it answers HTTP {answer.status}"
    raise found.among((), dict.fromkeys(("endpoint-missing", "signature-rejected", "server-error"), answered))


def _cause(slash_command: SlashCommand, answer: Answer) -> str | None:
    if slash_command.is_refusal(answer):
        return "signature-rejected"
    if answer.status in ABSENT:
        return "endpoint-missing"
    if answer.status >= 500:
        return "server-error"
    return "too-slow" if answer.status == 200 else None


# ------------------------------------------------------------------ what must be refused
def _require_control(slash_command: SlashCommand) -> None:
    """A receiver that refuses everything refuses what is forged as well, and proves nothing by it."""
    answer = slash_command.control()
    if not slash_command.is_past(answer):
        what = f"a correctly signed request gets HTTP {answer.status} too, or a page"
        raise NoReading("slack", what, kind="control-refused")


@symptom("slack.forgery-accepted")
def check_forged_commands_are_refused(slash_command: SlashCommand) -> None:
    """Whoever is taken for Slack speaks in every user's name."""
    _require_control(slash_command)
    body, late_s = slash_command.harmless, 2 * slash_command.settings.max_skew_s
    signed = slash_command.signed(body)
    other = "v0=" + signed[SIGNATURE][:2:-1]
    timestamp = {TIMESTAMP: signed[TIMESTAMP]}
    forged = [
        ("unsigned-accepted", "a request without a signature", body, timestamp),
        ("unsigned-accepted", "a request without a timestamp", body, {SIGNATURE: signed[SIGNATURE]}),
        ("tampered-accepted", "a request with another signature", body, timestamp | {SIGNATURE: other}),
        ("tampered-accepted", "a request whose text was changed", body + b"&text=changed", signed),
        ("stale-accepted", f"a request {late_s} s old", body, slash_command.signed(body, age_s=late_s)),
        ("stale-accepted", f"a request {late_s} s ahead", body, slash_command.signed(body, age_s=-late_s)),
    ]
    taken: dict[str, list[tuple[str, Answer]]] = {}
    for cause, what, body_sent, headers in forged:
        answer = slash_command.send(body_sent, headers)
        if _is_taken(slash_command, what, answer):
            taken.setdefault(cause, []).append((what, answer))
    Found.all(_accepted(slash_command, cause, several) for cause, several in taken.items())


def _is_taken(slash_command: SlashCommand, what: str, answer: Answer) -> bool:
    if slash_command.is_refusal(answer):
        return False
    if slash_command.is_past(answer):
        return True
    reason = f"{what} got HTTP {answer.status}, which says nothing about signatures"
    raise NoReading("slack", reason, kind="wrong-status")


def _accepted(slash_command: SlashCommand, cause: str, taken: list[tuple[str, Answer]]) -> Found:
    what, answer = " and ".join(what for what, _ in taken), taken[0][1]
    return Found(
        cause,
        seen=f"{what} got HTTP {answer.status}",
        wanted="HTTP 401 or 403",
        url=answer.url,
        status=answer.status,
        what=what,
        max_skew_s=slash_command.settings.max_skew_s,
    )


@symptom("slack.token-invalid")
def check_slack_knows_the_bot(slack_bot: SlackBot) -> None:
    """Without its token the bot hears commands, and can neither fetch a recording nor answer."""
    wanted = "ok: true for the bot token"
    try:
        identity = slack_bot.identity()
    except NoReading as gone:
        if gone.kind != "rate-limited":
            raise
        told = gone.evidence.get("retry_after_s")
        after = "a time it does not name" if told is None else f"{told:g} s"
        evidence = {"error": "ratelimited", "retry_after": after}
        # A limit says nothing about the token: it is the bot's or ours, and no reason to be woken.
        found = Found("rate-limited", seen=gone.reason, wanted=wanted, subject="Slack", severity="P3", **evidence)
        raise found from None
    if identity.error is None:
        return
    if identity.error not in CAUSES:
        raise NoReading("slack_bot", f"auth.test says {identity.error}, not of the token", kind="wrong-document")
    raise Found(
        CAUSES[identity.error],
        seen=f"auth.test says {identity.error}",
        wanted=wanted,
        subject="Slack",
        error=identity.error,
        retry_after="not told",
    )
