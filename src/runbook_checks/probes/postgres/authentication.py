"""Decide how we may log in to a PostgreSQL server: never with the password in clear text to whoever answers.

https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNECT-REQUIRE-AUTH
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runbook_checks.inputs.address import is_loopback
from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.net.connect import join

if TYPE_CHECKING:
    from runbook_checks.probes.postgres.dsn import Dsn, Place

REFUSED = "clear-text-refused"
UNDECIDED = "tls-undecided"
# `none`: the server asks for nothing, or is content with the client's certificate.
METHODS = ("scram-sha-256", "md5", "none")
CLEAR = "password"
FIRST_WITH_REQUIRE_AUTH = 160000
WANTS_CLEAR_TEXT = (
    "wants the password in clear text, which is given over verified TLS only: say sslmode=verify-full, or have the "
    "server ask for scram-sha-256"
)


@dataclass(frozen=True)
class Login:
    """One server of a DSN, at one of its addresses (None: over a Unix socket)."""

    dsn: Dsn
    place: Place
    address: str | None

    @property
    def may_be_clear(self) -> bool:
        return self.dsn.is_verified or self.place.is_local

    @property
    def options(self) -> dict[str, str]:
        """What libpq is told beside the DSN's own options."""
        if not _knows_require_auth():
            return {}
        methods = (*METHODS, CLEAR) if self.may_be_clear else METHODS
        said = [word for word in self.dsn.options.get("require_auth", "").split(",") if word]
        chosen = [method for method in methods if _is_allowed(method, said)]
        return {"require_auth": ",".join(chosen or METHODS[-1:])}

    def refused_at(self, where: str) -> tuple[str, str] | None:
        """Kind and reason where no connection may be begun."""
        if not self.dsn.is_decided and self.address is not None and not is_loopback(self.address):
            return UNDECIDED, (
                f"{where} is another machine, and the DSN does not say whether TLS is spoken: add sslmode=verify-full, "
                "or sslmode=disable where the network is trusted"
            )
        if self.dsn.password and not self.may_be_clear and not _knows_require_auth():
            return REFUSED, (
                f"{where}: the libpq that is loaded would give the password in clear text to whoever asks for it; "
                "use libpq 16 or newer, or say sslmode=verify-full"
            )
        return None


def for_programs(dsn: Dsn, resource: str) -> dict[str, str]:
    """A DSN in libpq's keywords, for what connects by itself to whichever of its servers it reaches."""
    for place in dsn.places:
        at = place.address or place.host
        login = Login(dsn, place, None if place.is_local else "127.0.0.1" if at == "localhost" else at)
        if refused := login.refused_at(join(place.host, place.port)):
            raise NoReading(resource, refused[1], kind=refused[0])
    several = {
        "host": ",".join(place.host for place in dsn.places),
        "hostaddr": ",".join(place.address or "" for place in dsn.places),
        "port": ",".join(str(place.port) for place in dsn.places),
    }
    strictest = min((Login(dsn, place, "") for place in dsn.places), key=lambda login: login.may_be_clear)
    return {**dsn.options, **{name: value for name, value in several.items() if value.strip(",")}, **strictest.options}


def _is_allowed(method: str, said: list[str]) -> bool:
    """By the DSN's own require_auth: methods that may be, or with `!` methods that may not."""
    if said and all(word.startswith("!") for word in said):
        return f"!{method}" not in said
    return not said or method in said


def _knows_require_auth() -> bool:
    from psycopg import pq

    return pq.version() >= FIRST_WITH_REQUIRE_AUTH
