"""How is a command given to a Redis, and its answer read? RESP 2, as Redis' documentation has it; bounded."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Any, Self

from runbook_checks.probes.core.deadline import Deadline
from runbook_checks.probes.core.reading import NoReading, one_line
from runbook_checks.probes.net.tls_context import openssl_words

MAX_BYTES = 1 << 20
MAX_LINE = 1 << 10


class Refused(Exception):
    """The server answered a command with an error."""

    def __init__(self, command: str, text: str) -> None:
        super().__init__(text)
        self.command, self.text = command, text


class Wire:
    """One connection. Only answers that are one value are read: status, number, text or nothing."""

    def __init__(self, sock: socket.socket, place: str, deadline: Deadline, resource: str) -> None:
        self._sock, self._place, self._deadline, self._resource = sock, place, deadline, resource
        self._buffer = b""
        self._undo = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._undo.close()

    def wrap(self, context: ssl.SSLContext, host: str) -> None:
        """From now on through TLS."""
        with self._told("the TLS handshake"):
            self._sock = self._undo.enter_context(context.wrap_socket(self._sock, server_hostname=host))

    def ask(self, *words: str) -> bytes | int | None:
        """The answer to a command; Refused where it is an error. Its words never show, the first apart."""
        encoded = [word.encode() for word in words]
        packet = b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded)
        with self._told(f"the answer to {words[0]}"):
            self._sock.settimeout(max(0.001, self._deadline.remaining()))
            self._sock.sendall(packet)
            return self._value(words[0])

    def _value(self, command: str) -> bytes | int | None:
        line = self._line()
        kind, rest = line[:1], line[1:]
        if kind == b"-":
            raise Refused(command, one_line(rest.decode("utf-8", "replace"), 160))
        if kind == b"+":
            return rest
        try:
            number = int(rest)
        except ValueError:
            number = -2
        if kind == b":":
            return number
        if kind != b"$" or not -1 <= number <= MAX_BYTES:
            raise self._gone("answers with something that is no Redis protocol", "malformed-answer")
        return None if number == -1 else self._exactly(number + 2)[:-2]

    def _line(self) -> bytes:
        while b"\r\n" not in self._buffer:
            if len(self._buffer) > MAX_LINE:
                raise self._gone("answers with something that is no Redis protocol", "malformed-answer")
            self._more()
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line

    def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._more()
        taken, self._buffer = self._buffer[:size], self._buffer[size:]
        return taken

    def _more(self) -> None:
        self._sock.settimeout(max(0.001, self._deadline.remaining()))
        block = self._sock.recv(65536)
        if not block:
            raise ConnectionResetError
        self._buffer += block

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:
            raise self._why(error, what) from None

    def _why(self, error: Exception, what: str) -> NoReading:
        if self._deadline.expired or isinstance(error, TimeoutError):
            return self._gone(
                f"did not come to the end of {what} within {self._deadline.seconds:.1f} s", "read-timeout"
            )
        if isinstance(error, ssl.SSLError):
            return self._gone(f"can't be trusted: {openssl_words(error)}", "tls-failed")
        return self._gone(f"closed the connection before {what}", "connection-reset")

    def _gone(self, what: str, kind: str, **more: Any) -> NoReading:
        return NoReading(self._resource, f"{self._place} {what}", kind=kind, evidence={"place": self._place, **more})
