"""Log the synthetic user in, and request the addresses that a token opens."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runbook_checks.handles.base import Handle
from runbook_checks.handles.expected_response import MISSING, at
from runbook_checks.probes.core.reading import NoReading

if TYPE_CHECKING:
    from runbook_checks.config import capabilities
    from runbook_checks.probes.auth.tokens import Token
    from runbook_checks.probes.http.response import Answer

FAILURES = ("errors", "error")  # fields of a failure inside a 2xx response (GraphQL, and APIs that always answer 200)


@dataclass(frozen=True)
class Login:
    """The result of a login: its status, and the token if there is one."""

    url: str
    status: int
    token: str | None = field(repr=False)
    at: float  # epoch s


class Accounts(Handle):
    """The login and the addresses that a token opens."""

    needs = ("auth", "http")
    libraries = ("runbook_checks.probes.http.transport",)
    settings: capabilities.Auth

    def login(self) -> Login:
        """The synthetic user's login, shared by all checks."""
        return self.bound.shared.get("login", self._login)

    def _login(self) -> Login:
        user, password = (self._needed(name) for name in ("user", "password"))
        answer = self._send_login(user, password)
        token = self._token_in(answer) if 200 <= answer.status < 300 else None
        if token:
            self.run.redaction.add(token, "token")
        return Login(answer.url, answer.status, token, time.time())

    def _needed(self, name: str) -> str:
        value = self.bound.value(getattr(self.settings, name), "auth")
        if not value:
            raise NoReading("auth", f"auth.{name} of the synthetic user is not configured", kind="no-source")
        return value

    def try_login(self, user: str, password: str) -> Answer:
        """The response to a login, which may be 429."""
        return self._send_login(user, password, even_limited=True)

    def _send_login(self, user: str, password: str, **more: bool) -> Answer:
        body = json.dumps({self.settings.user_field: user, self.settings.password_field: password}).encode()
        headers = {"Content-Type": "application/json"}
        return self.bound.http.send("POST", self.settings.login, headers=headers, body=body, is_login=True, **more)

    def _token_in(self, answer: Answer) -> str | None:
        from runbook_checks.probes.http.client import NotJson

        try:
            value = at(answer.json(), self.settings.token_field)
        except NotJson:
            # NotJson quotes the beginning of the body, which may be the token.
            raise NoReading("auth", f"{answer.url}: the response to a login is not JSON", kind="not-json") from None
        return value if isinstance(value, str) and value else None

    def user_token(self) -> str:
        """The configured token of the synthetic user, or one from a login if the environment allows it."""
        named = self.bound.value(self.settings.token, "auth")
        if named:
            return named
        if not self.run.environment.allows("write"):
            reason = "this environment allows no login, and auth.token is not configured"
            raise NoReading("auth", reason, kind="no-source")
        login = self.login()
        if login.token is None:
            raise NoReading("auth", f"the synthetic user cannot log in (HTTP {login.status})", kind="login-refused")
        return login.token

    def control(self) -> str:
        """A token that opens the protected address, which proves that a refusal is about the token."""
        token = self.user_token()
        answer = self.bound.shared.get("control", lambda: self.open(token))
        if not self.opens(answer):
            reason = f"the synthetic user's own token gets HTTP {answer.status} from {answer.url}"
            raise NoReading("auth", reason, kind="control-refused")
        return token

    def open(self, token: str | None) -> Answer:
        """The protected address, requested with this token or without one."""
        return self._request(self.settings.protected, self.settings.protected_query, token)

    def open_admin(self, token: str) -> Answer:
        """The administrators' address, requested with this token."""
        assert self.settings.admin is not None
        return self._request(self.settings.admin, self.settings.admin_query, token)

    def _request(self, path: str, query: str | None, token: str | None) -> Answer:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if query is None:
            return self.bound.http.send("GET", path, headers=headers)
        body = json.dumps({"query": query}).encode()
        return self.bound.http.send("POST", path, headers=headers | {"Content-Type": "application/json"}, body=body)

    def opens(self, answer: Answer, name: str = "protected") -> bool:
        """Whether a response of the address `auth.<name>` lets its user in.

        NoReading not-understood where that cannot be known: a page instead of the API (a front end answers every path
        with its index), and an error inside a 2xx response.
        """
        if not 200 <= answer.status < 300:
            return False
        what, field = f"{answer.url} answers HTTP {answer.status}", getattr(self.settings, f"{name}_field")
        try:
            document = answer.json()
        except NoReading:
            if field is None and not answer.is_html:
                return True
            reason = f"{what}, but not as an API does: set auth.{name} to an address of the API"
            raise NoReading("auth", reason, kind="not-understood") from None
        if field is not None:
            return at(document, field) not in (MISSING, None, False, "", [], {})
        if isinstance(document, dict) and (any(map(document.get, FAILURES)) or document.get("success") is False):
            reason = f"{what} with an error in its body: set auth.{name}_field to a field that only a user gets"
            raise NoReading("auth", reason, kind="not-understood")
        return True

    def taken_apart(self, token: str) -> Token:
        from runbook_checks.probes.auth.tokens import taken_apart

        return taken_apart(token)

    def secret(self, name: str) -> str | None:
        """A secret of the settings, None if it is not configured."""
        return self.bound.value(getattr(self.settings, name), "auth")

    def public_key(self) -> bytes | None:
        path = self.bound.path(self.settings.public_key, "auth")
        if path is None:
            return None
        try:
            return path.read_bytes()
        except OSError as error:
            raise NoReading("auth", f"{path} cannot be read ({type(error).__name__})", kind="unreadable") from None

    def evidence(self, answer: Any) -> dict[str, Any]:
        return {"url": answer.url, "status": answer.status}
