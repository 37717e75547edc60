"""Judge the addresses that a file gives, and refuse secrets written into it.

Only values that stand in the file itself are judged; what a reference leads to shows when it is used.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runbook_checks.config.addresses import is_address, is_host_or_network, quoted
from runbook_checks.config.secrets import FORMS, Reference
from runbook_checks.inputs.address import Malformed, as_port, split_address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from runbook_checks.config.cross_references import Named
    from runbook_checks.config.mistakes import Location
    from runbook_checks.config.runbook import System
    from runbook_checks.config.strict_yaml import Node

WRONG_PORT = "port must be 1-65535"
_NO_PLACE = "must be HOST:PORT, such as {}"
_PLACE = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^:/\s@\[\]]*)(?::([0-9]+))?")
_SECRET_HEADER = re.compile(r"auth|cookie|token|secret|password|api-?key|signature", re.IGNORECASE)


def nonsense(settings: System) -> Iterator[tuple[Location, str]]:
    """Where in a system's settings a value makes no sense, and why."""
    for location, value, wrong in _addresses(settings):
        written = _written(value)
        sentence = wrong(written) if written is not None else None
        if sentence:
            yield location, sentence
    for one in settings.clear_text:
        if not is_host_or_network(one):
            what = f"must be host names and networks, such as redis.internal or 10.0.0.0/8, not {quoted(one)}"
            yield ("clear_text",), what
    yield from _plain_secrets(("headers",), settings.headers)
    if settings.prometheus is not None:
        yield from _plain_secrets(("prometheus", "headers"), settings.prometheus.headers)


def _addresses(settings: System) -> Iterator[tuple[Location, Reference | None, Callable[[str], str | None]]]:
    """The addresses that a system's settings may hold, each with the rule for it."""
    yield ("proxy",), settings.proxy, _wrong_url
    yield ("resolver",), settings.resolver, _wrong_resolver
    if http := settings.http:
        yield ("http", "base_url"), http.base_url, _wrong_url
        yield ("http", "direct_url"), http.direct_url, _wrong_url
    if settings.prometheus:
        yield ("prometheus", "url"), settings.prometheus.url, _wrong_url
    if settings.rollback and settings.rollback.image:
        yield ("rollback", "image", "registry"), settings.rollback.image.registry, _wrong_url
    if settings.tls:
        yield ("tls", "address"), settings.tls.address, _wrong_tls_address
    if settings.host:
        yield ("host", "address"), settings.host.address, _wrong_host_address


def _plain_secrets(location: Location, headers: Mapping[str, Reference]) -> Iterator[tuple[Location, str]]:
    for name, value in headers.items():
        if _SECRET_HEADER.search(name) and _written(value) is not None:
            yield (*location, name), f"looks like a secret, which is given by reference only: {FORMS}"


def without_place(system: Node) -> Iterator[Named]:
    """A log that is nowhere. (Looked up as written: a place that is wrong is one all the same.)"""
    logs = system.get("logs")
    if logs is None or not isinstance(logs.value, dict):
        return
    names = [name for name in ("file", "cloudwatch", "command") if logs.get(name) is not None]
    if not names and not any(name == "url" for name, _ in logs.under("loki")):
        yield logs, ("logs",), "one of 'file', 'loki' (with its 'url'), 'cloudwatch' and 'command' is missing"


def _written(value: Reference | None) -> str | None:
    """The value where it stands in the file itself."""
    return str(value) if value is not None and value.kind == "literal" else None


def _wrong_url(url: str) -> str | None:
    return None if is_address(url) else "must be an address such as https://shop.example.com"


def _wrong_resolver(text: str) -> str | None:
    try:
        split_address(text, 53)
    except Malformed:
        return WRONG_PORT
    except ValueError:
        return "must be the IP address of a name server, as 10.0.0.53, 10.0.0.53:5353 or [fd00::53]:53"
    return None


def _wrong_tls_address(text: str) -> str | None:
    found = _PLACE.fullmatch(text)
    return _wrong_port(found[2]) if found and found[1] else _NO_PLACE.format("shop.example.com:443")


def _wrong_host_address(text: str) -> str | None:
    found = _PLACE.fullmatch(text)
    return _wrong_port(found[2]) if found and found[2] else _NO_PLACE.format("127.0.0.1:8080 or :8080")


def _wrong_port(text: str | None) -> str | None:
    try:
        as_port(text or "1")
    except Malformed:
        return WRONG_PORT
    return None
