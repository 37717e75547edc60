"""What is there to deliver to a webhook, and what do its answers mean?"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from runbook_checks.handles.base import Handle
from runbook_checks.probes.core.reading import NoReading, one_line

if TYPE_CHECKING:
    from runbook_checks.config import capabilities
    from runbook_checks.probes.http.client import Answer

MAX_CODE = 60
# Past the signature it is refused for its body: a receiver whose door stands open stores nothing of it.
HARMLESS = b'{"synthetic": "runbook-checks"}'


class Receiver(Handle):
    """The webhook: deliveries signed, unsigned, changed, late."""

    needs = ("webhook", "http")
    libraries = ("runbook_checks.probes.http.transport",)
    settings: capabilities.Webhook

    @property
    def secret(self) -> str:
        return self.bound.value(self.settings.secret, "webhook") or ""

    @property
    def may_write(self) -> bool:
        return bool(self.run.environment.allows("write"))

    def send(self, body: bytes, headers: dict[str, str]) -> Answer:
        return self.bound.http.send(
            "POST", self.settings.path, headers={"Content-Type": "application/json", **headers}, body=body
        )

    def deliver(self, body: bytes, *, age_s: int = 0) -> Answer:
        """A correctly signed delivery, made `age_s` seconds ago (below zero: in the time to come)."""
        timestamp = str(int(time.time()) - age_s)
        return self.send(body, self.signed(timestamp, body))

    def signed(self, timestamp: str, body: bytes) -> dict[str, str]:
        from runbook_checks.probes.auth.signing import sign

        signature = sign(self.secret, timestamp, body)
        return {self.settings.timestamp_header: timestamp, self.settings.signature_header: signature}

    def control(self) -> Answer:
        """A correctly signed delivery of no message, made once for all checks: what must pass where others must not."""
        return self.bound.shared.get("webhook control", lambda: self.deliver(HARMLESS))

    def code(self, answer: Answer) -> str:
        """The code of a refusal, or an empty text."""
        try:
            document = answer.json()
        except NoReading:
            return ""
        code = document.get(self.settings.refusals.field) if isinstance(document, dict) else None
        return one_line(code, MAX_CODE) if isinstance(code, str) else ""

    def is_refusal(self, answer: Answer) -> bool:
        """Refused for its signature, not for its body: 401 or 403, or with the runbook's own status or codes."""
        refusals = self.settings.refusals
        if answer.status in (401, 403, refusals.status):
            return True
        has_code = bool(refusals.prefix) and self.code(answer).startswith(refusals.prefix)
        return has_code and 400 <= answer.status < 500

    def is_past(self, answer: Answer) -> bool:
        """Past the signature: refused for its body, or accepted by something that is no page."""
        if answer.status == self.settings.refusals.invalid_body_status and not self.is_refusal(answer):
            return True
        is_page = answer.text.lstrip()[:1] == "<"
        return 200 <= answer.status < 300 and not is_page

    def told(self, answer: Answer) -> str:
        """Status and code, as a sentence shows them."""
        return f"HTTP {answer.status} {self.code(answer)}".rstrip()

    def evidence(self, answer: Answer) -> dict[str, Any]:
        """What a finding about an answer is told with."""
        return {
            "url": answer.url,
            "status": answer.status,
            "code": self.code(answer) or "without a code",
            "timestamp_header": self.settings.timestamp_header,
            "signature_header": self.settings.signature_header,
            "max_skew_s": self.settings.max_skew_s,
        }

    def step(self, step: capabilities.ChainStep, known: dict[str, Any]) -> Answer:
        """A further call on the way of a message; {names} in its address are taken from what is known."""
        import json
        from urllib.parse import quote

        chain = self.settings.chain
        token = self.bound.value(chain.token, "webhook") if chain else None
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        path = step.path
        for name, value in known.items():
            path = path.replace(f"{{{name}}}", quote(str(value), safe=""))
        if "{" in path:
            raise NoReading("webhook", f"{step.name}: no answer so far gives what {path} needs", kind="field-missing")
        body = json.dumps(step.body).encode()
        return self.bound.http.send(step.method, path, headers=headers, body=body)
