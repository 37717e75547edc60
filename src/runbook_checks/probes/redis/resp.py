"""Ask a Redis server one command at a time, in RESP 2 (Redis documentation, "Redis serialization protocol").

redis-py is not safe against a hostile server: it reads a line without a limit, trusts any length, and its timeout is
per read, so that a server that sends a byte a second never ends. It also resolves and connects by itself, without a
way to check the address before it sends the password. A reading needs only what is in this file: a command and one
value.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

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
    """One connection, which `deadline` watches. Answers are one value: status, number, text or nothing."""

    def __init__(self, sock: socket.socket, place: str, deadline: Deadline, resource: str) -> None:
        self._sock, self._place, self._deadline, self._resource = sock, place, deadline, resource
        self._answers = sock.makefile("rb")

    def wrap(self, context: ssl.SSLContext, host: str) -> None:
        """Start TLS on the connection."""
        with self._explaining("the TLS handshake"):
            self._sock = context.wrap_socket(self._sock, server_hostname=host)
        self._answers = self._sock.makefile("rb")

    def close(self) -> None:
        self._answers.close()
        self._sock.close()

    def ask(self, *words: str) -> bytes | int | None:
        """The answer to a command; Refused if it is an error. Reports show the first word only."""
        encoded = [word.encode() for word in words]
        packet = b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded)
        with self._explaining(f"the answer to {words[0]}"):
            self._sock.sendall(packet)
            return self._value(words[0])

    def _value(self, command: str) -> bytes | int | None:
        line = self._answers.readline(MAX_LINE)
        kind, rest = line[:1], line[1:].removesuffix(b"\r\n")
        if not line.endswith(b"\r\n"):
            raise self._malformed() if len(line) == MAX_LINE else ConnectionResetError
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
            raise self._malformed()
        return None if number == -1 else self._text(number)

    def _text(self, size: int) -> bytes:
        text = self._answers.read(size + 2)
        if len(text) < size + 2:
            raise ConnectionResetError
        return text[:-2]

    @contextmanager
    def _explaining(self, what: str) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:
            raise self._why(error, what) from None

    def _why(self, error: Exception, what: str) -> NoReading:
        if self._deadline.expired or isinstance(error, TimeoutError):
            limit = f"within {self._deadline.seconds:.1f} s"
            return self._gone(f"did not finish {what} {limit}", "read-timeout")
        if isinstance(error, ssl.SSLError):
            return self._gone(f"can't be trusted: {openssl_words(error)}", "tls-failed")
        return self._gone(f"closed the connection before {what}", "connection-reset")

    def _malformed(self) -> NoReading:
        return self._gone("sends an answer that is not the Redis protocol", "malformed-answer")

    def _gone(self, what: str, kind: str) -> NoReading:
        return NoReading(self._resource, f"{self._place} {what}", kind=kind, evidence={"place": self._place})
