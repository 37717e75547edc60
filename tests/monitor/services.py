"""Internet services that receive messages, simulated by a proxy on loopback for any host name."""

from __future__ import annotations

import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from tests.probes import pki

if TYPE_CHECKING:
    from pathlib import Path

TAKEN = (
    b'{"ok": true, "status": "success", "event_id": "$e", "room_id": "!r:x", "access_token": "token-0123456789",'
    b' "home_server": "x", "user_id": "@u:x", "message_id": "1"}'
)


@dataclass
class Services:
    """A proxy that terminates the tunnel itself, with plain HTTP on the same port."""

    folder: Path
    got: list[tuple[str, str, str]] = field(default_factory=list)
    """Requested host, path and body."""
    redirects: dict[str, str] = field(default_factory=dict)
    logins: set[str | None] = field(default_factory=set)
    asked_as: list[str | None] = field(default_factory=list)
    """The Authorization header, request by request."""

    def __enter__(self) -> Services:
        services = self
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*pki.make("services", names=("services",)).write(self.folder))

        class Inside(BaseHTTPRequestHandler):
            host = ""

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                services.got.append((self.host or self.headers["Host"], self.path, body))
                services.logins.add(self.headers["Proxy-Authorization"])
                services.asked_as.append(self.headers["Authorization"])
                moved = services.redirects.get(self.path)
                answer = b"ok" if self.host == "hooks.slack.com" else TAKEN
                self.send_response(302 if moved else 200)
                if moved:
                    self.send_header("Location", moved)
                self.send_header("Content-Type", "text/plain" if answer == b"ok" else "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_PUT = do_GET = do_POST  # noqa: N815 - the names that http.server uses

            def log_message(self, *_: Any) -> None:
                """Log nothing."""

        class Outside(Inside):
            def do_CONNECT(self) -> None:
                self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
                inside = type("Named", (Inside,), {"host": self.path.partition(":")[0]})
                with context.wrap_socket(self.connection, server_side=True) as tunnel:
                    inside(tunnel, self.client_address, self.server)
                self.close_connection = True

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Outside)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
