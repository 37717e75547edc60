"""Does a request come from somebody who knows the secret, and lately?"""

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
    """The first thing that is wrong with a request, or None; upper-case hex is the same signature."""
    signature, stamp = headers.get("x-cs-signature", ""), headers.get("x-cs-timestamp", "")
    if not signature:
        return "unsigned" if rules.requires_signature else None
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 16):
        return "undated"
    if rules.checks_age and _is_stale(now_s - int(stamp), rules):
        return "stale"
    if rules.checks_signature and not _is_signed(signature, stamp, body, rules.secret):
        return "forged"
    return None


def _is_stale(age_s: float, rules: ServiceBehaviour) -> bool:
    most_ahead_s = rules.max_skew_s if rules.max_ahead_s is None else rules.max_ahead_s
    return age_s > rules.max_skew_s or -age_s > most_ahead_s


def _is_signed(signature: str, stamp: str, body: bytes, secret: str) -> bool:
    digest = hmac.new(secret.encode(), digestmod=hashlib.sha256)
    for piece in (stamp.encode("ascii"), b".", body):
        digest.update(piece)
    return hmac.compare_digest(digest.hexdigest().encode(), signature.lower().encode("utf-8", "replace"))
