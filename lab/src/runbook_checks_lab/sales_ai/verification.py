"""Verify that a request is recent and comes from Slack (Slack's v0 signatures)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runbook_checks_lab.sales_ai.rules import WorkersBehaviour


def is_slack(headers: Mapping[str, str], body: bytes, now_s: float, rules: WorkersBehaviour) -> bool:
    signature, stamp = headers.get("x-slack-signature", ""), headers.get("x-slack-request-timestamp", "")
    if not signature:
        return not rules.requires_signature
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 16):
        return False
    if rules.checks_age and abs(now_s - int(stamp)) > rules.max_skew_s:
        return False
    return not rules.checks_signature or hmac.compare_digest(
        signature_of(rules.signing_secret, stamp, body), signature.encode("utf-8", "replace")
    )


def signature_of(secret: str, stamp: str, body: bytes) -> bytes:
    digest = hmac.new(secret.encode(), digestmod=hashlib.sha256)
    for piece in (b"v0:", stamp.encode("ascii"), b":", body):
        digest.update(piece)
    return b"v0=" + digest.hexdigest().encode()
