"""Read what a response allows pages of other origins (Fetch Standard, 3.2: the CORS protocol)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runbook_checks.probes.http.client import Answer

# Methods and headers that are always allowed (Fetch, 2.2.1 and 2.2.2; of headers those that our requests can name).
SAFE_METHODS = frozenset({"GET", "HEAD", "POST"})
SAFE_HEADERS = frozenset({"accept", "accept-language", "content-language"})


@dataclass(frozen=True)
class Grant:
    """The headers of the protocol in a response, unchanged."""

    says_anything: bool  # there is any header of the protocol
    varies: bool  # Vary names Origin: a CORS handler looked at the origin
    origin: str | None  # None without the header; several are joined by ", ", which no browser accepts
    credentials: bool
    methods: frozenset[str]
    headers: frozenset[str]  # in lower case

    def refused_methods(self, wanted: Iterable[str], *, credentials: bool) -> list[str]:
        """Methods that a browser would not send; `*` allows all, but not with credentials."""
        allowed = SAFE_METHODS | self.methods
        return [] if "*" in self.methods and not credentials else [m for m in wanted if m.upper() not in allowed]

    def refused_headers(self, wanted: Iterable[str], *, credentials: bool) -> list[str]:
        """Headers that a browser would not send; `*` never allows Authorization."""
        allowed = SAFE_HEADERS | self.headers
        by_star = "*" in self.headers and not credentials
        return [h for h in wanted if h.lower() not in allowed and not (by_star and h.lower() != "authorization")]


def ask(method: str, headers: Iterable[str], origin: str) -> dict[str, str]:
    """The headers of a preflight for a request of that method and with those headers."""
    names = ",".join(sorted(name.lower() for name in headers))
    preflight = {"Origin": origin, "Access-Control-Request-Method": method}
    return preflight | ({"Access-Control-Request-Headers": names} if names else {})


def grant(answer: Answer) -> Grant:
    """What a response allows."""

    def words(name: str) -> frozenset[str]:
        text = answer.headers.get(name) or ""
        return frozenset(word.strip() for word in text.split(",") if word.strip())

    return Grant(
        any(name.lower().startswith("access-control-") for name in answer.headers),
        "origin" in {word.lower() for word in words("vary")},
        answer.headers.get("access-control-allow-origin"),
        answer.headers.get("access-control-allow-credentials") == "true",
        frozenset(word.upper() for word in words("access-control-allow-methods")),
        frozenset(word.lower() for word in words("access-control-allow-headers")),
    )
