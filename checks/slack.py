"""Check that the slash command answers Slack only and in time, and that Slack accepts the bot's token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runbook_checks.suite.fixtures.deliveries import changed_digests, cut_digests

from runbook_checks import Found, NoReading, symptom
from runbook_checks.handles.slack import SlackBot, SlashCommand

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    """Without acknowledgement, the user reads 'operation_timeout' and the command is lost."""
    rule = slash_command.settings
    body = slash_command.body(rule.command, rule.text)
    evidence: dict[str, Any] = {"command": rule.command, "limit_s": rule.acknowledge_s, "path": rule.path}
    wanted = f"HTTP 200 within {rule.acknowledge_s:g} s"
    typed = f"'{rule.command} {rule.text}', typed by the user runbook-checks"
    try:
        with slash_command.leaving(typed):
            answer = slash_command.send(body, slash_command.signed(body).headers())
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
        _require_own_workspace(slash_command, answer)
        return
    if slash_command.is_refusal(answer) or answer.status in (401, 403):
        _require_own_workspace(slash_command, answer)
    found = Found(_cause(slash_command, answer), seen=seen, wanted=wanted, **evidence)
    answered = f"it answers HTTP {answer.status}"
    raise found.among((), dict.fromkeys(("endpoint-missing", "signature-rejected", "server-error"), answered))


def _require_own_workspace(slash_command: SlashCommand, answer: Answer) -> None:
    """NoReading for pages, and for an app that accepts the signature but is not installed in the workspace."""
    if answer.is_markup:
        reason = f"{answer.url} answered HTTP {answer.status} with a page, which no command does"
        raise NoReading("slack", reason, kind="wrong-document")
    if slash_command.is_not_installed(answer) or _is_refused_otherwise(slash_command, answer):
        team = slash_command.settings.team_id
        what = f"{answer.url} accepts the signature, but not the workspace {team} (HTTP {answer.status})"
        raise NoReading("slack", f"{what}: set slack.team_id to one that has the app", kind="not-installed")


def _is_refused_otherwise(slash_command: SlashCommand, answer: Answer) -> bool:
    """Whether an unsigned request is refused with another body: then the signature was not what was refused."""
    if not slash_command.is_refusal(answer):
        return False
    unsigned = slash_command.send(slash_command.harmless, {})
    return slash_command.is_refusal(unsigned) and (unsigned.status, unsigned.body) != (answer.status, answer.body)


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
    """An app that refuses everything also refuses forgeries, which proves nothing."""
    answer = slash_command.control()
    if not slash_command.is_past(answer):
        what = f"a correctly signed request gets HTTP {answer.status} too, or a page"
        raise NoReading("slack", what, kind="control-refused")


@symptom("slack.forgery-accepted")
def check_forged_commands_are_refused(slash_command: SlashCommand) -> None:
    """Anyone who passes for Slack can run commands in every user's name."""
    _require_control(slash_command)
    taken: dict[str, list[tuple[str, Answer]]] = {}
    for cause, what, body, headers in _forgeries(slash_command):
        answer = slash_command.send(body, headers)
        if _is_taken(slash_command, what, answer):
            taken.setdefault(cause, []).append((what, answer))
    Found.all(_accepted(slash_command, cause, several) for cause, several in taken.items())


def _forgeries(slash_command: SlashCommand) -> Iterator[tuple[str, str, bytes, dict[str, str]]]:
    """Requests that must be refused: the cause if one is accepted, what it is, body and headers."""
    body, late_s = slash_command.harmless, 2 * slash_command.settings.max_skew_s
    signed = slash_command.signed(body)
    headers, header = signed.headers(), signed.scheme.signature_header
    unsigned = {name: value for name, value in headers.items() if name != header}
    yield "unsigned-accepted", "a request without a signature", body, unsigned
    yield "unsigned-accepted", "a request with an empty signature", body, unsigned | {header: ""}
    yield "unsigned-accepted", "a request without a timestamp", body, signed.headers(is_timed=False)
    yield "tampered-accepted", "a request whose text was changed", body + b"&text=changed", headers
    for what, digest in (*changed_digests(signed.digest), *cut_digests(signed.digest)):
        yield "tampered-accepted", f"a request with {what}", body, signed.headers(digest=digest)
    for age_s, when in ((late_s, "old"), (-late_s, "ahead")):
        late = slash_command.signed(body, age_s=age_s).headers()
        yield "stale-accepted", f"a request {late_s} s {when}", body, late


def _is_taken(slash_command: SlashCommand, what: str, answer: Answer) -> bool:
    if slash_command.is_refusal(answer):
        return False
    if slash_command.is_past(answer):
        return True
    reason = f"{what} got HTTP {answer.status}, which does not show whether signatures are checked"
    raise NoReading("slack", reason, kind="wrong-status")


def _accepted(slash_command: SlashCommand, cause: str, taken: list[tuple[str, Answer]]) -> Found:
    what, answer = " and ".join(what for what, _ in taken[:2]), taken[0][1]
    if len(taken) > 2:
        what += f" and {len(taken) - 2} more"
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
    """Without a valid token the bot receives commands, but can neither fetch files nor answer."""
    wanted = "ok: true for the bot token"
    try:
        identity = slack_bot.identity()
    except NoReading as gone:
        if gone.kind != "rate-limited":
            raise
        retry_s = gone.evidence.get("retry_after_s")
        after = "an unnamed time" if retry_s is None else f"{retry_s:g} s"
        evidence = {"error": "ratelimited", "retry_after": after}
        # A rate limit does not concern the token, and is no reason to wake anyone.
        found = Found("rate-limited", seen=gone.reason, wanted=wanted, subject="Slack", severity="P3", **evidence)
        raise found from None
    if identity.error is None:
        return
    if identity.error not in CAUSES:
        raise NoReading(
            "slack_bot",
            f"auth.test answers {identity.error}, which does not concern the token",
            kind="wrong-document",
        )
    raise Found(
        CAUSES[identity.error],
        seen=f"auth.test answers {identity.error}",
        wanted=wanted,
        subject="Slack",
        error=identity.error,
        retry_after="no time",
    )
