"""Forged tokens: refused by a verifying server, accepted by one with the corresponding mistake."""

from __future__ import annotations

import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from runbook_checks.probes.auth.tokens import Token, forgeries, out_of_time, signed, taken_apart
from runbook_checks.probes.core.reading import NoReading

SECRET = "a-secret-of-more-than-thirty-two-characters"
CLAIMS = {"sub": "41", "role": "user", "email": "someone@example.com"}
# RFC 7515, A.1: a token and the key it was made with.
RFC_TOKEN = (
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
    "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
)


@pytest.fixture
def genuine() -> Token:
    return taken_apart(jwt.encode({**CLAIMS, "exp": int(time.time()) + 600}, SECRET, "HS256"))


def test_published_token_is_parsed() -> None:
    token = taken_apart(RFC_TOKEN)
    assert token.algorithm == "HS256"
    assert token.time("exp") == 1300819380
    assert token.time("nbf") is None


@pytest.mark.parametrize(
    "text", ["", "a.b.c", "opaque", RFC_TOKEN + ".x", "e30.e30", "W10.e30.x", "e30.W10.x", "é.é.é"]
)
def test_invalid_token_is_no_reading(text: str) -> None:
    with pytest.raises(NoReading) as gone:
        taken_apart(text)
    assert gone.value.kind == "not-a-token"


def test_verifier_refuses_every_forgery(genuine: Token) -> None:
    made = list(forgeries(genuine, None))
    assert {forgery.kind for forgery in made} == {"unsigned", "tampered"}
    for forgery in [*made, *out_of_time(genuine, SECRET, time.time())]:
        with pytest.raises(jwt.PyJWTError):
            jwt.decode(forgery.token, SECRET, algorithms=["HS256"])


def test_forgeries_carry_the_genuine_claims(genuine: Token) -> None:
    for forgery in forgeries(genuine, None):
        claims = jwt.decode(forgery.token, options={"verify_signature": False, "verify_exp": False})
        assert claims["email"] == CLAIMS["email"], forgery.what


def test_verifier_that_trusts_an_embedded_key_accepts_it(genuine: Token) -> None:
    (forgery,) = [f for f in forgeries(genuine, None) if "jwk" in f.what]
    header: dict[str, Any] = jwt.get_unverified_header(forgery.token)
    key = jwt.PyJWK.from_json(json.dumps(header["jwk"]), "ES256").key
    assert jwt.decode(forgery.token, key, algorithms=["ES256"])["sub"] == "41"


def test_verifier_that_uses_the_public_key_as_secret_accepts_it() -> None:
    pair = rsa.generate_private_key(65537, 2048)
    public = pair.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    genuine = taken_apart(jwt.encode(CLAIMS, pair, "RS256"))
    made = list(forgeries(genuine, public))
    assert any(f.token == signed({**genuine.header, "alg": "HS256"}, CLAIMS, public) for f in made)
    for forgery in made:
        with pytest.raises(jwt.PyJWTError):
            jwt.decode(forgery.token, public, algorithms=["RS256"])


def test_only_times_are_wrong_in_tokens_signed_with_the_secret(genuine: Token) -> None:
    expired, early = out_of_time(genuine, SECRET, time.time())
    with pytest.raises(jwt.ExpiredSignatureError):
        jwt.decode(expired.token, SECRET, algorithms=["HS256"])
    with pytest.raises(jwt.ImmatureSignatureError):
        jwt.decode(early.token, SECRET, algorithms=["HS256"])


def test_no_token_shows_in_a_repr(genuine: Token) -> None:
    shown = repr([genuine, *forgeries(genuine, None)])
    assert "eyJ" not in shown
    assert CLAIMS["email"] not in shown
