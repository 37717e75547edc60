"""Settings of a login: its address, what a token opens, how a forged token is refused."""

from __future__ import annotations

from dataclasses import field

from runbook_checks.config.capabilities.rules import PositiveFloat, PositiveInt, settings
from runbook_checks.config.secrets import Secret, Text


@settings
class Auth:
    """A login of users, the tokens (JWT) that it issues, and a synthetic user without special rights."""

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
    """A token of the synthetic user, for environments that do not allow a login (effects: refused)."""
    protected: str
    """An address of the API that any user's token opens."""
    protected_query: str | None = None
    """A GraphQL query, sent by POST to 'protected' instead of GET; it only reads."""
    protected_field: str | None = None
    """A field of its JSON answer that only a user gets, dots for nesting (GraphQL: data.me); else any 2xx opens it."""
    admin: str | None = None
    """An address of the API for administrators only."""
    admin_query: str | None = None
    """A GraphQL query, sent by POST to 'admin' instead of GET; it only reads."""
    admin_field: str | None = None
    """A field of its JSON answer that only an administrator gets, dots for nesting."""
    lifetime_s: PositiveFloat | None = None
    """The lifetime of a new token."""
    secret: Secret | None = None
    """The key that signs tokens (HS256), to make expired tokens with a right signature."""
    public_key: Text | None = None
    """PEM file of the key that verifies tokens (RS256, ES256), to try it as an HMAC secret."""
    expired_token: Secret | None = None
    """An expired token, if 'secret' is not given."""
    refusals: list[int] = field(default_factory=lambda: [401])
    """The statuses that refuse a token."""
    forbidden: list[int] = field(default_factory=lambda: [403])
    """The statuses that refuse a user without the role."""
    burst: PositiveInt = 20
    """Wrong logins in a row, of which one must be refused with 429."""
