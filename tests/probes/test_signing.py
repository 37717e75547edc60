"""Signatures match the published examples of their specifications."""

from __future__ import annotations

from runbook_checks.probes.auth.signing import hmac_sha256, sign_slack

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


def test_slacks_own_example() -> None:
    assert sign_slack(SECRET, TIMESTAMP, BODY.encode()) == SIGNATURE


def test_lab_computes_the_same_signature() -> None:
    """With its own code, so that a mistake in one does not hide in the other."""
    from runbook_checks_lab.sales_ai.verification import signature_of

    assert signature_of(SECRET, TIMESTAMP, BODY.encode()).decode() == SIGNATURE


def test_rfc_4231_case_2() -> None:
    digest = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert hmac_sha256(b"Jefe", b"what do ya want for nothing?") == digest
