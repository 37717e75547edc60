"""What is there to ask a login: the synthetic user's token, what it opens, how forged ones fare?"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runbook_checks.handles.base import Handle
from runbook_checks.handles.expected_response import at
from runbook_checks.probes.core.reading import NoReading

if TYPE_CHECKING:
    from runbook_checks.config import capabilities
    from runbook_checks.probes.auth.tokens import Token
    from runbook_checks.probes.http.response import Answer


@dataclass(frozen=True)
class Login:
    """How a login went: the status, and the token where there is one."""

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
        """The synthetic user's, made once for all checks."""
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
            raise NoReading("auth", f"the environment names no synthetic user (auth.{name})", kind="no-source")
        return value

    def try_login(self, user: str, password: str) -> Answer:
        """The answer to a login, which may be that there were too many."""
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
            # Not as the library tells it: what the body begins with may be the token.
            raise NoReading("auth", f"{answer.url}: the answer to a login is no JSON", kind="not-json") from None
        return value if isinstance(value, str) and value else None

    def user_token(self) -> str:
        """A token of the synthetic user: by a login where that is allowed, else the one that the environment names."""
        named = self.bound.value(self.settings.token, "auth")
        if named:
            return named
        if not self.run.environment.allows("write"):
            raise NoReading(
                "auth",
                "a login is more than this environment allows, and no token is named (auth.token)",
                kind="no-source",
            )
        login = self.login()
        if login.token is None:
            raise NoReading("auth", f"the synthetic user can't log in (HTTP {login.status})", kind="login-refused")
        return login.token

    def control(self) -> str:
        """A token that opens the protected address: where that is refused too, refusals prove nothing."""
        token = self.user_token()
        answer = self.bound.shared.get("control", lambda: self.open(self.settings.protected, token))
        if not 200 <= answer.status < 300:
            reason = f"the synthetic user's own token gets HTTP {answer.status} from {answer.url}"
            raise NoReading("auth", reason, kind="control-refused")
        return token

    def open(self, path: str, token: str | None) -> Answer:
        """An address, asked with this token or without one."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self.bound.http.send("GET", path, headers=headers)

    def taken_apart(self, token: str) -> Token:
        from runbook_checks.probes.auth.tokens import taken_apart

        return taken_apart(token)

    def secret(self, name: str) -> str | None:
        """A secret of the settings, None where none is named."""
        return self.bound.value(getattr(self.settings, name), "auth")

    def public_key(self) -> bytes | None:
        path = self.bound.path(self.settings.public_key, "auth")
        if path is None:
            return None
        try:
            return path.read_bytes()
        except OSError as error:
            raise NoReading("auth", f"{path} can't be read ({type(error).__name__})", kind="unreadable") from None

    def evidence(self, answer: Any) -> dict[str, Any]:
        return {"url": answer.url, "status": answer.status}
