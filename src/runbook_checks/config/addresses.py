"""Judge addresses that a file gives, and quote values that may be one."""

from __future__ import annotations

import re
from ipaddress import ip_network

from runbook_checks.inputs.address import Malformed, is_name, split

NO_ADDRESS = (
    "is no http:// or https:// address; in user and password '@' is written %40, '/' %2F, '?' %3F, '#' %23 and '%' %25"
)
LOGIN = "holds a user or a password; give the whole address by reference, {env: NAME}"


def has_login(text: str) -> bool:
    """Whether a URL may hold a user or a password, which may be a token."""
    return re.search(r"://.*@", text, re.DOTALL) is not None


def hidden(text: str) -> str:
    """The text, unless it may be an address, and so hold a password."""
    return "(an address)" if re.search(r"@|://", text) else text


def quoted(text: object) -> str:
    """A value as a sentence quotes it; what may be an address is not shown."""
    return f"'{hidden(str(text))}'"


def is_address(text: str) -> bool:
    """Whether it is an http:// or https:// address that can be read in one way only."""
    try:
        return split(text).scheme in ("http", "https")
    except Malformed:
        return False


def is_host_or_network(text: str) -> bool:
    """A host name, an IP address, or a network such as 10.0.0.0/8."""
    try:
        return bool(ip_network(text, strict=False))
    except ValueError:
        return is_name(text)
