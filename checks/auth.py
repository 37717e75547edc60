"""Check that users can log in, and that forged tokens, missing roles and password guessing are refused."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from runbook_checks import Found, NoReading, symptom
from runbook_checks.handles.accounts import Accounts
from runbook_checks.probes.auth.tokens import forgeries, out_of_time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runbook_checks.probes.http.response import Answer

_CAUSES = {"unsigned": "unsigned-accepted", "tampered": "tampered-accepted", "expired": "expired-accepted"}
_EARLY = 0.9  # share of the promised lifetime that a new token must have left


@symptom("auth.login-failing")
def check_user_can_log_in(accounts: Accounts) -> None:
    """If the synthetic user cannot log in, real users cannot either."""
    login = accounts.login()
    evidence: dict[str, Any] = {"url": login.url, "status": login.status, "lifetime_s": "unknown"}
    wanted = "a token that opens a protected address"
    if not 200 <= login.status < 300:
        cause = "login-refused" if login.status < 500 else None
        found = Found(cause, seen=f"the login got HTTP {login.status}", wanted=wanted, **evidence)
        no_token = dict.fromkeys(("token-rejected", "token-expired-early"), "no token was issued")
        raise found.among((), {"login-refused": f"HTTP {login.status} is not a refusal"} | no_token)
    if login.token is None:
        reason = f"the response of {login.url} has no token in {accounts.settings.token_field} (auth.token_field)"
        raise NoReading("auth", reason, kind="field-missing")
    expiry = _expiry(accounts, login.token)
    left_s = None if expiry is None else expiry - login.at
    evidence["lifetime_s"] = "unknown" if left_s is None else round(left_s)
    answer = accounts.open(login.token)
    opened: dict[str, Any] = {**evidence, "url": answer.url, "status": answer.status}
    if not accounts.opens(answer):
        is_over = expiry is not None and expiry <= time.time()
        cause = "token-expired-early" if is_over else "token-rejected" if answer.status < 500 else None
        found = Found(cause, seen=f"the new token got HTTP {answer.status}", wanted=wanted, **opened)
        no_refusal = f"HTTP {answer.status} is not a refusal"
        ruled_out = {"login-refused": "a token was issued", "token-rejected": no_refusal}
        raise found.among((), ruled_out | {"token-expired-early": no_refusal})
    due_s = accounts.settings.lifetime_s
    if due_s is not None and left_s is not None and left_s < due_s * _EARLY:
        seen = f"the new token lasts {left_s:.0f} s"
        raise Found("token-expired-early", seen=seen, wanted=f"{due_s:g} s", **opened)


def _expiry(accounts: Accounts, token: str) -> float | None:
    """The expiry in the token, None if it is not a JWT."""
    try:
        return accounts.taken_apart(token).time("exp")
    except NoReading:
        return None


@symptom("auth.forgery-accepted")
def check_forged_tokens_are_refused(accounts: Accounts) -> None:
    """Anyone who can forge a token can act as any user, including an administrator."""
    token = accounts.control()
    found: dict[str, Found] = {}
    wanted = " or ".join(map(str, accounts.settings.refusals))
    for cause, what, answer in _tried(accounts, token):
        try:
            is_opened = accounts.opens(answer)
        except NoReading:
            if found:
                continue
            raise
        if is_opened:
            seen = f"{what} got HTTP {answer.status}"
            found.setdefault(cause, Found(cause, seen=seen, wanted=wanted, what=what, **accounts.evidence(answer)))
        elif answer.status not in accounts.settings.refusals and answer.status >= 300 and not found:
            reason = f"{what} got HTTP {answer.status} from {answer.url}, which is not in auth.refusals"
            raise NoReading("auth", reason, kind="wrong-status")
    Found.all(found.values())
    if accounts.secret("secret") is None and accounts.secret("expired_token") is None:
        reason = "the other forgeries are refused; an expired token is missing (auth.expired_token or auth.secret)"
        raise NoReading("auth", reason, kind="no-source")


def _tried(accounts: Accounts, token: str) -> Iterator[tuple[str, str, Answer]]:
    """The cause if the request is accepted, what was sent, and the response."""
    genuine = accounts.taken_apart(token)
    yield "anonymous-accepted", "a request without a token", accounts.open(None)
    yield "anonymous-accepted", "a request with the token 'null'", accounts.open("null")
    for forgery in forgeries(genuine, accounts.public_key()):
        yield _CAUSES[forgery.kind], forgery.what, accounts.open(forgery.token)
    secret, expired = accounts.secret("secret"), accounts.secret("expired_token")
    if expired is not None:
        yield "expired-accepted", "the expired token", accounts.open(expired)
    if secret is not None:
        for forgery in out_of_time(genuine, secret, time.time()):
            yield "expired-accepted", forgery.what, accounts.open(forgery.token)


@symptom("auth.role-not-enforced")
def check_users_are_no_administrators(accounts: Accounts) -> None:
    """Every user can use an administrator function if only its button is hidden."""
    wanted = " or ".join(map(str, accounts.settings.forbidden))
    if accounts.settings.admin is None:
        raise NoReading("auth", "auth.admin, an address for administrators, is not configured", kind="no-source")
    token = accounts.control()
    if accounts.taken_apart(token).claims.get("role") == "admin":
        raise NoReading(
            "auth", "the synthetic user is an administrator; one without that role is needed", kind="wrong-user"
        )
    answer = accounts.open_admin(token)
    if accounts.opens(answer, "admin"):
        seen = f"an ordinary user got HTTP {answer.status} from {answer.url}"
        raise Found("accepted", seen=seen, wanted=wanted, **accounts.evidence(answer))
    if answer.status not in accounts.settings.forbidden and answer.status >= 300:
        reason = f"{answer.url} answers an ordinary user with HTTP {answer.status}, not {wanted} (auth.forbidden)"
        raise NoReading("auth", reason, kind="wrong-status")


@symptom("auth.rate-limit-missing", alone=True)
def check_wrong_logins_are_slowed_down(accounts: Accounts) -> None:
    """Without a limit an attacker tries passwords until one fits.

    The burst is bounded, and its user does not exist.
    """
    user = f"runbook-checks-{accounts.run.id}@example.invalid"
    refused = 0
    for number in range(accounts.settings.burst):
        answer = accounts.try_login(user, f"wrong-{number:04d}")
        if answer.status == 429:
            if not refused:
                reason = "the first wrong login already got 429, so an earlier burst still counts"
                raise NoReading("auth", reason, kind="control-refused")
            return
        if not 400 <= answer.status < 500 or answer.status in (404, 405):
            reason = f"a wrong login got HTTP {answer.status} from {answer.url}, which is not a refusal"
            raise NoReading("auth", reason, kind="wrong-status")
        refused += 1
    raise Found(
        "not-limited",
        seen=f"{refused} wrong logins in a row were refused without a rate limit",
        wanted=f"429 within {accounts.settings.burst}",
        tries=refused,
        **accounts.evidence(answer),
    )
