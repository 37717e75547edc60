"""No part of a secret remains where a text was truncated within it, wrapped, or encoded differently."""

from __future__ import annotations

import base64
import json
import shlex
import textwrap
import urllib.parse

import pytest

from runbook_checks.config.redaction import Redaction
from runbook_checks.probes.core.reading import one_line

SECRETS = {
    "random": "kQ3v-Zs9_Lm2Xw7RtY5uPo1aBc8DeF4g",
    "hex": "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
    "words": 'open "sesame"  and/or 100% +more',
    "dsn": "postgresql://monitor:p%40ss%2Fw0rd-q7x2@db.example.com:5432/shop?sslmode=require",
    "url": "https://hooks.example.com/services/T0AB/B0CD/kQ3vZs9Lm2Xw7RtY5uPo",
    "prefixed": "xoxb-123456789012-kQ3vZs9Lm2Xw7RtY5uPo",
}


def redaction() -> Redaction:
    made = Redaction()
    for name, secret in SECRETS.items():
        made.add(secret, name)
    return made


def least(secret: str) -> int:
    return max(6, len(secret) // (2 if "://" in secret else 4))


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("mark", ["", "…", "...", "… and 3 more", "...'"])
def test_text_truncated_within_a_secret(name: str, mark: str) -> None:
    redact, secret = redaction().text, SECRETS[name]
    for size in range(least(secret), len(secret)):
        left = redact(f"password authentication failed for {secret[:size]}{mark}")
        assert secret[: least(secret)] not in left, left
        assert left.startswith("password authentication failed for ")
        assert left.endswith(mark)


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("mark", ["", "…", "...", "a long text ..."])
def test_rest_of_a_secret_after_a_truncated_start(name: str, mark: str) -> None:
    redact, secret = redaction().text, SECRETS[name]
    for size in range(least(secret), len(secret)):
        left = redact(f"{mark}{secret[-size:]} was refused")
        given_away = "-q7x2" if name == "dsn" else secret[-least(secret) :]  # the address in it is not a secret
        assert given_away not in left, left
        assert left.startswith(mark)
        assert left.endswith(" was refused")


@pytest.mark.parametrize("name", SECRETS)
def test_truncation_before_redaction(name: str) -> None:
    """The suite's own truncation comes before redaction, because probes know no secrets."""
    redact, secret = redaction().text, " ".join(SECRETS[name].split())
    for limit in range(40, 130):
        left = redact(one_line(f"the far end said: {'x' * 20} {secret} and more of it", limit))
        assert secret[: least(secret)] not in left, (limit, left)


@pytest.mark.parametrize(
    "text", ["postgresql", "it is reached by postgresql://", "see https://", "https…", "xoxb…", "a b c"]
)
def test_common_words_are_not_redacted(text: str) -> None:
    assert redaction().text(text) == text


@pytest.mark.parametrize("name", SECRETS)
def test_wrapped_text_was_redacted_before(name: str) -> None:
    """A sentence is redacted, then wrapped; separately wrapped text has been redacted as a sentence."""
    secret = SECRETS[name]
    lines = textwrap.wrap(redaction().text(f"the service said {secret} and went away; {secret}"), 66)
    assert "".join(secret.split())[:12] not in "".join("".join(lines).split())


@pytest.mark.parametrize("name", SECRETS)
def test_forms(name: str) -> None:
    redact, secret = redaction().text, SECRETS[name]
    forms = [
        urllib.parse.quote(secret, safe=""),
        urllib.parse.quote_plus(secret),
        json.dumps({"text": secret})[10:-2],
        json.dumps(json.dumps(secret))[3:-3],
        repr(secret)[1:-1],
        shlex.quote(secret),
        base64.b64encode(secret.encode()).decode(),
        base64.b64encode(b"user:" + secret.encode()).decode(),
        base64.urlsafe_b64encode(secret.encode()).decode().rstrip("="),
        secret.encode().hex(),
        " ".join(secret.split()),
        secret.replace('"', '""'),
        "".join(f"%{byte:02x}" for byte in secret.encode()),
        "".join(f"%{byte:02X}" for byte in secret.encode()),
    ]
    for form in forms:
        left = redact(f"before {form} after")
        assert form[4:-4] not in left, form
        assert left.startswith("before ")
        assert left.endswith(" after")
