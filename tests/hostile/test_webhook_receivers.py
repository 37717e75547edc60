"""Webhook receivers as people build them: each sender's signatures, each way to refuse, and incomplete comparisons."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.hostile.product import SECRET, check, describe, must_be_orderly, outcomes
from tests.hostile.services import document
from tests.misbehaving.http import whole
from tests.misbehaving.server import FakeServer, Visit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

SIGNED, UNSIGNED = "webhook.signature-rejected", "webhook.unsigned-accepted"
TAMPERED, STALE = "webhook.tampered-accepted", "webhook.stale-accepted"
ALL = (SIGNED, UNSIGNED, TAMPERED, STALE)
CODED_SECRET = "whsec_" + base64.b64encode(b"planted-secret-of-24-byte").decode()

# Header of the signature, its pattern, header of the time, what is signed before the body, base64.
SENDERS: dict[str, tuple[str, str, str | None, str, bool]] = {
    "custom": ("x-signature", r"([0-9a-f]+)", "x-timestamp", "{time}.", False),
    "github": ("x-hub-signature-256", r"sha256=([0-9a-f]+)", None, "", False),
    "stripe": ("stripe-signature", r"t=\d+,v1=([0-9a-f]+)", None, "{time}.", False),
    "slack": ("x-slack-signature", r"v0=([0-9a-f]+)", "x-slack-request-timestamp", "v0:{time}:", False),
    "standard-webhooks": ("webhook-signature", r"v1,(.+)", "webhook-timestamp", "{id}.{time}.", True),
    "svix": ("svix-signature", r"v1,(.+)", "svix-timestamp", "{id}.{time}.", True),
    "shopify": ("x-shopify-hmac-sha256", r"(.+)", None, "", True),
}


def refusal(status: str = "401 Unauthorized", document_: Any = None) -> bytes:
    return document({"error": "unauthorized"} if document_ is None else document_, status=status)


@dataclass
class Receiver:
    """A receiver with its own verification. `same` compares the expected digest with the received one."""

    sender: str = "custom"
    same: Callable[[str, str], bool] = lambda expected, given: expected == given
    refuses: Callable[[str], bytes] = lambda _flaw: refusal()
    accepts: bytes = document({"error": "no message"}, status="400 Bad Request")
    loses: str = ""  # a header that a proxy drops
    skew_s: float = 300.0

    def __call__(self, visit: Visit) -> None:
        seen = visit.request()
        if seen:
            head, _, body = seen.partition(b"\r\n\r\n")
            lines = [line.partition(": ") for line in head.decode("latin-1").split("\r\n")[1:]]
            headers = {name.lower(): value for name, _, value in lines if name.lower() != self.loses}
            flaw = self.flaw(headers, body)
            visit.say(self.refuses(flaw) if flaw else self.accepts)

    def flaw(self, headers: dict[str, str], body: bytes) -> str | None:
        header, pattern, time_header, before, is_base64 = SENDERS[self.sender]
        if header not in headers:
            return "unsigned"
        signature = headers[header]
        told = headers.get(time_header, "") if time_header else "".join(re.findall(r"t=(\d+)", signature))
        if "{time}" in before:
            if not told.isdigit():
                return "undated"
            if abs(time.time() - int(told)) > self.skew_s:
                return "stale"
        name = header.partition("-")[0]
        signed = before.format(time=told, id=headers.get(f"{name}-id", "")).encode() + body
        key = base64.b64decode(CODED_SECRET[6:]) if CODED_SECRET and name in ("webhook", "svix") else SECRET.encode()
        digest = hmac.new(key, signed, hashlib.sha256)
        expected = base64.b64encode(digest.digest()).decode() if is_base64 else digest.hexdigest()
        given = re.fullmatch(pattern.replace("+)", "*)"), signature)
        return None if given and self.same(expected, given[1]) else "forged"


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., dict[str, dict[str, str]]]:
    """Run the webhook's checks against receivers, and return outcomes by system."""

    def run(
        receivers: dict[str, tuple[Receiver, dict[str, Any]]], effects: str = "refused"
    ) -> dict[str, dict[str, str]]:
        with ExitStack() as stack:
            systems = {}
            for name, (receiver, settings) in receivers.items():
                server = stack.enter_context(FakeServer(receiver))
                secret = "PLANTED_CODED" if receiver.sender in ("standard-webhooks", "svix") else "PLANTED_SECRET"
                webhook = {"path": "/hook", "scheme": receiver.sender, "secret": {"env": secret}} | settings
                runbook = {"title": name, "symptoms": {symptom: {} for symptom in ALL}}
                (tmp_path / f"{name}.yaml").write_text(json.dumps(runbook))
                systems[name] = {"runbook": f"{name}.yaml", "http": {"base_url": server.url}, "webhook": webhook}
            coded = {"PLANTED_CODED": CODED_SECRET}
            ran = check(tmp_path, systems, "-m", "webhook", effects=effects, variables=coded)
        must_be_orderly(ran)
        print({name: describe(ran.of(name)) for name in receivers})
        return {name: outcomes(ran.of(name)) for name in receivers}

    return run


