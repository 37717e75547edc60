"""Receivers of messages: webhooks like Alertmanager's, a chat, a mail server; each can be down."""

from __future__ import annotations

import json
import socket
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Got:
    """One message that arrived."""

    channel: str
    title: str
    body: str
    at: float


@dataclass
class Receivers:
    """Webhooks on one port, with a path for each channel."""

    got: list[Got] = field(default_factory=list)
    down: set[str] = field(default_factory=set)
    refusals: dict[str, int] = field(default_factory=dict)
    """Channels that refuse messages, with the status; `CHANNEL:WORD` refuses those with the word in their title."""
    retry_after: str = ""
    tried: list[tuple[str, str]] = field(default_factory=list)
    """Channel and title of every message, accepted or not."""
    pings: list[float] = field(default_factory=list)
    pushed: list[str] = field(default_factory=list)

    def __enter__(self) -> Receivers:
        receivers = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                receivers.pings.append(time.time())
                self._answer(200)

            def do_PUT(self) -> None:
                receivers.pushed.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
                self._answer(200)

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                channel = self.path.strip("/").split("/")[-1]
                body = json.loads(raw)
                status = receivers.status(channel, body.get("title", ""))
                receivers.tried.append((channel, body.get("title", "")))
                if status == 200:
                    receivers.take(channel, body)
                self._answer(status)

            def _answer(self, status: int) -> None:
                self.send_response(status)
                if status in (429, 503) and receivers.retry_after:
                    self.send_header("Retry-After", receivers.retry_after)
                if status in (302, 307):
                    self.send_header("Location", f"http://127.0.0.1:{receivers.port}/login")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Log nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def status(self, channel: str, title: str) -> int:
        """Return the status for a message."""
        if channel in self.down:
            return 503
        for name, status in self.refusals.items():
            refusing, _, word = name.partition(":")
            if refusing == channel and word in title:
                return status
        return 200

    def take(self, channel: str, body: dict[str, Any]) -> None:
        if "text" in body:  # a chat's incoming webhook has one text
            title, _, text = body["text"].partition("\n")
            self.got.append(Got(channel, title, text, time.time()))
        else:
            self.got.append(Got(channel, body["title"], body["message"], time.time()))

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def address(self, channel: str) -> str:
        return f"json://127.0.0.1:{self.port}/{channel}"

    def titles(self, channel: str) -> list[str]:
        return [got.title for got in self.got if got.channel == channel]


class MailServer:
    """The part of SMTP that a client needs to deliver a mail."""

    def __init__(self) -> None:
        self.mails: list[str] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rwb") as stream:
                self._talk(stream)

    def _talk(self, stream: Any) -> None:
        def say(line: str) -> None:
            stream.write(f"{line}\r\n".encode())
            stream.flush()

        say("220 mail.test")
        for raw in stream:
            word = raw.decode().strip().upper()
            if word.startswith("DATA"):
                say("354 go on")
                lines = []
                while (line := stream.readline().decode()) != ".\r\n":
                    lines.append(line)
                self.mails.append("".join(lines))
            say("221 bye" if word.startswith("QUIT") else "250 ok")
            if word.startswith("QUIT"):
                return

    def close(self) -> None:
        self.listener.close()
