"""Signatures match the published examples of their specifications."""

from __future__ import annotations

import pytest

from runbook_checks.probes.auth.signing import SCHEMES, hmac_sha256

# "Verifying requests from Slack", docs.slack.dev: secret, timestamp, body and signature as published.
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
TIMESTAMP = "1531420618"
BODY = (
    "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
    "&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
    "&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    "&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
SIGNATURE = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"


ID, CODED = "msg_p5jXN8AQM9LWM0D4loKWxJek", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
AT, STANDARD = "1614265330", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
GITHUB = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
SHOPIFY = "QNyObTlKbMx2qDlPF/ZOZcBqg5OgPg+2oky3zldc0Gw="
ORDER = b'{"id":1234567890,"email":"customer@example.com","total_price":"123.45"}'
EVENT, STRIPE = b'{"id": "evt_test"}', f"t={AT},v1=a81e78c6d73e08eb90b2f6680c3a1fc2354cbe60a7fd1b84b38644de4b7384b6"
TEST = b'{"test": 2432232314}'
SLACKS = {"X-Slack-Signature": SIGNATURE, "X-Slack-Request-Timestamp": TIMESTAMP}
STANDARDS, SVIXS = (
    {f"{name}-id": ID, f"{name}-timestamp": AT, f"{name}-signature": STANDARD} for name in ("webhook", "svix")
)
# GitHub's, Slack's, Standard Webhooks' and Svix's are those of their documentation, Shopify's is of SQLPage's tests.
# Stripe publishes none: printf '1614265330.{"id": "evt_test"}' | openssl dgst -sha256 -hmac whsec_test
VECTORS = [
    ("github", "It's a Secret to Everybody", b"Hello, World!", "", {"X-Hub-Signature-256": GITHUB}),
    ("slack", SECRET, BODY.encode(), TIMESTAMP, SLACKS),
    ("standard-webhooks", CODED, TEST, AT, STANDARDS),
    ("svix", CODED, TEST, AT, SVIXS),
    ("svix", CODED.removeprefix("whsec_"), TEST, AT, SVIXS),
    ("shopify", "test-webhook-secret", ORDER, "", {"X-Shopify-Hmac-Sha256": SHOPIFY}),
    ("stripe", "whsec_test", EVENT, AT, {"Stripe-Signature": STRIPE}),
]


@pytest.mark.parametrize(("scheme", "secret", "body", "timestamp", "headers"), VECTORS)
def test_vectors(scheme: str, secret: str, body: bytes, timestamp: str, headers: dict[str, str]) -> None:
    assert SCHEMES[scheme].sign(secret, timestamp, body, ID).headers() == headers


def test_lab_computes_the_same_signature() -> None:
    """With its own code, so that a mistake in one does not hide in the other."""
    from runbook_checks_lab.sales_ai.verification import signature_of

    assert signature_of(SECRET, TIMESTAMP, BODY.encode()).decode() == SIGNATURE


def test_rfc_4231_case_2() -> None:
    digest = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert hmac_sha256(b"Jefe", b"what do ya want for nothing?") == digest