def expected(*values: str) -> dict[str, str]:
    return dict(zip(ALL, values, strict=True))


def must_be(seen: dict[str, dict[str, str]], wanted: Mapping[str, tuple[str, ...]]) -> None:
    for name, values in wanted.items():
        assert {symptom: seen[name][symptom] for symptom in ALL} == expected(*values), name


def test_every_senders_signatures_are_accepted_and_forgeries_refused(run: Any) -> None:
    seen = run({f"from-{sender}": (Receiver(sender), {}) for sender in SENDERS})
    timeless = ("from-github", "from-shopify")  # their signatures cover no time
    must_be(seen, dict.fromkeys(seen, CLEAR) | dict.fromkeys(timeless, (*CLEAR[:3], "unknown")))


def test_incomplete_comparisons_are_found(run: Any) -> None:
    compares: dict[str, Callable[[str, str], bool]] = {
        "first-ten": lambda right, given: right[:10] == given[:10],
        "all-but-the-last": lambda right, given: right[:-1] == given[:-1],
        "all-but-the-first": lambda right, given: right[1:] == given[1:],
        "half": lambda right, given: right[:32] == given[:32],
        "prefix": lambda right, given: bool(given) and right.startswith(given),
        "empty": lambda right, given: not given or right == given,
        "zip": lambda right, given: all(a == b for a, b in zip(right, given, strict=False)),
        "any-case": lambda right, given: right == given.lower(),
    }
    seen = run({name: (Receiver(same=same), {}) for name, same in compares.items()})
    found = "found:accepted"
    tampered = ("clear", "clear", found, "clear")
    partly = ("first-ten", "all-but-the-last", "all-but-the-first", "half", "prefix")
    must_be(seen, dict.fromkeys(partly, tampered) | {"any-case": CLEAR})
    must_be(seen, {"empty": ("clear", found, "clear", "clear"), "zip": ("clear", found, found, "clear")})


def test_incomplete_comparison_of_base64_is_found(run: Any) -> None:
    """The lowest bits of base64's last digit mean nothing: a decoder that ignores them is correct."""
    same = {
        "decoded": lambda right, given: len(given) == len(right) and base64.b64decode(right) == base64.b64decode(given),
        "cut": lambda right, given: right[:20] == given[:20],
    }
    seen = run({name: (Receiver("svix", same=compare), {}) for name, compare in same.items()})
    must_be(seen, {"decoded": CLEAR, "cut": ("clear", "clear", "found:accepted", "clear")})


def coded(**codes: Any) -> Callable[[str], bytes]:
    """Refuse with 400 and these codes at error.code."""
    return lambda flaw: refusal("400 Bad Request", {"error": {"code": codes.get(flaw, codes["forged"])}})


CODES = {"unsigned": 4031, "stale": 4033, "invalid": 4034}
NESTED = {"refusals": {"status": 400, "field": "error.code", **CODES}}
NUMBERS = coded(unsigned=4031, stale=4033, forged=4034)
BAD_BODY = document({"error": {"code": 4001}}, status="400 Bad Request")
WALL = whole(b"<html><title>403 Forbidden</title></html>", "Content-Type: text/html", status="403 Forbidden")
CLEAR, UNKNOWN = ("clear",) * 4, ("unknown",) * 4
LOST = "found:header-dropped"


