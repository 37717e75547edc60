"""Issue and validate the back end's tokens."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jwt.types import Options

    from runbook_checks_lab.aura_flow.rules import TokenRules

ALGORITHM = "HS256"


class Refused(Exception):
    """The token is missing or must not be accepted."""


class Tokens:
    """JSON Web Tokens (RFC 7519), signed with HMAC."""

    def __init__(self) -> None:
        self.secret = secrets.token_urlsafe(48)
        self._other = secrets.token_urlsafe(48)

    def issue(self, claims: dict[str, Any], now: float, rules: TokenRules) -> str:
        import jwt

        times = {"iat": int(now), "exp": int(now + rules.lifetime_s)}
        key = self._other if rules.issues_with_another_key else self.secret
        return jwt.encode({**claims, **times}, key, ALGORITHM)

    def claims(self, token: str, now: float, rules: TokenRules) -> dict[str, Any]:
        """Return the claims of an accepted token; raise Refused for any other."""
        import jwt

        try:
            header = jwt.get_unverified_header(token)
            claims = self._opened(token, header, rules)
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise Refused(str(error)) from None
        if rules.checks_times:
            _require_its_time(claims, now)
        return claims

    def _opened(self, token: str, header: dict[str, Any], rules: TokenRules) -> dict[str, Any]:
        import jwt

        algorithm = str(header.get("alg"))
        # Times are compared with the service's own clock.
        timeless: Options = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
        if not rules.checks_signature or (rules.takes_unsigned and algorithm.lower() == "none"):
            return dict(jwt.decode(token, options={**timeless, "verify_signature": False}))
        if rules.takes_embedded_keys and "jwk" in header:
            key = jwt.PyJWK.from_json(json.dumps(header["jwk"]), algorithm).key
            return dict(jwt.decode(token, key, algorithms=[algorithm], options=timeless))
        return dict(jwt.decode(token, self.secret, algorithms=[ALGORITHM], options=timeless))


def _require_its_time(claims: dict[str, Any], now: float) -> None:
    if not float(claims.get("nbf", 0)) <= now < float(claims["exp"]):
        raise Refused("the token is not valid at this time")
