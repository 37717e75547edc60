"""Connect by TCP, and measure the time for name resolution and connection."""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from runbook_checks.probes.core.deadline import Deadline
from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.net import far_ends as rules
from runbook_checks.probes.net.far_ends import FarEnds
from runbook_checks.probes.net.resolve import resolve

UNREACHABLE = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN)
# Addresses and ports that timed out in this process: each caller would otherwise wait for a dead address again.
_silent: set[tuple[str, int]] = set()
REFUSED = "connection-refused"
SILENT = "connect-timeout"


@dataclass
class Connected:
    sock: socket.socket  # its timeout is the rest of the deadline
    peer: str
    dns_ms: float
    connect_ms: float  # over all addresses tried


def connect(
    host: str,
    port: int,
    *,
    resolver: str | None,
    deadline: Deadline,
    connect_timeout_s: float,
    resource: str,
    as_served: bool = False,
    guard: Callable[[str], None] | None = None,
    far_ends: FarEnds | None = None,
) -> Connected:
    """Connect to the addresses of a name in turn, within one deadline.

    An address that timed out before is tried last; as_served=True tries them in the order of the answer,
    as a new client does. `guard` raises NoReading for an address that must not be connected to.

    far_ends is given if a far end named the host: then only addresses that it permits are connected to.

    NoReading name-not-resolved, address-refused (no address is permitted), connection-refused (every
    address that responded refused) or connect-timeout (one at least timed out or is unreachable).
    """
    begun = time.monotonic()
    addresses = resolve(host, resolver=resolver, deadline=deadline, resource=resource)
    resolved = time.monotonic()
    if far_ends is not None:
        addresses = _followed(far_ends, addresses, host, port, resource)
    if not as_served:
        addresses = sorted(addresses, key=lambda address: (address, port) in _silent)
    tried: dict[str, str] = {}
    kinds: set[str | None] = set()
    for number, address in enumerate(addresses):
        if guard is not None:
            guard(address)
        share = share_of(deadline, len(addresses) - number, connect_timeout_s)
        try:
            sock = connect_one(address, port, share, deadline)
        except OSError as error:
            # If the deadline shuts the socket down while connecting, the error depends on the system.
            kind, tried[address] = _why(TimeoutError() if deadline.expired else error, share)
            kinds.add(kind)
            if kind == SILENT:
                _silent.add((address, port))
            continue
        now = time.monotonic()
        _silent.discard((address, port))
        return Connected(sock, join(address, port), _ms(resolved - begun), _ms(now - resolved))
    raise no_connection(resource, host, port, tried, kinds)


def _followed(far_ends: FarEnds, addresses: list[str], host: str, port: int, resource: str) -> list[str]:
    kept = [address for address in addresses if far_ends.may_dial(address, port)]
    if not kept:
        evidence = {"host": host, "port": port, "addresses": addresses}
        raise NoReading(resource, rules.sentence(join(host, port), addresses[0]), kind=rules.REFUSED, evidence=evidence)
    return kept


def share_of(deadline: Deadline, addresses_left: int, limit: float) -> float:
    """Return the timeout of one address: it must leave time for the others, but each gets a second if possible."""
    left = deadline.remaining()
    return min(limit, left, max(1.0, left / addresses_left))


def connect_one(address: str, port: int, timeout_s: float, deadline: Deadline) -> socket.socket:
    if timeout_s <= 0:
        raise TimeoutError
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with ExitStack() as undo:
        sock = undo.enter_context(socket.socket(family, socket.SOCK_STREAM))
        sock.settimeout(timeout_s)
        with deadline.watch(sock):
            sock.connect((address, port))
        # A socket that was shut down while connecting looks like a connected one.
        if deadline.expired:
            raise TimeoutError
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(max(0.001, deadline.remaining()))
        undo.pop_all()
        return sock


def no_connection(resource: str, host: str, port: int, tried: dict[str, str], kinds: set[str | None]) -> NoReading:
    kind = next((k for k in (SILENT, REFUSED) if k in kinds), None)
    where = join(host, port)
    if len(tried) == 1:
        [(address, what)] = tried.items()
        text = f"{where} {what}" if address == host else f"{where} ({address}) {what}"
    else:
        text = f"no address of {where} could be connected: " + "; ".join(f"{a} {w}" for a, w in tried.items())
    return NoReading(resource, text, kind=kind, evidence={"host": host, "port": port, "tried": tried})


def _why(error: OSError, waited: float) -> tuple[str | None, str]:
    if isinstance(error, ConnectionError):
        return REFUSED, "refused the connection"
    if isinstance(error, TimeoutError):
        return SILENT, f"did not respond to the connection attempt within {waited:.1f} s"
    if error.errno in UNREACHABLE:
        return SILENT, "is unreachable (no route)"
    return None, f"could not be connected ({errno.errorcode.get(error.errno or 0, type(error).__name__)})"


def join(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
