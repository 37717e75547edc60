"""Does what a file gives make sense as an address, and is no secret written into it?

Only values that stand in the file can be looked at here; what a reference leads to shows when it is used.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING

from runbook_checks.config.addresses import is_address, is_host_or_network, quoted
from runbook_checks.config.secrets import FORMS, Reference

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runbook_checks.config.cross_references import Named
    from runbook_checks.config.mistakes import Location
    from runbook_checks.config.runbook import System
    from runbook_checks.config.strict_yaml import Node

_SECRET_HEADER = re.compile(r"auth|cookie|token|secret|password|api-?key|signature", re.IGNORECASE)


def nonsense(settings: System) -> Iterator[tuple[Location, str]]:
    """Where in a system's settings a value makes no sense, and why."""
    http, tls, host = settings.http, settings.tls, settings.host
    urls: dict[Location, Reference | None] = {("proxy",): settings.proxy}
    if http is not None:
        urls |= {("http", "base_url"): http.base_url, ("http", "direct_url"): http.direct_url}
    if settings.prometheus is not None:
        urls["prometheus", "url"] = settings.prometheus.url
    if settings.rollback is not None and settings.rollback.image is not None:
        urls["rollback", "image", "registry"] = settings.rollback.image.registry
    for location, url in urls.items():
        yield from _told(location, _wrong_url(_written(url)))
    yield from _told(("resolver",), _wrong_resolver(_written(settings.resolver)))
    if tls is not None:
        wrong = _wrong_address(_written(tls.address), "shop.example.com:443", needs_port=False)
        yield from _told(("tls", "address"), wrong)
    if host is not None:
        wrong = _wrong_address(_written(host.address), "127.0.0.1:8080 or :8080", needs_port=True)
        yield from _told(("host", "address"), wrong)
    for one in settings.clear_text:
        if not is_host_or_network(one):
            yield (
                ("clear_text",),
                f"must be host names and networks, such as redis.internal or 10.0.0.0/8, not {quoted(one)}",
            )
    yield from _plain_secrets(("headers",), settings.headers)
    if settings.prometheus is not None:
        yield from _plain_secrets(("prometheus", "headers"), settings.prometheus.headers)


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


def _told(location: Location, wrong: str | None) -> Iterator[tuple[Location, str]]:
    if wrong:
        yield location, wrong


def _written(value: Reference | None) -> str | None:
    """The value where it stands in the file itself."""
    return str(value) if value is not None and value.kind == "literal" else None


def _wrong_url(url: str | None) -> str | None:
    if url is None:
        return None
    return None if is_address(url) else "must be an address such as https://shop.example.com"


def _wrong_resolver(text: str | None) -> str | None:
    if text is None:
        return None
    bracketed = re.fullmatch(r"\[([0-9a-fA-F:.]+)\](?::([0-9]+))?", text)
    plain = re.fullmatch(r"([0-9.]+)(?::([0-9]+))?", text)
    found = bracketed or plain
    try:
        ip_address(found[1] if found else text)
    except ValueError:
        return "must be the IP address of a name server, as 10.0.0.53, 10.0.0.53:5353 or [fd00::53]:53"
    return None if not (found and found[2]) or 0 < int(found[2]) < 65536 else "has a port that nobody can have"


def _wrong_address(text: str | None, such_as: str, *, needs_port: bool) -> str | None:
    if text is None:
        return None
    found = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^:/\s@\[\]]*)(?::([0-9]+))?", text)
    if found and (found[1] or needs_port) and (found[2] or not needs_port):
        return None if 0 < int(found[2] or 1) < 65536 else "has a port that nobody can have"
    return f"must be HOST:PORT, such as {such_as}"
