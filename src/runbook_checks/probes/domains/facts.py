"""The facts that a sweep collects about a domain. They are kept small, since there may be ten thousand of them."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar, cast

if TYPE_CHECKING:
    from runbook_checks.probes.net.name_server import Answer
    from runbook_checks.probes.tls.certificate import Validity
    from runbook_checks.probes.tls.server import Handshake

T = TypeVar("T", bound=Hashable)
MOST_SHARED = 1024
_known: dict[Hashable, Hashable] = {}


def shared(fact: T) -> T:
    """Return one object for all equal facts, since most domains have the same."""
    if len(_known) >= MOST_SHARED:
        return cast("T", _known.get(fact, fact))
    return cast("T", _known.setdefault(fact, fact))


@dataclass(frozen=True, slots=True)
class Authority:
    """What the zone's own name servers answer, which resolvers repeat once their caches expire."""

    zone: str | None
    servers: tuple[str, ...] = ()  # by name
    asked: str = ""  # "name (address:port)" of the server that responded
    txt: Answer | None = None
    address: Answer | None = None
    address6: Answer | None = None  # not queried if an alias leads to the base host
    problem: str = ""  # why no server could be queried, or none responded


@dataclass(frozen=True, slots=True)
class Gone:
    """Why something could not be read: kind and words of a NoReading."""

    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class Routed:
    """The response to one GET request."""

    status: int
    code: str | None  # the error code in a JSON body, where there is one
    location: str | None


@dataclass(slots=True)
class Served:
    """What a domain's address serves: its certificate in short, and in full if it does not verify."""

    peer: str  # "address:port"
    not_before: float  # seconds since the epoch
    not_after: float
    issuer: str
    handshake: Handshake | None = None  # None: OpenSSL verified chain, dates, strength and name
    first_to_end: Validity | None = None  # of the issuers in the path, if one ends before the certificate


@dataclass(slots=True)
class Facts:
    """Everything that a sweep read about a domain."""

    domain: str  # ASCII, as it is queried
    txt: Answer
    address: Answer  # A records, and the aliases on the way to them
    address6: Answer | None = None  # AAAA records; not queried if an alias leads to the base host
    authority: Authority | None = None  # queried if the resolver's answers do not prove the domain
    served: Served | None = None
    routed: Routed | None = None
    gone: Gone | None = None  # why nothing is served, or nothing routed

    @property
    def addresses(self) -> tuple[str, ...]:
        return self.address.values + (self.address6.values if self.address6 else ())


@dataclass(slots=True)
class Swept:
    """The result of a sweep."""

    facts: dict[str, Facts]  # by domain, as it was given
    base_addresses: tuple[str, ...]
    unseen: dict[str, str] = field(default_factory=dict)  # domains that were not checked, and why
    duration_s: float = 0.0
    time_of_look: float = 0.0
    questions: int = 0
    resolver: str = ""
