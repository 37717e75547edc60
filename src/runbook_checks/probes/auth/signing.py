"""Sign webhook deliveries as their senders do: HMAC-SHA256 over the body, mostly with a time."""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from dataclasses import dataclass, replace
from hashlib import sha256


@dataclass(frozen=True)
class Scheme:
    """How one sender signs. `signed` and `written` are templates of what is signed and of the signature header."""

    signature_header: str
    timestamp_header: str | None = None
    id_header: str | None = None
    signed: str = "{timestamp}."  # stands before the body
    written: str = "{digest}"
    is_base64: bool = False
    has_coded_secret: bool = False  # base64, behind whsec_

    @property
    def has_time(self) -> bool:
        return "{timestamp}" in self.signed

    def renamed(self, signature_header: str | None, timestamp_header: str | None) -> Scheme:
        """The same scheme with other names of headers, where given."""
        signature, timestamp = signature_header or self.signature_header, timestamp_header or self.timestamp_header
        return replace(self, signature_header=signature, timestamp_header=timestamp)

    def sign(self, secret: str, timestamp: str, body: bytes, message_id: str | None = None) -> Signature:
        """Sign a body. ValueError if the scheme's secrets are base64 and this one is not.

        Without `message_id` the id follows from the body, so that a repeated delivery has the same one.
        """
        message_id = message_id or f"msg_{sha256(body).hexdigest()[:24]}"
        key = b64decode(secret.removeprefix("whsec_"), validate=True) if self.has_coded_secret else secret.encode()
        before = self.signed.format(timestamp=timestamp, id=message_id).encode()
        digest = hmac_sha256(key, before + body)
        if self.is_base64:
            digest = b64encode(bytes.fromhex(digest)).decode()
        return Signature(self, timestamp, digest, message_id)


def _standard(name: str) -> Scheme:
    headers = (f"{name}-signature", f"{name}-timestamp", f"{name}-id")
    return Scheme(*headers, "{id}.{timestamp}.", "v1,{digest}", is_base64=True, has_coded_secret=True)


# Each sender documents its scheme: "Validating webhook deliveries" (GitHub), "Resolve webhook signature verification
# errors" (Stripe), "Verifying requests from Slack", "Standard Webhooks" (its spec), "Verify webhooks" (Svix, Shopify).
SCHEMES = {
    "custom": Scheme("X-Signature", "X-Timestamp"),
    "github": Scheme("X-Hub-Signature-256", signed="", written="sha256={digest}"),
    "stripe": Scheme("Stripe-Signature", written="t={timestamp},v1={digest}"),
    "slack": Scheme("X-Slack-Signature", "X-Slack-Request-Timestamp", None, "v0:{timestamp}:", "v0={digest}"),
    "standard-webhooks": _standard("webhook"),
    "svix": _standard("svix"),
    "shopify": Scheme("X-Shopify-Hmac-Sha256", signed="", is_base64=True),
}


@dataclass(frozen=True)
class Signature:
    """The signature of one body, with the parts that a forger would change."""

    scheme: Scheme
    timestamp: str
    digest: str
    """The HMAC as the scheme writes it, in hex or base64."""
    id: str = ""

    def headers(
        self, *, digest: str | None = None, timestamp: str | None = None, is_timed: bool = True
    ) -> dict[str, str]:
        """The headers, with another digest or timestamp where given; is_timed=False leaves the timestamp out."""
        scheme, time = self.scheme, self.timestamp if timestamp is None else timestamp
        written = scheme.written if is_timed else scheme.written.replace("t={timestamp},", "")
        made = {
            scheme.signature_header: written.format(timestamp=time, digest=self.digest if digest is None else digest)
        }
        if scheme.id_header:
            made[scheme.id_header] = self.id
        if scheme.timestamp_header and is_timed:
            made[scheme.timestamp_header] = time
        return made


def hmac_sha256(key: bytes, message: bytes) -> str:
    """Hex HMAC-SHA256; test vectors in RFC 4231."""
    return hmac.new(key, message, "sha256").hexdigest()