def test_refusals_as_people_build_them(run: Any) -> None:
    opaque = {"status": 401, "unsigned": "no", "stale": "no", "invalid": "no", "field": "error"}
    one_code = lambda _: refusal(document_={"error": "no"})  # noqa: E731
    seen = run(
        {
            "opaque": (Receiver(), {}),
            "opaque-code": (Receiver(refuses=one_code), {"refusals": opaque}),
            "numbers": (Receiver(refuses=NUMBERS, accepts=BAD_BODY), NESTED),
            "numbers-without-codes": (Receiver(refuses=NUMBERS, accepts=BAD_BODY), {"refusals": {"status": 400}}),
            "400-for-all": (Receiver(refuses=NUMBERS, accepts=BAD_BODY), {}),
            "400-or-accepted": (Receiver(refuses=NUMBERS, accepts=document({})), {}),
            "wall": (Receiver(refuses=lambda _: WALL), {}),
            "wall-for-all": (Receiver(refuses=lambda _: WALL, accepts=WALL), {}),
            "own-page": (Receiver(refuses=lambda _: WALL), {"refusals": {"pages": True}}),
            "lost-header": (Receiver(refuses=NUMBERS, accepts=BAD_BODY, loses="x-signature"), NESTED),
            "lost-opaque": (Receiver(loses="x-signature"), {}),
            "lost-time": (Receiver(refuses=NUMBERS, accepts=BAD_BODY, loses="x-timestamp"), NESTED),
        }
    )
    must_be(seen, dict.fromkeys(("opaque", "opaque-code", "numbers", "400-or-accepted", "own-page"), CLEAR))
    must_be(seen, {"numbers-without-codes": UNKNOWN, "wall-for-all": UNKNOWN})
    must_be(seen, {"400-for-all": ("clear", "unknown", "unknown", "unknown")})
    must_be(seen, {"wall": ("clear", "unknown", "unknown", "unknown")})
    refused = ("unknown",) * 3
    must_be(seen, {"lost-header": (LOST, *refused), "lost-opaque": ("found:None", *refused)})
    must_be(seen, {"lost-time": ("found:secret-mismatch", *refused)})


def test_receiver_that_verifies_later(run: Any) -> None:
    """It accepts everything by design if the file says so; else its open door is found."""
    accepts_all = Receiver(refuses=lambda _: document({}), accepts=document({}))
    later = {"verifies_later": True}
    seen = run(
        {
            "open": (accepts_all, {}),
            "later": (accepts_all, later),
            "later-refuses": (Receiver(refuses=lambda _: refusal(), accepts=refusal()), later),
            "later-strict": (Receiver(), later),
        }
    )
    must_be(seen, {"open": ("clear", *("found:accepted",) * 3), "later": UNKNOWN, "later-strict": CLEAR})
    must_be(seen, {"later-refuses": ("found:None", "unknown", "unknown", "unknown")})


def test_limit_of_the_skew(run: Any) -> None:
    """A limit that is too small is one, not a clock; at the edge of what is tolerated all is clear."""

    def limited(skew_s: float) -> Receiver:
        return Receiver(skew_s=skew_s, refuses=NUMBERS, accepts=document({}))

    seen = run(
        {
            "30-s": (limited(30), NESTED),
            "250-s": (limited(250), NESTED),
            "270-s": (limited(270), NESTED),
            "300-s-for-600": (limited(300), NESTED | {"max_skew_s": 600}),
        },
        effects="write",
    )
    too_small = "found:skew-limit-too-small"
    assert [seen[name][SIGNED] for name in seen] == [too_small, too_small, "clear", too_small]


def test_secret_that_is_not_base64_is_unknown(run: Any) -> None:
    seen = run({"svix": (Receiver("svix"), {"secret": {"env": "PLANTED_SECRET"}})})
    must_be(seen, {"svix": UNKNOWN})
