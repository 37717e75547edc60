"""Tell whether a text is an http:// or https:// address that can be read in one way only.

RFC 3986, 3.2: user and password end at the first '@', the authority at the first '/', '?' or '#'. A password with one
of these unescaped moves its tail to where the host is expected. Nothing of such an address is shown, resolved or
connected.
(probes.net.address is as strict, and takes apart what this lets pass.)
"""

from __future__ import annotations

import re
from ipaddress import ip_network
from urllib.parse import urlsplit

_USERINFO = r"(?:[^@/?#\[\]\\%\x00-\x20\x7f-\U0010ffff]|%[0-9A-Fa-f]{2})*@"
_NAME = r"(?!-)[\w-]{1,63}(?:\.[\w-]{1,63})*\.?"
_URL = re.compile(
    rf"(?i:https?)://(?:{_USERINFO})?(?:{_NAME}|\[[0-9A-Fa-f:.]+\])(?::[0-9]{{0,5}})?(?:[/?#][^@\s\x00-\x1f\x7f-\x9f]*)?"
)
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
    """Whether it is one; '@' may stand in it once, before the host."""
    text = text.strip()
    try:
        return _URL.fullmatch(text) is not None and urlsplit(text).port != 0
    except ValueError:
        return False


def is_host_or_network(text: str) -> bool:
    """A host name, an IP address, or a network such as 10.0.0.0/8."""
    try:
        return bool(ip_network(text, strict=False))
    except ValueError:
        return re.fullmatch(_NAME, text) is not None
