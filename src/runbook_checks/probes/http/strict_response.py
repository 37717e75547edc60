"""Is what came a well-formed HTTP answer, whole and bounded?

http.client takes a cut header block for a whole one, reads chunk sizes leniently and skips interim
answers without an end; here that is put right.
"""

from __future__ import annotations

import http.client
import re
import time
from email.errors import (
    FirstHeaderLineIsContinuationDefect,
    InvalidHeaderDefect,
    MissingHeaderBodySeparatorDefect,
)
from typing import Any

from runbook_checks.probes.http.exchange import MAX_LINE, Exchange, Malformed, exchange, too_large

MAX_HEADER_BYTES = 128 * 1024  # also ends a storm of interim answers
CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,15}")
BAD_HEADERS = (FirstHeaderLineIsContinuationDefect, InvalidHeaderDefect, MissingHeaderBodySeparatorDefect)


class HeaderLines:
    """The file of a response while its headers are read: bounded, and its end is not the headers' end."""

    def __init__(self, file: Any) -> None:
        self.file = file
        self.left = MAX_HEADER_BYTES

    def readline(self, limit: int) -> bytes:
        line: bytes = self.file.readline(limit)
        is_first = self.left == MAX_HEADER_BYTES
        self.left -= len(line)
        if self.left < 0:
            raise Malformed(f"its headers are longer than {MAX_HEADER_BYTES} bytes")
        if not line.endswith(b"\n") and len(line) < limit:
            if is_first and not line.startswith(b"HTTP/"[: len(line)]):
                raise http.client.BadStatusLine("")
            raise http.client.RemoteDisconnected("the connection ended in the headers")
        return line

    def close(self) -> None:
        self.file.close()


class Response(http.client.HTTPResponse):
    fp: Any
    length: int | None

    def begin(self) -> None:
        lines = HeaderLines(self.fp)
        now = exchange.get()
        with now.during("waiting for an answer"):
            self.fp.peek(1)
            if now.deadline.expired:
                raise TimeoutError  # it was shut down: that looks like an end of the answer
        now.first_byte, now.received_at = time.monotonic(), time.time()
        with now.during("reading the headers"):
            self.fp = lines
            try:
                super().begin()
            finally:
                if self.fp is lines:
                    self.fp = lines.file
            self._refuse_what_is_ambiguous()

    def _read_status(self) -> tuple[str, int, str]:
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if status not in (102, 103):
                return version, status, reason
            http.client.parse_headers(self.fp)  # interim answers (RFC 8297): the real one follows

    def _refuse_what_is_ambiguous(self) -> None:
        if any(isinstance(defect, BAD_HEADERS) for defect in self.headers.defects):
            raise Malformed("a header line is none")
        self.headers.defects.clear()
        lengths = {length.strip() for length in self.headers.get_all("content-length", [])}
        if not self.chunked and not all(re.fullmatch(r"[0-9]{1,18}", length) for length in lengths):
            raise Malformed("its Content-Length is no number")
        if len(lengths) > 1:
            raise Malformed("it has several Content-Lengths")
        coding = self.headers.get("transfer-encoding", "identity").strip().lower()
        if coding not in ("chunked", "identity"):
            raise Malformed(f"its Transfer-Encoding is {coding}, which was not asked for")

    def _read_next_chunk_size(self) -> int:
        line = self.fp.readline(MAX_LINE)
        if not line.endswith(b"\n"):
            raise (Malformed("a chunk size has no end") if len(line) == MAX_LINE else http.client.IncompleteRead(b""))
        size = line.split(b";")[0].strip()
        if not CHUNK_SIZE.fullmatch(size):
            raise Malformed("a chunk size is no number (RFC 9112, 7.1)")
        return int(size, 16)


def read_body(source: Response, now: Exchange, max_body: int) -> bytes:
    """The body, never more than `max_body` of it, in time however it drips."""
    if source.length is not None and source.length > max_body:
        raise too_large(now, max_body)
    body = bytearray()
    with now.during("reading the body"):
        while block := source.read1(min(65536, max_body + 1 - len(body))):
            body += block
            if len(body) > max_body:
                raise too_large(now, max_body)
        if now.deadline.expired:
            raise TimeoutError
        if source.length:
            raise http.client.IncompleteRead(b"", source.length)
    return bytes(body)
