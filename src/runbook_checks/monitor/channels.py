"""Send messages to channels through Apprise, which supports mail, Slack, PagerDuty and a hundred others."""

from __future__ import annotations

import logging
import re
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING, Any

from runbook_checks.config.addresses import NO_ADDRESS, is_address
from runbook_checks.config.secrets import Unresolved
from runbook_checks.monitor.delivery import FINAL, PASSING, UNCLEAR, NotDelivered
from runbook_checks.monitor.limits import with_timeout
from runbook_checks.monitor.plain import plain
from runbook_checks.monitor.responses import kind_of_refusal, watched

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runbook_checks.config.monitoring import Monitoring
    from runbook_checks.config.secrets import Vault
    from runbook_checks.monitor.responses import Response

_TYPES = {"alert": "failure", "graver": "failure", "escalation": "failure", "resolved": "success"}
_WEB = re.compile(r"(?:json|xml|form|apprise)s?://(.*)", re.IGNORECASE | re.DOTALL)  # custom webhooks
CONNECT_S, ANSWER_S = 5.0, 10.0
MOST_TITLE, MOST_BODY, KEPT_END = 250, 8000, 300


class Channels:
    """The channels of an environment; an address is resolved with the first message for it."""

    def __init__(self, rules: Monitoring, vault: Vault) -> None:
        self.rules, self.vault = rules, vault
        self._sent: set[tuple[str, str, str]] = set()

    def send(self, channel: str, kind: str, title: str, body: str) -> None:
        """Send a message, once in a round; NotDelivered where the channel does not accept it.

        All titles and bodies pass here, and text from far ends in them is made plain text.
        """
        message = (channel, title, body)
        if message not in self._sent:
            line = shortened(plain(title).replace("\n", " "), MOST_TITLE, 0)
            self._send(channel, kind, line, plain(body))
            self._sent.add(message)

    def _send(self, channel: str, kind: str, title: str, body: str) -> None:
        address = self._address(channel)
        try:
            is_accepted, responses, error = with_timeout(lambda: _watched(address, kind, title, body))
        except TimeoutError as late:
            raise NotDelivered(str(late), PASSING) from None
        redirected = [response for response in responses if response.is_dropped]
        if redirected:
            raise NotDelivered(f"redirected (HTTP {redirected[0].status}), which drops the message", UNCLEAR)
        if not is_accepted:
            reason = self.vault.redaction.text(error or "no reason given")
            raise NotDelivered(reason, kind_of_refusal(responses), max((r.wait_s for r in responses), default=0.0))

    def _address(self, channel: str) -> str:
        reference = self.rules.channels.get(channel)
        if reference is None:
            raise NotDelivered("the environment file no longer has this channel", FINAL, is_gone=True)
        try:
            address = self.vault.value(reference)
        except Unresolved as unresolved:
            raise NotDelivered(str(unresolved), PASSING) from None
        web = _WEB.fullmatch(address.strip())
        if web and not is_address(f"http://{web[1]}"):
            raise NotDelivered(f"the channel's address {NO_ADDRESS}", FINAL)
        # Timeouts, so that a service that hangs does not block other channels; long messages are cut, not refused.
        for name, setting in (("cto=", f"cto={CONNECT_S:g}&rto={ANSWER_S:g}"), ("overflow=", "overflow=truncate")):
            if name not in address:
                address += f"{'&' if '?' in address else '?'}{setting}"
        return address


def _watched(address: str, kind: str, title: str, body: str) -> tuple[bool, list[Response], str]:
    """Whether the message is accepted, the HTTP responses, and Apprise's last error."""
    with logged_errors() as errors, watched() as responses:
        is_accepted = _send(address, kind, title, body)
    return is_accepted, responses, errors[-1] if errors else ""


def _send(address: str, kind: str, title: str, body: str) -> bool:
    try:
        import apprise
    except ImportError:
        raise NotDelivered("Apprise is not installed: pip install 'runbook-checks[alerts]'", PASSING) from None
    asset = apprise.AppriseAsset(app_id="runbook-checks", app_desc="runbook-checks", app_url="", async_mode=False)
    sender = apprise.Apprise(asset=asset)
    if not sender.add(address):  # Apprise's own message would quote the address
        raise NotDelivered("Apprise does not support the channel's address", FINAL)
    body = _fit(body, title, sender[0])
    notify_type, text = _TYPES.get(kind, "warning"), apprise.NotifyFormat.TEXT
    try:
        return bool(sender.notify(title=title, body=body, notify_type=notify_type, body_format=text))
    except Exception as error:  # a bug in one Apprise plugin must not stop the other channels
        raise NotDelivered(f"Apprise failed with {type(error).__name__}", UNCLEAR) from None


def _fit(body: str, title: str, service: Any) -> str:
    """Shorten a body to what the service accepts; the end stays, since it has the numbers of incident and message."""
    most = min(MOST_BODY, int(service.body_maxlen)) - (0 if service.title_maxlen > 0 else len(title) + 2)
    return shortened(body, max(most, 1), KEPT_END if most > 3 * KEPT_END else 0) + "\n"


def shortened(text: str, most: int, end: int) -> str:
    """At most `most` characters, with a mark where some are left out before the last `end`."""
    if len(text) <= most:
        return text
    return f"{text[: most - end - 3]}\n…\n{text[-end:]}" if end else f"{text[: most - 1]}…"


_errors: ContextVar[list[str] | None] = ContextVar("errors", default=None)


@contextmanager
def logged_errors() -> Iterator[list[str]]:
    """The warnings and errors that Apprise logs in this thread."""
    _capture_log()
    errors: list[str] = []
    before = _errors.set(errors)
    try:
        yield errors
    finally:
        _errors.reset(before)


@cache
def _capture_log() -> None:
    """Capture Apprise's log and stop its propagation: its messages must be redacted first."""
    logger = logging.getLogger("apprise")
    logger.propagate = False
    logger.addHandler(_Handler(logging.WARNING))


class _Handler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        errors = _errors.get()
        if errors is not None:
            errors.append(" ".join(record.getMessage().split()))
