"""Send deliveries to a webhook and tell what its responses mean."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from runbook_checks.handles.base import Handle
from runbook_checks.probes.core.reading import NoReading, one_line

if TYPE_CHECKING:
    from runbook_checks.config import capabilities
    from runbook_checks.probes.auth.signing import Scheme, Signature
    from runbook_checks.probes.http.client import Answer

MAX_CODE = 60
# An invalid body: a receiver that accepts everything stores nothing of it.
HARMLESS = b'{"synthetic": "runbook-checks"}'
CODES = ("unsigned", "stale", "invalid")


class Receiver(Handle):
    """The webhook: deliveries signed, unsigned, changed, late."""

    needs = ("webhook", "http")
    libraries = ("runbook_checks.probes.http.transport",)
    settings: capabilities.Webhook

    @property
    def scheme(self) -> Scheme:
        """How the sender signs, with the headers that the files name."""
        from runbook_checks.probes.auth.signing import SCHEMES

        rule = self.settings
        return SCHEMES[rule.scheme].renamed(rule.signature_header, rule.timestamp_header)

    @property
    def may_write(self) -> bool:
        return bool(self.run.environment.allows("write"))

    @property
    def clock_tolerance_s(self) -> float:
        """The drift of the service's clock that webhook.clock-drift tolerates."""
        http, rule = self.chosen.settings.http, self.settings
        if http is not None and http.max_skew_s is not None:
            return http.max_skew_s / 10
        return rule.clock_warn_s or rule.max_skew_s / 10

    def send(self, body: bytes, headers: dict[str, str]) -> Answer:
        return self.bound.http.send(
            "POST", self.settings.path, headers={"Content-Type": "application/json", **headers}, body=body
        )

    def deliver(self, body: bytes, *, age_s: int = 0) -> Answer:
        """Send a correctly signed delivery made `age_s` seconds ago (below zero: in the future)."""
        return self.send(body, self.signed(body, age_s=age_s).headers())

    def signed(self, body: bytes, *, age_s: int = 0) -> Signature:
        secret = self.bound.value(self.settings.secret, "webhook") or ""
        try:
            return self.scheme.sign(secret, str(int(time.time()) - age_s), body)
        except ValueError:
            what = f"webhook.secret is not base64, which {self.settings.scheme} requires (whsec_...)"
            raise NoReading("webhook", what, kind="bad-request") from None

    def control(self) -> Answer:
        """Send a signed delivery without a message, once for all checks: it must pass where forgeries fail."""
        return self.bound.shared.get("webhook control", lambda: self.deliver(HARMLESS))

    def forgery(self) -> Answer:
        """Send the control with the signature of another body, once for all checks."""
        signature = self.signed(b"another body")
        return self.bound.shared.get("webhook forgery", lambda: self.send(HARMLESS, signature.headers()))

    def code(self, answer: Answer) -> str:
        """The code of a refusal, or an empty text."""
        try:
            found = answer.json()
        except NoReading:
            return ""
        name = self.settings.refusals.field
        for key in [name] if isinstance(found, dict) and name in found else name.split("."):
            found = found.get(key) if isinstance(found, dict) else None
        is_code = isinstance(found, str | int) and not isinstance(found, bool)
        return one_line(str(found), MAX_CODE) if is_code else ""

    def expected_code(self, name: str) -> str | None:
        """The code that the runbook file gives for one of CODES, None for none."""
        code = getattr(self.settings.refusals, name)
        return None if code is None else str(code)

    @property
    def has_codes(self) -> bool:
        """Whether the runbook file names any code."""
        return bool(self.settings.refusals.prefix or any(self.expected_code(name) for name in CODES))

    def has_refusal_code(self, answer: Answer) -> bool:
        code, prefix = self.code(answer), self.settings.refusals.prefix
        return bool(code) and (
            code in [self.expected_code(name) for name in CODES] or bool(prefix and code.startswith(prefix))
        )

    def is_refusal(self, answer: Answer) -> bool:
        """Refused for its signature, not its body: by the status or code of the runbook file, else 401 or 403."""
        rule = self.settings.refusals
        if answer.is_markup and not rule.pages:
            return False
        if self.has_refusal_code(answer):
            return 400 <= answer.status < 500
        return answer.status in (401, 403) or answer.status == rule.status != rule.invalid_body_status

    def is_past(self, answer: Answer) -> bool:
        """Past the signature: refused for its body, or accepted by something other than a page."""
        rule = self.settings.refusals
        if answer.is_markup or self.is_refusal(answer):
            return False
        is_decided = rule.status != rule.invalid_body_status or (self.has_codes and bool(self.code(answer)))
        return 200 <= answer.status < 300 or (answer.status == rule.invalid_body_status and is_decided)

    def shown(self, answer: Answer) -> str:
        """Status and code, as a sentence shows them."""
        return f"HTTP {answer.status} {self.code(answer)}".rstrip()

    def evidence(self, answer: Answer) -> dict[str, Any]:
        """The evidence of a finding about a response."""
        scheme = self.scheme
        return {
            "url": answer.url,
            "status": answer.status,
            "code": self.code(answer) or "without a code",
            "timestamp_header": scheme.timestamp_header or "the timestamp",
            "signature_header": scheme.signature_header,
            "max_skew_s": self.settings.max_skew_s,
        }

    def step(self, step: capabilities.ChainStep, known: dict[str, Any]) -> Answer:
        """Make a further call on the way of a message; {names} in its address are taken from `known`."""
        import json
        from urllib.parse import quote

        chain = self.settings.chain
        token = self.bound.value(chain.token, "webhook") if chain else None
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        path = step.path
        for name, value in known.items():
            path = path.replace(f"{{{name}}}", quote(str(value), safe=""))
        if "{" in path:
            raise NoReading(
                "webhook", f"{step.name}: no response so far has the values of {path}", kind="field-missing"
            )
        body = json.dumps(step.body).encode()
        return self.bound.http.send(step.method, path, headers=headers, body=body)
