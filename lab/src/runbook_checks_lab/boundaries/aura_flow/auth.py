"""Responses of the login and of protected addresses, with all or only some of the credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runbook_checks_lab.aura_flow.names import ADMIN, LOGIN, ME
from runbook_checks_lab.boundaries.aura_flow import boundary, responds
from runbook_checks_lab.registry import untouched

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab
    from runbook_checks_lab.registry import Body

SECRET, EXPIRED = "auth.secret", "auth.expired_token"


# A server error is not a refusal: it does not show why the login failed.
boundary("auth.login-failing", "login-503", "None")(responds(f"POST {LOGIN}", 503))
boundary("auth.login-failing", "protected-503", "None")(responds(f"GET {ME}", 503))
boundary("auth.login-failing", "protected-302", "token-rejected")(responds(f"GET {ME}", 302))


def _lifetime(seconds: float) -> Body:
    def body(lab: Lab) -> None:
        lab.aura_flow.service.behaviour.token.lifetime_s = seconds

    return body


# An hour is promised; a tenth may be missing.
boundary("auth.login-failing", "token-of-57-min")(_lifetime(57 * 60))
boundary("auth.login-failing", "token-of-50-min", "token-expired-early")(_lifetime(50 * 60))
boundary("auth.login-failing", "no-lifetime-promised", settings={"auth.lifetime_s": None})(_lifetime(50 * 60))
boundary("auth.login-failing", "dead-on-arrival", "token-expired-early")(_lifetime(-5))

boundary("auth.forgery-accepted", "nothing-that-ran-out", "unknown", settings={SECRET: None, EXPIRED: None})(untouched)
boundary("auth.forgery-accepted", "key-alone", settings={EXPIRED: None})(untouched)
boundary("auth.forgery-accepted", "kept-token-alone", settings={SECRET: None})(untouched)


@boundary("auth.forgery-accepted", "fails-on-forgeries", "unknown")
def _fails(lab: Lab) -> None:
    """A server error is not a refusal."""
    lab.aura_flow.service.behaviour.token.refuses_with = 500


def _times_unchecked(lab: Lab) -> None:
    lab.aura_flow.service.behaviour.token.checks_times = False


boundary("auth.forgery-accepted", "key-tells", "expired-accepted", settings={EXPIRED: None})(_times_unchecked)
boundary("auth.forgery-accepted", "kept-token-tells", "expired-accepted", settings={SECRET: None})(_times_unchecked)

boundary("auth.role-not-enforced", "admin-500", "unknown")(responds(f"GET {ADMIN}", 500))
boundary("auth.role-not-enforced", "admin-302", "unknown")(responds(f"GET {ADMIN}", 302))

# An address that answers a wrong password like this is not a login.
boundary("auth.rate-limit-missing", "login-404", "unknown")(responds(f"POST {LOGIN}", 404))
boundary("auth.rate-limit-missing", "login-405", "unknown")(responds(f"POST {LOGIN}", 405))
boundary("auth.rate-limit-missing", "login-503", "unknown")(responds(f"POST {LOGIN}", 503))
boundary("auth.rate-limit-missing", "first-429", "unknown")(responds(f"POST {LOGIN}", 429))
