"""Which signature belongs to a timestamp and a body?"""

from __future__ import annotations

import hmac


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """Hex HMAC-SHA256 (RFC 2104) over `<timestamp>.<body>`, as AI Customer Service's webhook wants it."""
    return hmac_sha256(secret.encode(), timestamp.encode() + b"." + body)


def hmac_sha256(key: bytes, message: bytes) -> str:
    """Hex HMAC-SHA256; test vectors in RFC 4231."""
    return hmac.new(key, message, "sha256").hexdigest()
