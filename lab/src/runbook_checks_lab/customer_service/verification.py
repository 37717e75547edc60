"""Verify that a request is recent and signed with the secret."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runbook_checks_lab.customer_service.rules import ServiceBehaviour

MESSAGES = {
    "unsigned": "missing webhook signature",
    "undated": "missing or malformed webhook timestamp",
    "stale": "stale webhook request",
    "forged": "invalid webhook signature",
}


def flaw(headers: Mapping[str, str], body: bytes, now_s: float, rules: ServiceBehaviour) -> str | None:
    """Return the first defect of a request, or None; a signature in upper-case hex is accepted."""
    signature, stamp = headers.get("x-cs-signature", ""), headers.get("x-cs-timestamp", "")
    if rules.loses_signature:
        signature = ""
    if not signature:
        return "unsigned" if rules.requires_signature else None
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 16):
        return "undated"
    if rules.checks_age and _is_stale(now_s - int(stamp), rules):
        return "stale"
    if rules.checks_signature and not _is_signed(signature, stamp, body, rules):
        return "forged"
    return None


def _is_stale(age_s: float, rules: ServiceBehaviour) -> bool:
    most_ahead_s = rules.max_skew_s if rules.max_ahead_s is None else rules.max_ahead_s
    return age_s > rules.max_skew_s or -age_s > most_ahead_s


def _is_signed(signature: str, stamp: str, body: bytes, rules: ServiceBehaviour) -> bool:
    digest = hmac.new(rules.secret.encode(), digestmod=hashlib.sha256)
    for piece in (stamp.encode("ascii"), b".", body):
        digest.update(piece)
    compared = slice(rules.compares_digits)
    return hmac.compare_digest(
        digest.hexdigest()[compared].encode(), signature.lower()[compared].encode("utf-8", "replace")
    )
