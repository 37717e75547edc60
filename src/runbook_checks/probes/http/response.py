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
# Python's codecs that no charset parameter means; punycode takes minutes for a megabyte.
NO_CHARSETS = ("punycode", "idna", "unicode-escape", "raw-unicode-escape")
# The only header values that may be shown; all others could carry a secret.
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
    """It answered, but not with a JSON document. kind not-json; evidence: status, content_type, excerpt."""


@dataclass(frozen=True)
class Timings:
    """Milliseconds by phase; the phases don't overlap and, with reading the body, make up the total.

    None means not measured: dns, connect and tls of a connection that was reused, tls without TLS. They are those
    of the attempt that was answered, its redirects included.
    """

    dns_ms: float | None
    connect_ms: float | None  # over all addresses tried
    tls_ms: float | None
    first_byte_ms: float  # from the request being sent to the first byte of the answer
    total_ms: float


@dataclass(frozen=True)
class Answer:
    """One answer, whatever its status."""

    method: str
    url: str  # after redirects, without user and password
    status: int
    headers: Mapping[str, str] = field(repr=False)  # names in any case; repeated ones joined by ", "
    body: bytes = field(repr=False)  # decoded, at most max_body bytes
    timings: Timings
    peer: str  # "address:port" that answered
    attempts: int
    sent_at: float  # seconds since the epoch: the request was sent
    received_at: float  # seconds since the epoch: the first byte of the answer came
    resource: str = "http"
    redirects: tuple[str, ...] = ()  # the addresses that led here

    @property
    def text(self) -> str:
        """The body by the charset of its Content-Type, UTF-8 without one; what doesn't decode is replaced."""
        named = re.search(r"charset=\"?([\w.:-]+)", self.headers.get("content-type") or "", re.IGNORECASE)
        try:
            codec = codecs.lookup(named.group(1)).name if named else "utf-8"
            return self.body.decode("utf-8" if codec in NO_CHARSETS else codec, "replace")
        except (LookupError, ValueError):
            return self.body.decode("utf-8", "replace")

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
            raise self._not_json("is JSON, but no object or array")
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


def is_html(answer: Answer) -> bool:
    """Whether the body is a page of HTML, whatever its Content-Type is."""
    return HTML.match(answer.text[:4096]) is not None


def decoded(body: bytes, coding: str, limit: int) -> bytes | None:
    """The body without a coding that was not asked for, at most `limit` bytes and one; None if it can't be.

    A gigabyte of zeros is a megabyte of gzip: decoding stops at the limit.
    """
    coding = coding.strip().lower()
    if coding in ("", "identity"):
        return body
    if coding not in ("gzip", "x-gzip", "deflate"):
        return None
    for window in (zlib.MAX_WBITS | 32, -zlib.MAX_WBITS):  # RFC 9110, 8.4.1.2: raw deflate is met too
        engine = zlib.decompressobj(window)
        try:
            plain = engine.decompress(body, limit + 1)
        except zlib.error:
            continue
        return plain if engine.eof or len(plain) > limit else None
    return None
