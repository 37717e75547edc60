"""State of the running back end: rules, clock, users, tokens, uploads."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import Literal

from runbook_checks_lab.aura_flow.limiter import Limiter
from runbook_checks_lab.aura_flow.rules import ServiceBehaviour
from runbook_checks_lab.aura_flow.tokens import Tokens
from runbook_checks_lab.servers.answers import Versions, clock_of


@dataclass(frozen=True)
class Account:
    id: int
    email: str
    password: str
    role: Literal["user", "admin"]


def _account(number: int, email: str, role: Literal["user", "admin"]) -> Account:
    return Account(number, email, secrets.token_urlsafe(18), role)


class Service:
    """The state that the routes share; faults change `behaviour`."""

    def __init__(self) -> None:
        self.behaviour = ServiceBehaviour()
        self.clock = clock_of(lambda: self.behaviour)
        self.versions = Versions(lambda: self.behaviour)
        self.tokens = Tokens()
        self.logins = Limiter()
        self.synthetic = _account(41, "checks@aura-flow.example", "user")
        self.accounts = {a.email: a for a in (self.synthetic, _account(1, "admin@aura-flow.example", "admin"))}
        self.uploads: dict[str, int] = {}
        self.started = time.time()

    async def settle(self) -> None:
        """Nothing is cached, so there is nothing to do."""

    @property
    def answered(self) -> int:
        """Return how many requests it has answered, with some of normal use."""
        return 1200 + int(4 * (time.time() - self.started))

    def components(self) -> dict[str, str]:
        return {}

    def login(self, email: str, password: str) -> Account | None:
        account = self.accounts.get(email) if self.behaviour.knows_users else None
        right = secrets.compare_digest((account.password if account else "").encode(), password.encode())
        return account if account and right else None

    def expired_token(self) -> str:
        """Return a token of the synthetic user that expired yesterday."""
        rules = ServiceBehaviour().token
        return self.tokens.issue(self.claims(self.synthetic), self.clock.seconds() - 86400, rules)

    @staticmethod
    def claims(account: Account) -> dict[str, object]:
        return {"sub": str(account.id), "email": account.email, "role": account.role}
