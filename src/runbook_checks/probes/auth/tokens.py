"""Read a JSON Web Token (RFC 7519, compact form), and forge others from it (RFC 8725).

No token is ever shown: a forged one has the claims of a real one.
"""

from __future__ import annotations

import base64
import hmac
import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from runbook_checks.probes.core.json_text import parsed
from runbook_checks.probes.core.reading import NoReading

HASHES = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}
GUESSED = ("", "secret")
HOUR_S = 3600


@dataclass(frozen=True)
class Token:
    """The parts of a token; nothing is verified."""

    header: dict[str, Any] = field(repr=False)
    claims: dict[str, Any] = field(repr=False)
    signature: str = field(repr=False)

    @property
    def algorithm(self) -> str:
        return str(self.header.get("alg"))

    def time(self, name: str) -> float | None:
        """A claim with a time (epoch s), None without it."""
        value = self.claims.get(name)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


@dataclass(frozen=True)
class Forgery:
    """A token that must be refused, and its kind: unsigned, tampered, expired or early."""

    kind: str
    what: str
    token: str = field(repr=False)


def taken_apart(text: str, resource: str = "auth") -> Token:
    """The parts of a token; NoReading not-a-token for anything else."""
    parts = text.split(".")
    try:
        header, claims = (parsed(_decoded(part), is_strict=False) for part in parts[:2])
        is_token = len(parts) == 3 and isinstance(header, dict) and isinstance(claims, dict)
    except ValueError:
        is_token = False
    if not is_token:
        raise NoReading(resource, "the token is not a JWT in compact form (RFC 7519)", kind="not-a-token")
    return Token(header, claims, parts[2])


def forgeries(genuine: Token, public_key: bytes | None) -> Iterator[Forgery]:
    """Tokens with the claims of a genuine one that its issuer did not sign."""
    for name in ("none", "None", "NONE", "nOnE"):
        unsigned = _joined({**genuine.header, "alg": name}, genuine.claims, "")
        yield Forgery("unsigned", f"a token with alg {name}", unsigned)
    yield Forgery("unsigned", "a token without its signature", _joined(genuine.header, genuine.claims, ""))
    for what, claims in _changed(genuine):
        kept = _joined(genuine.header, claims, genuine.signature)
        yield Forgery("tampered", f"a token whose {what} was changed after signing", kept)
    yield Forgery("tampered", "a token signed with another key", _with_another_key(genuine))
    for key in GUESSED if genuine.algorithm in HASHES else ():
        what = "a token signed with an empty key" if not key else f"a token signed with the key '{key}'"
        yield Forgery("tampered", what, signed(genuine.header, genuine.claims, key))
    yield Forgery("tampered", "a token with its own key (jwk)", _with_embedded_key(genuine))
    if public_key is not None:
        for written in (public_key, public_key.strip(), public_key.strip() + b"\n"):
            confused = signed({**genuine.header, "alg": "HS256"}, genuine.claims, written)
            yield Forgery("tampered", "a token signed by HMAC with the public key", confused)


def out_of_time(genuine: Token, secret: str, now: float) -> Iterator[Forgery]:
    """Tokens with a right signature and wrong times; `secret` is the issuer's own."""
    if genuine.algorithm not in HASHES:
        raise NoReading("auth", f"a secret cannot sign tokens of {genuine.algorithm}", kind="no-source")
    past = {"iat": int(now) - 2 * HOUR_S, "nbf": int(now) - 2 * HOUR_S, "exp": int(now) - HOUR_S}
    yield Forgery("expired", "an expired token", signed(genuine.header, {**genuine.claims, **past}, secret))
    ahead = {"iat": int(now), "nbf": int(now) + HOUR_S, "exp": int(now) + 2 * HOUR_S}
    yield Forgery("early", "a token that is not yet valid", signed(genuine.header, {**genuine.claims, **ahead}, secret))


def signed(header: Mapping[str, Any], claims: Mapping[str, Any], key: str | bytes) -> str:
    """A token signed by HMAC (RFC 7518, 3.2)."""
    message = f"{_part(header)}.{_part(claims)}"
    secret = key.encode() if isinstance(key, str) else key
    digest = hmac.new(secret, message.encode(), HASHES.get(str(header.get("alg")), "sha256")).digest()
    return f"{message}.{_encoded(digest)}"


def _changed(genuine: Token) -> Iterator[tuple[str, dict[str, Any]]]:
    claims = genuine.claims
    yield "subject", {**claims, "sub": "1" if claims.get("sub") != "1" else "2"}
    yield "role", {**claims, "role": "admin" if claims.get("role") != "admin" else "owner"}
    yield "expiry", {**claims, "exp": int(genuine.time("exp") or 0) + 365 * 24 * HOUR_S}


def _with_another_key(genuine: Token) -> str:
    if genuine.algorithm in HASHES:
        return signed(genuine.header, genuine.claims, secrets.token_bytes(64))
    return _asymmetric(genuine.header, genuine.claims)


def _with_embedded_key(genuine: Token) -> str:
    """A token with a key in its header (RFC 7515, 4.1.3); a service that trusts it trusts anyone (CVE-2018-0114)."""
    sign, numbers = _new_key()
    point = {name: _encoded(number.to_bytes(32, "big")) for name, number in zip("xy", numbers, strict=True)}
    header = {"typ": "JWT", "alg": "ES256", "jwk": {"kty": "EC", "crv": "P-256", **point}}
    return _signed_by(sign, header, genuine.claims)


def _asymmetric(header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
    """A token with the same header, signed by a new key."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    if str(header.get("alg")).startswith("RS"):
        key = rsa.generate_private_key(65537, 2048)
        return _signed_by(lambda message: key.sign(message, padding.PKCS1v15(), hashes.SHA256()), header, claims)
    return _signed_by(_new_key()[0], header, claims)


def _new_key() -> tuple[Callable[[bytes], bytes], tuple[int, int]]:
    """A new P-256 key: its signing function in JOSE's form (RFC 7518, 3.4), and its point."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    key = ec.generate_private_key(ec.SECP256R1())
    point = key.public_key().public_numbers()

    def sign(message: bytes) -> bytes:
        r, s = decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    return sign, (point.x, point.y)


def _signed_by(sign: Callable[[bytes], bytes], header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
    message = f"{_part(header)}.{_part(claims)}"
    return f"{message}.{_encoded(sign(message.encode()))}"


def _joined(header: Mapping[str, Any], claims: Mapping[str, Any], signature: str) -> str:
    return f"{_part(header)}.{_part(claims)}.{signature}"


def _part(value: Mapping[str, Any]) -> str:
    return _encoded(json.dumps(value, separators=(",", ":")).encode())


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decoded(part: str) -> bytes:
    return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
