"""Can users log in, and nobody else come in: by a forged token, without the role, by trying passwords?"""

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
_EARLY = 0.9  # of the lifetime promised, what a new token must have left


@symptom("auth.login-failing")
def check_user_can_log_in(accounts: Accounts) -> None:
    """Where the synthetic user can't come in, real ones can't either."""
    login = accounts.login()
    evidence: dict[str, Any] = {"url": login.url, "status": login.status, "lifetime_s": "unknown"}
    wanted = "a token that opens a protected address"
    if not 200 <= login.status < 300:
        cause = "login-refused" if login.status < 500 else None
        found = Found(cause, seen=f"the login got HTTP {login.status}", wanted=wanted, **evidence)
        no_token = dict.fromkeys(("token-rejected", "token-expired-early"), "no token was issued")
        raise found.among((), {"login-refused": f"HTTP {login.status} is no refusal"} | no_token)
    if login.token is None:
        reason = f"the answer of {login.url} has no token ({accounts.settings.token_field})"
        raise NoReading("auth", reason, kind="field-missing")
    expiry = _expiry(accounts, login.token)
    left_s = None if expiry is None else expiry - login.at
    evidence["lifetime_s"] = "unknown" if left_s is None else round(left_s)
    answer = accounts.open(accounts.settings.protected, login.token)
    opened: dict[str, Any] = {**evidence, "url": answer.url, "status": answer.status}
    if not 200 <= answer.status < 300:
        is_over = expiry is not None and expiry <= time.time()
        cause = "token-expired-early" if is_over else "token-rejected" if answer.status < 500 else None
        found = Found(cause, seen=f"the new token got HTTP {answer.status}", wanted=wanted, **opened)
        no_refusal = f"HTTP {answer.status} is no refusal"
        ruled_out = {"login-refused": "a token was issued", "token-rejected": no_refusal}
        raise found.among((), ruled_out | {"token-expired-early": no_refusal})
    due_s = accounts.settings.lifetime_s
    if due_s is not None and left_s is not None and left_s < due_s * _EARLY:
        seen = f"the new token lasts {left_s:.0f} s"
        raise Found("token-expired-early", seen=seen, wanted=f"{due_s:g} s", **opened)


def _expiry(accounts: Accounts, token: str) -> float | None:
    """What the token itself says; one that is no JWT doesn't say."""
    try:
        return accounts.taken_apart(token).time("exp")
    except NoReading:
        return None


@symptom("auth.forgery-accepted")
def check_forged_tokens_are_refused(accounts: Accounts) -> None:
    """Whoever can forge a token is any user, and the administrator too."""
    token = accounts.control()
    found: dict[str, Found] = {}
    for cause, what, answer in _tried(accounts, token):
        if 200 <= answer.status < 300:
            seen = f"{what} got HTTP {answer.status}"
            wanted = " or ".join(map(str, accounts.settings.refusals))
            found.setdefault(cause, Found(cause, seen=seen, wanted=wanted, what=what, **accounts.evidence(answer)))
        elif answer.status not in accounts.settings.refusals and not found:
            reason = f"{what} got HTTP {answer.status} from {answer.url}, which is no refusal agreed (auth.refusals)"
            raise NoReading("auth", reason, kind="wrong-status")
    Found.all(found.values())
    if accounts.secret("secret") is None and accounts.secret("expired_token") is None:
        reason = "all else is refused, but there is no token that has run out (auth.expired_token or auth.secret)"
        raise NoReading("auth", reason, kind="no-source")


def _tried(accounts: Accounts, token: str) -> Iterator[tuple[str, str, Answer]]:
    """The cause that an acceptance would be, what was sent, and the answer."""
    path, genuine = accounts.settings.protected, accounts.taken_apart(token)
    yield "anonymous-accepted", "a request without a token", accounts.open(path, None)
    yield "anonymous-accepted", "a request with the token 'null'", accounts.open(path, "null")
    for forgery in forgeries(genuine, accounts.public_key()):
        yield _CAUSES[forgery.kind], forgery.what, accounts.open(path, forgery.token)
    secret, expired = accounts.secret("secret"), accounts.secret("expired_token")
    if expired is not None:
        yield "expired-accepted", "the token that has run out", accounts.open(path, expired)
    if secret is not None:
        for forgery in out_of_time(genuine, secret, time.time()):
            yield "expired-accepted", forgery.what, accounts.open(path, forgery.token)


@symptom("auth.role-not-enforced")
def check_users_are_no_administrators(accounts: Accounts) -> None:
    """An address that only hides its button is open to everybody who can log in."""
    path, wanted = accounts.settings.admin, " or ".join(map(str, accounts.settings.forbidden))
    if path is None:
        raise NoReading("auth", "the runbook file names no address for administrators (auth.admin)", kind="no-source")
    token = accounts.control()
    if accounts.taken_apart(token).claims.get("role") == "admin":
        raise NoReading("auth", "the synthetic user is an administrator; an ordinary one is needed", kind="wrong-user")
    answer = accounts.open(path, token)
    if 200 <= answer.status < 300:
        seen = f"an ordinary user got HTTP {answer.status} from {answer.url}"
        raise Found("accepted", seen=seen, wanted=wanted, **accounts.evidence(answer))
    if answer.status not in accounts.settings.forbidden:
        reason = f"{answer.url} answered an ordinary user HTTP {answer.status}, not {wanted} (auth.forbidden)"
        raise NoReading("auth", reason, kind="wrong-status")


@symptom("auth.rate-limit-missing", alone=True)
def check_wrong_logins_are_slowed_down(accounts: Accounts) -> None:
    """Without a limit passwords are tried until one fits. The burst is bounded, and for a user that isn't there."""
    user = f"runbook-checks-{accounts.run.id}@example.invalid"
    refused = 0
    for number in range(accounts.settings.burst):
        answer = accounts.try_login(user, f"wrong-{number:04d}")
        if answer.status == 429:
            if not refused:
                raise NoReading(
                    "auth", "the first wrong login met 429: somebody else has tried lately", kind="control-refused"
                )
            return
        if not 400 <= answer.status < 500 or answer.status in (404, 405):
            reason = f"a wrong login got HTTP {answer.status} from {answer.url}, which is no refusal"
            raise NoReading("auth", reason, kind="wrong-status")
        refused += 1
    raise Found(
        "not-limited",
        seen=f"{refused} wrong logins in a row, each refused alike and none slowed down",
        wanted=f"429 within {accounts.settings.burst}",
        tries=refused,
        **accounts.evidence(answer),
    )
