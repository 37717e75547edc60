"""PyMySQL's connection, made safe against a server that is not the one we mean.

PyMySQL gives any server that asks the password in clear text, or encrypted under a key that the server itself has just
sent; it reads packets without a limit, and its constructor dials by itself, past our resolver and deadline. It has no
options against these, so this class overrides methods of it, private ones among them. All of that stands in this file.
"""

from __future__ import annotations

from contextlib import suppress
from importlib.util import find_spec
from typing import Any

import pymysql
from pymysql.connections import Connection as PlainConnection

MAX_GREETING = 64 << 10  # all of the handshake
QUIT = b"\x01\0\0\0\x01"
MAX_BYTES = 16 << 20  # all answers to one statement
# Plugins that send no reusable secret.
SCRAMBLES = (b"mysql_native_password", b"caching_sha2_password", b"client_ed25519", b"sha256_password")
# Plugins that send the password, or its equivalent.
CLEAR = (b"mysql_clear_password", b"mysql_old_password", b"dialog")
DEFAULT_PLUGIN = "caching_sha2_password"


class NeedsTls(Exception):
    """The server asks for the password in clear text, and TLS has not verified it."""


class NotSupported(Exception):
    """The server requires an authentication plugin that is not supported."""


class TooMuch(Exception):
    """The answer exceeds the size limit."""


class Connection(PlainConnection):
    """One connection, over a socket that is given to it; is_verified: its TLS context makes the server prove itself."""

    def __init__(self, *, is_verified: bool, **settings: Any) -> None:
        self._bytes_left = MAX_GREETING
        self._is_verified = is_verified
        self.is_encrypted = False
        super().__init__(defer_connect=True, **settings)

    @property
    def closed(self) -> bool:
        return self._sock is None  # type: ignore[attr-defined]

    @property
    def version(self) -> str:
        return str(self.server_version)  # type: ignore[attr-defined]

    def fileno(self) -> int:
        return int(self._sock.fileno())  # type: ignore[attr-defined]

    def close(self) -> None:
        """Send COM_QUIT without waiting for an answer: without it, servers log an aborted connection."""
        if not self.closed:
            with suppress(OSError):
                self._sock.settimeout(0)  # type: ignore[attr-defined]
                self._sock.send(QUIT)  # type: ignore[attr-defined]
        self._force_close()

    def _force_close(self) -> None:
        result = getattr(self, "_result", None)
        if result is not None:
            result.unbuffered_active = False  # or PyMySQL would try to read on when the result is garbage-collected
        super()._force_close()  # type: ignore[misc]

    def begin_statement(self, timeout_s: float, max_bytes: int = MAX_BYTES) -> None:
        self._bytes_left = max_bytes
        self._read_timeout = self._write_timeout = max(0.01, timeout_s)

    @property
    def _secure(self) -> bool:
        """PyMySQL sends the password itself where this is true."""
        return self.is_encrypted and self._is_verified

    @_secure.setter
    def _secure(self, is_encrypted: bool) -> None:
        self.is_encrypted = is_encrypted

    @property
    def server_public_key(self) -> None:
        """PyMySQL reads it where it is about to encrypt the password with a key that came over the same connection."""
        raise NeedsTls

    @server_public_key.setter
    def server_public_key(self, _: object) -> None:
        """No key of a server is trusted."""

    def _get_server_information(self) -> None:
        super()._get_server_information()  # type: ignore[misc]
        self._auth_plugin_name: str
        # PyMySQL would answer this one with the password, over any TLS; a server switches to what an account needs.
        if self._auth_plugin_name == "sha256_password" and not self._is_verified:
            self._auth_plugin_name = DEFAULT_PLUGIN

    def _process_auth(self, plugin_name: bytes, packet: Any, handler: Any = None) -> Any:
        if plugin_name not in SCRAMBLES + CLEAR or (plugin_name == b"client_ed25519" and not find_spec("nacl")):
            raise NotSupported(plugin_name.decode("ascii", "replace"))
        if plugin_name in CLEAR and not self._secure:
            raise NeedsTls
        return super()._process_auth(plugin_name, packet, handler)  # type: ignore[misc]

    def _read_bytes(self, size: int) -> bytes:
        self._bytes_left -= size
        if self._bytes_left < 0:
            self._force_close()
            raise TooMuch
        return bytes(super()._read_bytes(size))  # type: ignore[misc]


ServerError = pymysql.MySQLError


def number_and_words(error: BaseException) -> tuple[int, str]:
    """Number and text of a server error; 0 without a number."""
    arguments = error.args
    number = arguments[0] if arguments and isinstance(arguments[0], int) else 0
    return number, str(arguments[-1]) if arguments else type(error).__name__
