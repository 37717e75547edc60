"""Resolve host names, with a given name server or as the system does."""

from __future__ import annotations

import contextlib
import socket
import threading
from ipaddress import ip_address

from runbook_checks.probes.core.deadline import Deadline
from runbook_checks.probes.net.unresolved import not_resolved

SYSTEM = "the machine's own"
MOST_S = 10.0  # two queries of five seconds, as in resolv.conf(5)


def resolve(host: str, *, resolver: str | None = None, deadline: Deadline, resource: str = "dns") -> list[str]:
    """Return the addresses of `host`: IPv4 first, each family in the order of the answer.

    The timeout is MOST_S, or the deadline if that is earlier.

    resolver  "address[:port]" of a name server to query; None resolves as the system does. An address given
              as host is returned as it is. `localhost` is always loopback (RFC 6761, 6.3).

    NoReading name-not-resolved: the name doesn't exist, has no address, or no server responded in time. If the reason
    is the resolver, the evidence has the `resolver` and its state: see unresolved.not_resolved.
    """
    host = host.strip("[]")
    with contextlib.suppress(ValueError):
        ip_address(host)
        return [host]
    deadline = deadline.child(MOST_S)
    if resolver is None:
        return _ask_system(host, deadline, resource)
    if host.rstrip(".").lower().split(".")[-1] == "localhost":
        return ["127.0.0.1", "::1"]
    from runbook_checks.probes.net.dns_client import ask

    return ask(host, resolver, deadline, resource)


class _Lookup:
    """One getaddrinfo call in progress. It cannot be interrupted: callers abandon it at their deadline."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.is_done = threading.Event()
        self.addresses: list[str] = []
        self.problem = ""
        self.is_for_now = False

    def run(self) -> None:
        try:
            found = socket.getaddrinfo(self.host, None, type=socket.SOCK_STREAM)
            self.addresses = in_order([str(sockaddr[0]) for *_, sockaddr in found])
        except socket.gaierror as error:
            self.problem = error.strerror or "no address"
            self.is_for_now = error.errno == socket.EAI_AGAIN  # no name server responded, or all failed
        except (OSError, UnicodeError) as error:
            self.problem = f"not a valid host name ({type(error).__name__})"
        finally:
            with _lock:
                _lookups.pop(self.host, None)
            self.is_done.set()


_lock = threading.Lock()
_lookups: dict[str, _Lookup] = {}


def _ask_system(host: str, deadline: Deadline, resource: str) -> list[str]:
    # Callers of one name share one thread, so that threads do not pile up if the resolver hangs.
    with _lock:
        lookup = _lookups.get(host)
        if lookup is None:
            lookup = _lookups[host] = _Lookup(host)
            threading.Thread(target=lookup.run, name=f"resolve {host}", daemon=True).start()
    _wait(lookup.is_done, deadline)
    if not lookup.is_done.is_set():
        why = "the system's resolver gave no answer in time (timeout)"
        raise not_resolved(resource, host, why, resolver=SYSTEM, state="failing")
    if not lookup.addresses:
        state = "failing" if lookup.is_for_now else None
        raise not_resolved(resource, host, lookup.problem or "no address", resolver=SYSTEM, state=state)
    return list(lookup.addresses)


def _wait(event: threading.Event, deadline: Deadline) -> None:
    # The answer or the deadline ends the wait; short slices notice both.
    while not event.is_set() and not deadline.expired:
        event.wait(min(0.05, max(0.001, deadline.remaining())))


def in_order(addresses: list[str]) -> list[str]:
    """Return each address once, IPv4 first: machines without an IPv6 route are common, without IPv4 rare."""
    once = list(dict.fromkeys(addresses))
    return [a for a in once if ":" not in a] + [a for a in once if ":" in a]
