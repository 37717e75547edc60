"""Settings of a login: its address, what a token opens, how a forged token is refused."""

from __future__ import annotations

from dataclasses import field

from runbook_checks.config.capabilities.rules import PositiveFloat, PositiveInt, settings
from runbook_checks.config.secrets import Secret, Text


@settings
class Auth:
    """A login of users, the tokens (JWT) it gives, and a synthetic user, an ordinary one."""

    login: str
    """The address that takes user and password as JSON, by POST."""
    user_field: str = "email"
    """The field with the user's name."""
    password_field: str = "password"  # noqa: S105 - the name of a field
    """The field with the password."""
    token_field: str = "token"  # noqa: S105 - the name of a field
    """The field of the answer with the token, dots for nesting."""
    user: Text | None = None
    """The synthetic user's name."""
    password: Secret | None = None
    """Its password."""
    token: Secret | None = None
    """A token of its, for where a login is more than the environment allows (effects: refused)."""
    protected: str
    """An address that any user's token opens."""
    admin: str | None = None
    """An address for administrators only."""
    lifetime_s: PositiveFloat | None = None
    """A new token lasts that long."""
    secret: Secret | None = None
    """The key that tokens are signed with (HS256): for tokens that are right but for their times."""
    public_key: Text | None = None
    """PEM file of the key that tokens are verified with (RS256, ES256): to try it as a secret."""
    expired_token: Secret | None = None
    """A token that has run out, where 'secret' is not given."""
    refusals: list[int] = field(default_factory=lambda: [401])
    """The statuses by which a token is refused."""
    forbidden: list[int] = field(default_factory=lambda: [403])
    """The statuses by which a user without the role is refused."""
    burst: PositiveInt = 20
    """Wrong logins in a row, of which one must be told to wait (429)."""
