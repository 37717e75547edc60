"""How is a file sent in a form? (multipart/form-data, RFC 7578)"""

from __future__ import annotations

import secrets


def form(name: str, filename: str, content: bytes) -> tuple[str, bytes]:
    """The Content-Type and the body of a form with one file."""
    boundary = f"runbook-checks-{secrets.token_hex(12)}"
    disposition = f'form-data; name="{_quoted(name)}"; filename="{_quoted(filename)}"'
    head = f"--{boundary}\r\nContent-Disposition: {disposition}\r\nContent-Type: application/octet-stream\r\n\r\n"
    return f"multipart/form-data; boundary={boundary}", head.encode() + content + f"\r\n--{boundary}--\r\n".encode()


def _quoted(text: str) -> str:
    """As browsers do (RFC 7578, 2; HTML, 4.10.21.8)."""
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
