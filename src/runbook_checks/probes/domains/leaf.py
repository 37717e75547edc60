"""When does a certificate begin and end, and who issued it? (Read from the DER itself: no more of it is needed.)

Only certificates that OpenSSL has verified come here, so they are well-formed.
"""

from __future__ import annotations

import calendar
from functools import lru_cache

UTC_TIME = 0x17


def dates_and_issuer(der: bytes) -> tuple[float, float, str]:
    """Not before and not after (seconds since the epoch), and the issuer as RFC 4514 writes it (RFC 5280, 4.1)."""
    at, _ = _inside(der, 0)  # Certificate
    at, _ = _inside(der, at)  # TBSCertificate
    if der[at] == 0xA0:
        at = _after(der, at)  # version
    at = _after(der, _after(der, at))  # serial number, signature's algorithm
    ends = _after(der, at)
    issuer = _issuer(der[at:ends])
    at, _ = _inside(der, ends)  # Validity
    return _time(der, at), _time(der, _after(der, at)), issuer


def _inside(der: bytes, at: int) -> tuple[int, int]:
    """Where the content of an element begins, and where it ends."""
    size = der[at + 1]
    if size < 0x80:
        return at + 2, at + 2 + size
    count = size & 0x7F
    begins = at + 2 + count
    return begins, begins + int.from_bytes(der[at + 2 : begins], "big")


def _after(der: bytes, at: int) -> int:
    return _inside(der, at)[1]


def _time(der: bytes, at: int) -> float:
    """UTCTime or GeneralizedTime, both in UTC and with seconds (RFC 5280, 4.1.2.5)."""
    begins, ends = _inside(der, at)
    text = der[begins:ends].decode("ascii").rstrip("Z")
    if der[at] == UTC_TIME:
        text = ("20" if int(text[:2]) < 50 else "19") + text
    parts = (int(text[:4]), *(int(text[n : n + 2]) for n in range(4, 14, 2)))
    return float(calendar.timegm((*parts, 0, 0, 0)))


@lru_cache(maxsize=64)
def _issuer(name: bytes) -> str:
    parts = []
    at, end = _inside(name, 0)
    while at < end:
        inner, _ = _inside(name, at)  # RelativeDistinguishedName
        inner, _ = _inside(name, inner)  # AttributeTypeAndValue
        kind = name[inner : _after(name, inner)]
        begins, ends = _inside(name, _after(name, inner))
        parts.append(f"{_TYPES.get(kind, 'OID')}={name[begins:ends].decode('utf-8', 'replace')}")
        at = _after(name, at)
    return ",".join(reversed(parts))


_TYPES = {
    b"\x06\x03\x55\x04\x03": "CN",
    b"\x06\x03\x55\x04\x06": "C",
    b"\x06\x03\x55\x04\x07": "L",
    b"\x06\x03\x55\x04\x08": "ST",
    b"\x06\x03\x55\x04\x0a": "O",
    b"\x06\x03\x55\x04\x0b": "OU",
}
