"""The response of a service, as bytes, text and JSON, and how long each phase took."""

from __future__ import annotations

import codecs
import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from runbook_checks.probes.core.json_text import parsed
from runbook_checks.probes.core.reading import NoReading, one_line

EXCERPT = 80
HTML = re.compile(r"\s*+(?:<!--.{0,2000}?-->\s*+)?<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
# Python codecs that are no charsets; punycode takes minutes for a megabyte.
NO_CHARSETS = ("punycode", "idna", "unicode-escape", "raw-unicode-escape")
# Headers whose values may be shown; others could contain a secret.
SHOWN_HEADERS = (
    "age",
    "allow",
    "cache-control",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "retry-after",
    "server",
    "strict-transport-security",
    "via",
    "x-request-id",
)


class NotJson(NoReading):
    """The response is not a JSON document. kind not-json; evidence: status, content_type, excerpt."""


@dataclass(frozen=True)
class Timings:
    """Milliseconds by phase; the phases don't overlap and, with reading the body, make up the total.

    None means not measured: dns, connect and tls of a reused connection, tls without TLS. They are those of the last
    attempt, including its redirects.
    """

    dns_ms: float | None
    connect_ms: float | None  # over all tried addresses
    tls_ms: float | None
    first_byte_ms: float  # from the end of sending to the first byte of the response
    total_ms: float


@dataclass(frozen=True)
class Answer:
    """One response with any status."""

    method: str
    url: str  # after redirects, without user and password
    status: int
    headers: Mapping[str, str] = field(repr=False)  # names in any case; values of repeated ones joined by ", "
    body: bytes = field(repr=False)  # decoded, at most max_body bytes
    timings: Timings
    peer: str  # "address:port" of the server
    attempts: int
    sent_at: float  # seconds since the epoch: the request was sent
    received_at: float  # seconds since the epoch: the first byte came
    resource: str = "http"
    redirects: tuple[str, ...] = ()  # the addresses before it

    @property
    def text(self) -> str:
        """The body in the charset of its Content-Type, else UTF-8; undecodable bytes are replaced."""
        named = re.search(r"charset=\"?([\w.:-]+)", self.headers.get("content-type") or "", re.IGNORECASE)
        try:
            codec = codecs.lookup(named.group(1)).name if named else "utf-8"
            return self.body.decode("utf-8" if codec in NO_CHARSETS else codec, "replace")
        except (LookupError, ValueError):
            return self.body.decode("utf-8", "replace")

    @property
    def is_html(self) -> bool:
        """Whether the body is a page of HTML, for any Content-Type."""
        return HTML.match(self.text[:4096]) is not None

    @property
    def is_markup(self) -> bool:
        """Whether the body begins as HTML or XML does, such as a page of a proxy or firewall."""
        return self.text.lstrip()[:1] == "<"

    def json(self) -> Any:
        """The JSON object or array in the body, strictly (probes.core.json_text); NotJson for anything else.

        UTF-8 only (RFC 8259, 8.1), no lone surrogates (8.2); a byte order mark is ignored.
        """
        try:
            value = parsed(self.body.decode("utf-8-sig"), is_strict=True)
            if rb"\ud" in self.body.lower():
                json.dumps(value, ensure_ascii=False).encode()
        except ValueError:
            raise self._not_json("is not JSON") from None
        if not isinstance(value, (dict, list)):
            raise self._not_json("is JSON, but not an object or array")
        return value

    def _not_json(self, what: str) -> NotJson:
        content_type = one_line(self.headers.get("content-type") or "no Content-Type", 60)
        excerpt = one_line(self.body[: 4 * EXCERPT].decode("ascii", "replace").replace("\ufffd", "."), EXCERPT)
        seen = f"it begins {excerpt!r}" if excerpt else "it is empty"
        return NotJson(
            self.resource,
            f"{self.url}: the body of the {self.status} answer {what} ({content_type}; {seen})",
            kind="not-json",
            evidence={"status": self.status, "content_type": content_type, "excerpt": excerpt},
            attempts=self.attempts,
        )


def decoded(body: bytes, coding: str, limit: int) -> bytes | None:
    """The body without a content coding that was not requested, at most `limit` bytes and one; None on failure.

    A gigabyte of zeros is a megabyte of gzip: decoding stops at the limit.
    """
    coding = coding.strip().lower()
    if coding in ("", "identity"):
        return body
    if coding not in ("gzip", "x-gzip", "deflate"):
        return None
    for window in (zlib.MAX_WBITS | 32, -zlib.MAX_WBITS):  # RFC 9110, 8.4.1.2: some servers send raw deflate
        engine = zlib.decompressobj(window)
        try:
            plain = engine.decompress(body, limit + 1)
        except zlib.error:
            continue
        return plain if engine.eof or len(plain) > limit else None
    return None
