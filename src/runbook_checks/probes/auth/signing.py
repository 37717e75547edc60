"""Sign a timestamp and a body."""

from __future__ import annotations

import hmac


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """Hex HMAC-SHA256 (RFC 2104) over `<timestamp>.<body>`, as AI Customer Service's webhook expects it."""
    return hmac_sha256(secret.encode(), timestamp.encode() + b"." + body)


def sign_slack(secret: str, timestamp: str, body: bytes) -> str:
    """Slack's v0 signature ("Verifying requests from Slack"): hex HMAC-SHA256 over `v0:<timestamp>:<body>`."""
    return "v0=" + hmac_sha256(secret.encode(), b"v0:" + timestamp.encode() + b":" + body)


def hmac_sha256(key: bytes, message: bytes) -> str:
    """Hex HMAC-SHA256; test vectors in RFC 4231."""
    return hmac.new(key, message, "sha256").hexdigest()
